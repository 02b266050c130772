import { Document, documentToJson, type Json, type Tensor, type TensorForm } from '../core/index.ts';
import { float32ListText } from './number-text.ts';

/** The JSON text of documents, as the HTTP and WebSocket forms carry them: every key, null where there is nothing. */
export function documentsText(docs: readonly Document[], tensors: TensorForm): string {
  let text = '[';
  for (let index = 0; index < docs.length; index++) {
    const doc = docs[index];
    if (doc !== undefined) text += index === 0 ? documentText(doc, tensors) : `,${documentText(doc, tensors)}`;
  }
  return `${text}]`;
}

/** One document; the keys and their order are those of core's `documentToJson`. */
export function documentText(doc: Document, tensors: TensorForm): string {
  return (
    `{"id":${JSON.stringify(doc.id)},"parent_id":${textOrNull(doc.parentId)},` +
    `"granularity":${numberOrNull(doc.granularity)},"adjacency":${numberOrNull(doc.adjacency)},` +
    `"blob":${blobText(doc.blob)},"tensor":${tensorText(doc.tensor, tensors)},` +
    `"mime_type":${textOrNull(doc.mimeType)},"text":${textOrNull(doc.text)},"weight":${numberOrNull(doc.weight)},` +
    `"uri":${textOrNull(doc.uri)},"tags":${jsonOrNull(doc.tags)},"offset":${numberOrNull(doc.offset)},` +
    `"location":${jsonOrNull(doc.location)},"embedding":${tensorText(doc.embedding, tensors)},` +
    `"modality":${textOrNull(doc.modality)},${scoresText(doc)},` +
    `"chunks":${doc.chunks === undefined ? 'null' : documentsText(doc.chunks, tensors)},` +
    `"matches":${doc.matches === undefined ? 'null' : documentsText(doc.matches, tensors)}}`
  );
}

function textOrNull(text: string | undefined): string {
  return text === undefined ? 'null' : JSON.stringify(text);
}

function numberOrNull(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? 'null' : String(value);
}

function jsonOrNull(value: Json | undefined): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

function blobText(blob: Uint8Array | undefined): string {
  if (blob === undefined) return 'null';
  return `"${Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength).toString('base64')}"`;
}

/** Scores are rare outside of search: core writes them, from a document that has nothing else. */
function scoresText({ evaluations, scores }: Document): string {
  if (evaluations === undefined && scores === undefined) return '"evaluations":null,"scores":null';
  const scored = new Document({ id: '' });
  if (evaluations !== undefined) scored.evaluations = evaluations;
  if (scores !== undefined) scored.scores = scores;
  const json = documentToJson(scored);
  return `"evaluations":${JSON.stringify(json['evaluations'])},"scores":${JSON.stringify(json['scores'])}`;
}

function tensorText(tensor: Tensor | undefined, form: TensorForm): string {
  if (tensor === undefined) return 'null';
  if (form === 'base64') {
    return `{"dtype":"${tensor.dtype}","shape":[${tensor.shape.join(',')}],"data":${blobText(tensor.bytes)}}`;
  }
  if (tensor.data instanceof Float32Array && tensor.shape.length > 0) return nestedText(tensor.data, tensor.shape);
  return JSON.stringify(tensor.toNested());
}

/** Nested lists over numbers in C order. */
function nestedText(data: Float32Array, shape: readonly number[]): string {
  const [length = 0, ...inner] = shape;
  if (inner.length === 0) return float32ListText(data);
  const size = length === 0 ? 0 : data.length / length;
  const parts: string[] = [];
  for (let index = 0; index < length; index++) {
    parts.push(nestedText(data.subarray(index * size, (index + 1) * size), inner));
  }
  return `[${parts.join(',')}]`;
}
