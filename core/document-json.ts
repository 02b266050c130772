import { Document, DocumentArray, type NamedScore } from './document.ts';
import { FlowError } from './flow-error.ts';
import { describeValue, isObject, type Json, type JsonObject } from './json.ts';
import { fromBase64, toBase64 } from './platform.ts';
import { isDtype, Tensor, type NestedNumbers } from './tensor.ts';

/**
 * How tensors are written in JSON.
 *
 * `nested`: lists of numbers, as Jina does; reads back as float32.
 * `base64`: `{dtype, shape, data}` with little-endian bytes; reads back exactly, and is a third of the size.
 */
export type TensorForm = 'nested' | 'base64';

/** Where in a body a fault is, such as `['data', 0, 'text']`. */
export type JsonPath = readonly (string | number)[];

/** An `invalid_argument` for the value at `path`; codecs show `details.loc` in their own form. */
export function fieldFault(path: JsonPath, expected: string, value: unknown): FlowError {
  return new FlowError('invalid_argument', `${pathText(path)}: expected ${expected}, got ${describeValue(value)}`, {
    details: { loc: [...path] },
  });
}

/** One document in Jina's JSON form (snake case); every key is present, null where the document has nothing. */
export function documentToJson(doc: Document, tensors: TensorForm = 'nested'): JsonObject {
  return {
    id: doc.id,
    parent_id: doc.parentId ?? null,
    granularity: doc.granularity ?? null,
    adjacency: doc.adjacency ?? null,
    blob: doc.blob === undefined ? null : toBase64(doc.blob),
    tensor: doc.tensor === undefined ? null : tensorToJson(doc.tensor, tensors),
    mime_type: doc.mimeType ?? null,
    text: doc.text ?? null,
    weight: doc.weight ?? null,
    uri: doc.uri ?? null,
    tags: doc.tags ?? null,
    offset: doc.offset ?? null,
    location: doc.location ?? null,
    embedding: doc.embedding === undefined ? null : tensorToJson(doc.embedding, tensors),
    modality: doc.modality ?? null,
    evaluations: scoresToJson(doc.evaluations),
    scores: scoresToJson(doc.scores),
    chunks: doc.chunks === undefined ? null : documentsToJson(doc.chunks, tensors),
    matches: doc.matches === undefined ? null : documentsToJson(doc.matches, tensors),
  };
}

export function documentsToJson(docs: readonly Document[], tensors: TensorForm = 'nested'): JsonObject[] {
  return docs.map((doc) => documentToJson(doc, tensors));
}

/** A list of documents; keys that no document has are ignored, as Jina's clients rely on it. */
export function documentsFromJson(value: unknown, path: JsonPath): DocumentArray {
  if (!Array.isArray(value)) throw fieldFault(path, 'a list of documents', value);
  const docs = new DocumentArray();
  for (let index = 0; index < value.length; index++) docs.push(documentFromJson(value[index], [...path, index]));
  return docs;
}

/** @throws `invalid_argument` naming the field, what was expected and what came. */
export function documentFromJson(value: unknown, path: JsonPath): Document {
  if (!isObject(value)) throw fieldFault(path, 'a document (an object)', value);
  const doc = new Document(typeof value['id'] === 'string' && value['id'] !== '' ? { id: value['id'] } : {});
  for (const key in value) {
    const field = value[key];
    if (field !== null && field !== undefined) readField(doc, key, field, path);
  }
  return doc;
}

function readField(doc: Document, key: string, value: unknown, path: JsonPath): void {
  switch (key) {
    case 'id':
      text(value, path, key);
      return;
    case 'text':
      doc.text = text(value, path, key);
      return;
    case 'uri':
      doc.uri = text(value, path, key);
      return;
    case 'modality':
      doc.modality = text(value, path, key);
      return;
    case 'mime_type':
      doc.mimeType = text(value, path, key);
      return;
    case 'parent_id':
      doc.parentId = text(value, path, key);
      return;
    case 'granularity':
      doc.granularity = number(value, path, key);
      return;
    case 'adjacency':
      doc.adjacency = number(value, path, key);
      return;
    case 'weight':
      doc.weight = number(value, path, key);
      return;
    case 'offset':
      doc.offset = number(value, path, key);
      return;
    case 'location':
      if (!Array.isArray(value)) throw fieldFault([...path, key], 'a list of numbers', value);
      doc.location = value.map((item, index) => number(item, [...path, key], index));
      return;
    case 'blob':
      doc.blob = bytesOf(text(value, path, key), [...path, key]);
      return;
    case 'tensor':
      doc.tensor = tensorFromJson(value, [...path, key]);
      return;
    case 'embedding':
      doc.embedding = tensorFromJson(value, [...path, key]);
      return;
    case 'tags':
      if (!isObject(value)) throw fieldFault([...path, key], 'an object', value);
      doc.tags = value as JsonObject;
      return;
    case 'scores':
      doc.scores = scoresFromJson(value, [...path, key]);
      return;
    case 'evaluations':
      doc.evaluations = scoresFromJson(value, [...path, key]);
      return;
    case 'chunks':
      doc.chunks = documentsFromJson(value, [...path, key]);
      return;
    case 'matches':
      doc.matches = documentsFromJson(value, [...path, key]);
      return;
    default:
      return;
  }
}

export function tensorToJson(tensor: Tensor, form: TensorForm): Json {
  if (form === 'nested') return tensor.toNested();
  return { dtype: tensor.dtype, shape: [...tensor.shape], data: toBase64(tensor.bytes) };
}

/** From nested lists or the base64 form. */
export function tensorFromJson(value: unknown, path: JsonPath): Tensor {
  try {
    if (Array.isArray(value)) return Tensor.fromNested(value as NestedNumbers);
    if (isObject(value)) {
      const { dtype, shape, data } = value;
      if (typeof dtype === 'string' && isDtype(dtype) && isShape(shape) && typeof data === 'string') {
        return Tensor.fromBytes(dtype, shape, bytesOf(data, [...path, 'data']));
      }
    }
  } catch (error) {
    if (error instanceof FlowError && error.details['loc'] === undefined) {
      throw new FlowError('invalid_argument', `${pathText(path)}: ${error.message}`, {
        details: { loc: [...path] },
        cause: error,
      });
    }
    throw error;
  }
  throw fieldFault(path, 'nested lists of numbers or {dtype, shape, data}', value);
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isInteger(size) && (size as number) >= 0);
}

function scoresToJson(scores: Record<string, NamedScore> | undefined): Json {
  if (scores === undefined) return null;
  const json: JsonObject = {};
  for (const [name, score] of Object.entries(scores)) {
    json[name] = {
      value: score.value,
      op_name: score.opName ?? null,
      description: score.description ?? null,
      ref_id: score.refId ?? null,
    };
  }
  return json;
}

function scoresFromJson(value: unknown, path: JsonPath): Record<string, NamedScore> {
  if (!isObject(value)) throw fieldFault(path, 'an object of scores', value);
  const scores: Record<string, NamedScore> = {};
  for (const [name, entry] of Object.entries(value)) {
    const at = [...path, name];
    if (!isObject(entry)) throw fieldFault(at, 'an object with a value', entry);
    const score: NamedScore = { value: entry['value'] == null ? 0 : number(entry['value'], at, 'value') };
    if (entry['op_name'] != null) score.opName = text(entry['op_name'], at, 'op_name');
    if (entry['description'] != null) score.description = text(entry['description'], at, 'description');
    if (entry['ref_id'] != null) score.refId = text(entry['ref_id'], at, 'ref_id');
    scores[name] = score;
  }
  return scores;
}

function text(value: unknown, path: JsonPath, key: string): string {
  if (typeof value === 'string') return value;
  throw fieldFault([...path, key], 'text', value);
}

function number(value: unknown, path: JsonPath, key: string | number): number {
  if (typeof value === 'number') return value;
  throw fieldFault([...path, key], 'a number', value);
}

export function pathText(path: JsonPath): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

function bytesOf(value: string, path: JsonPath): Uint8Array {
  if (value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw fieldFault(path, 'base64 text', value);
  return fromBase64(value);
}
