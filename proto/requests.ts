import { DocumentArray, FlowError, type JsonObject } from '../core/index.ts';
import { documentsFromMessages, documentToMessage } from './documents.ts';
import type { DataRequestMessage, DocumentRequestMessage, TimestampMessage } from './messages.ts';
import { messageType } from './schema.ts';
import { structToJson } from './struct.ts';

const dataRequest = messageType('jina.DataRequestProto');
const documentRequest = messageType('jina.SingleDocumentRequestProto');

/** `jina.DataRequestProto` from its bytes. @throws `invalid_argument` when they are no such message */
export function decodeDataRequest(bytes: Uint8Array): DataRequestMessage {
  return decode(dataRequest, bytes);
}

/** `jina.SingleDocumentRequestProto` from its bytes. @throws `invalid_argument` when they are no such message */
export function decodeDocumentRequest(bytes: Uint8Array): DocumentRequestMessage {
  return decode(documentRequest, bytes);
}

function decode(type: ReturnType<typeof messageType>, bytes: Uint8Array): object {
  try {
    return type.decode(bytes);
  } catch (error) {
    const name = type.fullName.slice(1);
    throw FlowError.from(error, 'invalid_argument', `expected a ${name}, got ${bytes.length} other bytes`);
  }
}

/** The bytes of a `jina.DataRequestProto`. */
export function encodeDataRequest(message: DataRequestMessage): Uint8Array {
  return dataRequest.encode(message).finish();
}

/** The bytes of a `jina.SingleDocumentRequestProto`. */
export function encodeDocumentRequest(message: DocumentRequestMessage): Uint8Array {
  return documentRequest.encode(message).finish();
}

/** The documents of a message. @throws `invalid_argument` naming the field that cannot be read */
export function documentsOf({ data }: Pick<DataRequestMessage, 'data'>): DocumentArray {
  if (data?.docs_bytes) {
    throw new FlowError(
      'invalid_argument',
      'expected documents in data.docs, got data.docs_bytes: pickles are not read',
    );
  }
  return documentsFromMessages(data?.docs?.docs ?? []);
}

/** `data` of a message that carries these documents. */
export function documentsMessage(docs: DocumentArray): NonNullable<DataRequestMessage['data']> {
  return { docs: { docs: docs.map(documentToMessage) } };
}

/** The parameters of a message; every number among them is a double. */
export function parametersOf(message: Pick<DataRequestMessage, 'parameters'>): JsonObject {
  return structToJson(message.parameters);
}

/** Milliseconds since 1970, to the microsecond. */
export function timestampFromMs(epochMs: number): TimestampMessage {
  const seconds = Math.floor(epochMs / 1000);
  return { seconds, nanos: Math.floor((epochMs - seconds * 1000) * 1000) * 1000 };
}

export function timestampToMs({ seconds = 0, nanos = 0 }: TimestampMessage): number {
  return (typeof seconds === 'number' ? seconds : seconds.toNumber()) * 1000 + nanos / 1e6;
}
