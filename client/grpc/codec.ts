import { type Document, FlowError, type JsonObject, monotonicMs } from '../../core/index.ts';
import {
  type DataRequestMessage,
  decodeDataRequest,
  decodeDocumentRequest,
  documentsMessage,
  documentsOf,
  encodeDataRequest,
  encodeDocumentRequest,
  type HeaderMessage,
  parametersOf,
  type RouteMessage,
  structFromJson,
  timestampToMs,
} from '../../proto/index.ts';
import { errorFromStatus } from '../codec.ts';
import type { ClientResponse, ClientRoute } from '../response.ts';
import type { ClientRequest } from '../transport.ts';

/** HeaderProto.timeout is a uint32. */
const longestTimeoutMs = 2 ** 32 - 1;

/**
 * The bytes of a request.
 *
 * @param deadline monotonic ms, Infinity for none
 * @throws `invalid_argument` for what protobuf cannot carry
 */
export function requestToBytes(request: ClientRequest, deadline: number): Uint8Array {
  return inRequest(() =>
    encodeDataRequest({
      header: headerOf(request, deadline),
      parameters: structFromJson(asJson(request.parameters)),
      data: documentsMessage(request.docs),
    }),
  );
}

/** The bytes of a request of a streaming endpoint, which takes one document. */
export function streamRequestToBytes(request: ClientRequest, deadline: number): Uint8Array {
  return inRequest(() =>
    encodeDocumentRequest({
      header: headerOf(request, deadline),
      parameters: structFromJson(asJson(request.parameters)),
      document: documentsMessage(request.docs).docs?.docs?.[0] ?? null,
    }),
  );
}

/** An answer before its documents are read. @throws `protocol_error` */
export function messageFromBytes(bytes: Uint8Array): DataRequestMessage {
  return inAnswer(() => decodeDataRequest(bytes));
}

/** @throws `protocol_error` naming the field, what was expected and what came */
export function responseFromMessage(message: DataRequestMessage, requestId: string): ClientResponse {
  const error = errorFromStatus(message.header?.status);
  return inAnswer(() => ({
    requestId,
    docs: documentsOf(message),
    parameters: parametersOf(message),
    routes: (message.routes ?? []).map(routeFromMessage),
    ...(error === undefined ? {} : { error }),
  }));
}

/** A document of a stream. @throws the stream's error, if the message tells one; `protocol_error` */
export function documentFromBytes(bytes: Uint8Array): Document {
  const message = inAnswer(() => decodeDocumentRequest(bytes));
  const error = errorFromStatus(message.header?.status);
  if (error !== undefined) throw error;
  const docs = inAnswer(() => documentsOf({ data: { docs: { docs: message.document ? [message.document] : [] } } }));
  const [doc] = docs;
  if (doc === undefined)
    throw new FlowError('protocol_error', 'expected a document in a message of a stream, got none');
  return doc;
}

function headerOf({ requestId, endpoint, targetExecutor }: ClientRequest, deadline: number): HeaderMessage {
  const leftMs = Math.max(1, Math.ceil(deadline - monotonicMs()));
  return {
    request_id: requestId,
    exec_endpoint: endpoint,
    ...(targetExecutor === undefined ? {} : { target_executor: targetExecutor }),
    ...(leftMs > longestTimeoutMs ? {} : { timeout: leftMs }),
  };
}

function routeFromMessage({ executor = '', start_time, end_time, status }: RouteMessage): ClientRoute {
  const error = errorFromStatus(status);
  return {
    executor,
    ...(start_time ? { startMs: timestampToMs(start_time) } : {}),
    ...(end_time ? { endMs: timestampToMs(end_time) } : {}),
    ...(error === undefined ? {} : { error }),
  };
}

/** What JSON makes of it, as over HTTP: dates become text, what is undefined is left out. */
function asJson(parameters: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(parameters)) as JsonObject;
}

function inRequest(write: () => Uint8Array): Uint8Array {
  try {
    return write();
  } catch (error) {
    throw FlowError.from(error, 'invalid_argument', 'the request cannot be written');
  }
}

function inAnswer<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { message } = FlowError.from(error);
    throw new FlowError('protocol_error', `the answer is not what a gateway sends: ${message}`, { cause: error });
  }
}
