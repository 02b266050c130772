import {
  type Dtype,
  Document,
  DocumentArray,
  elementBytes,
  elementCount,
  FlowError,
  isDtype,
  type JsonObject,
  Tensor,
} from '../../core/index.ts';
import { aligned } from './frame.ts';
import { noPayload, type Payload } from './link.ts';
import type { ColumnData, DocumentsData } from './messages.ts';

/** Text-like fields: name in the document, name on the wire (as in Jina's JSON). */
const plainFields = [
  ['text', 'text'],
  ['uri', 'uri'],
  ['mimeType', 'mime_type'],
  ['modality', 'modality'],
  ['tags', 'tags'],
  ['scores', 'scores'],
  ['evaluations', 'evaluations'],
  ['parentId', 'parent_id'],
  ['granularity', 'granularity'],
  ['adjacency', 'adjacency'],
  ['weight', 'weight'],
  ['offset', 'offset'],
  ['location', 'location'],
] as const;

/** Documents as data: fields in JSON, numbers and bytes as columns of one payload, without a copy where they are one block. */
export function encodeDocuments(docs: readonly Document[]): { data: DocumentsData; payload: Payload } {
  const flat: Document[] = [];
  for (const doc of docs) flatten(doc, flat);
  const builder = new PayloadBuilder();
  addTensors(flat, 'embedding', builder);
  addTensors(flat, 'tensor', builder);
  addBlobs(flat, builder);
  return { data: { docs: flat.map(fieldsOf), columns: builder.columns }, payload: builder.payload() };
}

/** @throws `protocol_error` when columns and payload do not fit together. */
export function decodeDocuments(data: DocumentsData, payload: Uint8Array): DocumentArray {
  const flat = data.docs.map(documentOf);
  for (const column of data.columns) readColumn(column, flat, payload);
  return data.docs.some((fields) => 'chunks' in fields || 'matches' in fields) ? nest(flat, data) : fromList(flat);
}

function fromList(docs: readonly Document[]): DocumentArray {
  const array = new DocumentArray();
  for (const doc of docs) array.push(doc);
  return array;
}

/** Puts flattened documents back into each other. */
function nest(flat: readonly Document[], data: DocumentsData): DocumentArray {
  let position = 0;
  const take = (count: number): DocumentArray => {
    const docs = new DocumentArray();
    for (let index = 0; index < count; index++) {
      const doc = flat[position];
      const fields = data.docs[position++];
      if (doc === undefined || fields === undefined) {
        throw new FlowError('protocol_error', `expected ${count} nested documents, got ${index}`);
      }
      const { chunks, matches } = fields;
      if (typeof chunks === 'number') doc.chunks = take(chunks);
      if (typeof matches === 'number') doc.matches = take(matches);
      docs.push(doc);
    }
    return docs;
  };
  const roots = new DocumentArray();
  while (position < flat.length) roots.push(...take(1));
  return roots;
}

/** Adds the document and everything nested in it to `flat`: itself, its chunks, its matches. */
function flatten(doc: Document, flat: Document[]): void {
  flat.push(doc);
  doc.chunks?.forEach((chunk) => flatten(chunk, flat));
  doc.matches?.forEach((match) => flatten(match, flat));
}

function fieldsOf(doc: Document): JsonObject {
  const fields: JsonObject = { id: doc.id };
  for (const [name, key] of plainFields) {
    const value = doc[name];
    if (value !== undefined) fields[key] = value as JsonObject[string];
  }
  if (doc.chunks !== undefined) fields['chunks'] = doc.chunks.length;
  if (doc.matches !== undefined) fields['matches'] = doc.matches.length;
  return fields;
}

function documentOf(fields: JsonObject): Document {
  const { id } = fields;
  if (typeof id !== 'string') throw new FlowError('protocol_error', 'a document without an id came over the channel');
  const doc = new Document({ id });
  for (const [name, key] of plainFields) {
    const value = fields[key];
    if (value !== undefined) Object.assign(doc, { [name]: value });
  }
  return doc;
}

class PayloadBuilder {
  readonly columns: ColumnData[] = [];
  private readonly parts: Uint8Array[] = [];
  private bytes = 0;

  add(column: Omit<ColumnData, 'offset'>, parts: readonly Uint8Array[]): void {
    this.columns.push({ ...column, offset: this.bytes });
    let length = 0;
    for (const part of parts) {
      this.parts.push(part);
      length += part.length;
    }
    const padding = aligned(length) - length;
    if (padding > 0) this.parts.push(new Uint8Array(padding));
    this.bytes += length + padding;
  }

  payload(): Payload {
    return this.bytes === 0 ? noPayload : { parts: this.parts, bytes: this.bytes };
  }
}

/** One column for each dtype and shape that occurs; nearly always one in all. */
function addTensors(flat: readonly Document[], field: 'embedding' | 'tensor', builder: PayloadBuilder): void {
  const groups = new Map<string, { rows: number[]; tensors: Tensor[] }>();
  flat.forEach((doc, row) => {
    const tensor = doc[field];
    if (tensor === undefined) return;
    const key = `${tensor.dtype} ${tensor.shape.join()}`;
    const group = groups.get(key) ?? { rows: [], tensors: [] };
    group.rows.push(row);
    group.tensors.push(tensor);
    groups.set(key, group);
  });
  for (const { rows, tensors } of groups.values()) {
    const block = Tensor.stack(tensors);
    const column = { field, dtype: block.dtype, shape: block.shape.slice(1) };
    builder.add(rows.length === flat.length ? column : { ...column, rows }, [block.bytes]);
  }
}

function addBlobs(flat: readonly Document[], builder: PayloadBuilder): void {
  const rows: number[] = [];
  const blobs: Uint8Array[] = [];
  flat.forEach((doc, row) => {
    if (doc.blob === undefined) return;
    rows.push(row);
    blobs.push(doc.blob);
  });
  if (rows.length > 0) builder.add({ field: 'blob', rows, lengths: blobs.map((blob) => blob.length) }, blobs);
}

function readColumn(column: ColumnData, flat: readonly Document[], payload: Uint8Array): void {
  const { dtype, shape, lengths, offset } = column;
  const count = column.rows?.length ?? flat.length;
  const docAt = (index: number): Document => {
    const doc = flat[column.rows?.[index] ?? index];
    if (doc === undefined)
      throw new FlowError('protocol_error', `column ${column.field} names a document that is not there`);
    return doc;
  };
  if (column.field === 'blob') {
    let start = offset;
    lengths?.forEach((length, index) => {
      docAt(index).blob = slice(payload, start, length);
      start += length;
    });
    return;
  }
  if (dtype === undefined || shape === undefined || !isDtype(dtype)) {
    throw new FlowError('protocol_error', `column ${column.field} has no valid dtype and shape`);
  }
  const block = blockOf(dtype, [count, ...shape], offset, payload);
  for (let index = 0; index < count; index++) docAt(index)[column.field] = block.row(index);
}

function blockOf(dtype: Dtype, shape: readonly number[], offset: number, payload: Uint8Array): Tensor {
  return Tensor.fromBytes(dtype, shape, slice(payload, offset, elementCount(shape) * elementBytes(dtype)));
}

function slice(payload: Uint8Array, start: number, length: number): Uint8Array {
  if (start < 0 || length < 0 || start + length > payload.length) {
    throw new FlowError(
      'protocol_error',
      `bytes ${start} to ${start + length} lie outside a payload of ${payload.length}`,
    );
  }
  return payload.subarray(start, start + length);
}
