import { Document, DocumentArray, FlowError, type NamedScore } from '../core/index.ts';
import type { DocumentMessage, ScoreMessage } from './messages.ts';
import { structFromJson, structToJson } from './struct.ts';
import { tensorFromMessage, tensorToMessage } from './tensors.ts';

/** Documents nested deeper than this are refused: nobody means them, and they cost the stack. */
const maxDepth = 64;

/**
 * A document as a message. Of tensor, blob and text the wire carries one: text goes before blob, blob before tensor,
 * unless the text is empty. Scores, weight, offset and location are float32 there.
 */
export function documentToMessage(doc: Document): DocumentMessage {
  const message: DocumentMessage = { id: doc.id, ...contentOf(doc) };
  if (doc.granularity !== undefined) message.granularity = doc.granularity;
  if (doc.adjacency !== undefined) message.adjacency = doc.adjacency;
  if (doc.parentId !== undefined) message.parent_id = doc.parentId;
  if (doc.weight !== undefined) message.weight = doc.weight;
  if (doc.uri !== undefined) message.uri = doc.uri;
  if (doc.modality !== undefined) message.modality = doc.modality;
  if (doc.mimeType !== undefined) message.mime_type = doc.mimeType;
  if (doc.offset !== undefined) message.offset = doc.offset;
  if (doc.location !== undefined) message.location = doc.location;
  if (doc.embedding !== undefined) message.embedding = tensorToMessage(doc.embedding);
  if (doc.tags !== undefined) message.tags = structFromJson(doc.tags);
  if (doc.scores !== undefined) message.scores = scoresToMessage(doc.scores);
  if (doc.evaluations !== undefined) message.evaluations = scoresToMessage(doc.evaluations);
  if (doc.chunks !== undefined) message.chunks = doc.chunks.map((chunk) => nested(chunk, 'granularity', doc));
  if (doc.matches !== undefined) message.matches = doc.matches.map((match) => nested(match, 'adjacency', doc));
  return message;
}

/** @throws `invalid_argument` naming the field that cannot be read */
export function documentFromMessage(message: DocumentMessage, depth = 0): Document {
  if (depth > maxDepth) throw new FlowError('invalid_argument', `expected documents nested at most ${maxDepth} deep`);
  // proto3 does not send what is empty: a document without an id gets one, as everywhere.
  const doc = new Document(message.id ? { id: message.id } : {});
  if (message.text != null) doc.text = message.text;
  if (message.blob != null) doc.blob = message.blob;
  readNumbers(message, doc);
  readWords(message, doc);
  if (message.tags) doc.tags = structToJson(message.tags);
  if (hasEntries(message.scores)) doc.scores = scoresFromMessage(message.scores);
  if (hasEntries(message.evaluations)) doc.evaluations = scoresFromMessage(message.evaluations);
  if (message.chunks?.length) doc.chunks = documentsFromMessages(message.chunks, depth + 1);
  if (message.matches?.length) doc.matches = documentsFromMessages(message.matches, depth + 1);
  return doc;
}

export function documentsFromMessages(messages: readonly DocumentMessage[], depth = 0): DocumentArray {
  const docs = new DocumentArray();
  for (const message of messages) docs.push(documentFromMessage(message, depth));
  return docs;
}

function contentOf({ text, blob, tensor }: Document): DocumentMessage {
  if (text !== undefined && (text !== '' || (blob === undefined && tensor === undefined))) return { text };
  if (blob !== undefined) return { blob };
  return tensor === undefined ? {} : { tensor: tensorToMessage(tensor) };
}

/** Python marks how deep a chunk or a match lies; a document that says so itself is believed. */
function nested(doc: Document, level: 'granularity' | 'adjacency', parent: Document): DocumentMessage {
  const message = documentToMessage(doc);
  message[level] ??= (parent[level] ?? 0) + 1;
  return message;
}

function readNumbers(message: DocumentMessage, doc: Document): void {
  const tensor = message.tensor ? tensorFromMessage(message.tensor, 'tensor') : undefined;
  const embedding = message.embedding ? tensorFromMessage(message.embedding, 'embedding') : undefined;
  if (tensor !== undefined) doc.tensor = tensor;
  if (embedding !== undefined) doc.embedding = embedding;
  if (message.granularity) doc.granularity = message.granularity;
  if (message.adjacency) doc.adjacency = message.adjacency;
  if (message.weight) doc.weight = message.weight;
  if (message.offset) doc.offset = message.offset;
  if (message.location?.length) doc.location = [...message.location];
}

function readWords(message: DocumentMessage, doc: Document): void {
  if (message.parent_id) doc.parentId = message.parent_id;
  if (message.uri) doc.uri = message.uri;
  if (message.modality) doc.modality = message.modality;
  if (message.mime_type) doc.mimeType = message.mime_type;
}

function scoresToMessage(scores: Record<string, NamedScore>): Record<string, ScoreMessage> {
  const entries = Object.entries(scores).map(([name, { value, opName, description, refId }]) => {
    const message: ScoreMessage = { value };
    if (opName !== undefined) message.op_name = opName;
    if (description !== undefined) message.description = description;
    if (refId !== undefined) message.ref_id = refId;
    return [name, message] as const;
  });
  return Object.fromEntries(entries);
}

function scoresFromMessage(scores: Record<string, ScoreMessage | null>): Record<string, NamedScore> {
  const entries = Object.entries(scores).map(([name, message]) => {
    const score: NamedScore = { value: message?.value ?? 0 };
    if (message?.op_name) score.opName = message.op_name;
    if (message?.description) score.description = message.description;
    if (message?.ref_id) score.refId = message.ref_id;
    return [name, score] as const;
  });
  return Object.fromEntries(entries);
}

function hasEntries<Value>(record: Record<string, Value> | undefined): record is Record<string, Value> {
  return record !== undefined && Object.keys(record).length > 0;
}
