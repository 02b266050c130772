import type { Document, DocumentArray, Json, JsonObject } from '../../core/index.ts';
import type { EndpointManifest } from '../wire/index.ts';

/** How the work of a document is estimated; see `CostUnit` of the executor SDK. */
export type CostUnit = EndpointManifest['cost'];

/** What an object, a list or a number takes beside its content. */
const valueBytes = 16;
/** Of English text, roughly; the worker counts exactly. */
const charactersPerToken = 4;
const documentOverheadBytes = 256;

/**
 * Estimated cost of one document, at least 1.
 *
 * A document without the field that the unit counts costs 1. Only the document itself counts, not its chunks.
 */
export function documentCost(doc: Document, unit: CostUnit): number {
  switch (unit) {
    case 'items':
      return 1;
    case 'characters':
      return Math.max(1, doc.text?.length ?? 0);
    case 'bytes':
      return Math.max(1, doc.blob?.byteLength ?? 0);
    case 'tensor':
      return Math.max(1, doc.tensor?.data.length ?? 0);
    case 'tokens':
      return Math.max(1, doc.tensor?.data.length ?? Math.ceil((doc.text?.length ?? 0) / charactersPerToken));
  }
}

/** Largest cost of a request's documents, as a batch key's neighbours are chosen by; 1 without documents. */
export function largestCost(docs: readonly Document[], unit: CostUnit): number {
  let largest = 1;
  if (unit === 'items') return largest;
  for (const doc of docs) largest = Math.max(largest, documentCost(doc, unit));
  return largest;
}

/**
 * Estimated bytes that a request holds while it waits: its documents with chunks and matches, and its parameters.
 *
 * Contents are counted by their lengths, not read, but for tags and parameters, which are walked.
 */
export function requestBytes(docs: DocumentArray, parameters: JsonObject): number {
  let bytes = jsonBytes(parameters);
  // A list of lists and not a recursion: chunks may be nested deeper than the stack.
  const pending: DocumentArray[] = [docs];
  for (let list = pending.pop(); list !== undefined; list = pending.pop()) {
    for (const doc of list) {
      bytes += ownBytes(doc);
      if (doc.chunks !== undefined) pending.push(doc.chunks);
      if (doc.matches !== undefined) pending.push(doc.matches);
    }
  }
  return bytes;
}

function ownBytes(doc: Document): number {
  return (
    documentOverheadBytes +
    (doc.text?.length ?? 0) +
    (doc.uri?.length ?? 0) +
    (doc.blob?.byteLength ?? 0) +
    (doc.tensor?.data.byteLength ?? 0) +
    (doc.embedding?.data.byteLength ?? 0) +
    (doc.tags === undefined ? 0 : jsonBytes(doc.tags))
  );
}

function jsonBytes(value: JsonObject): number {
  let bytes = 0;
  const pending: Json[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    bytes += valueBytes;
    if (typeof next === 'string') bytes += next.length;
    if (typeof next !== 'object' || next === null) continue;
    if (Array.isArray(next)) {
      for (const item of next) pending.push(item);
      continue;
    }
    for (const key in next) {
      bytes += key.length;
      pending.push(next[key] ?? null);
    }
  }
  return bytes;
}
