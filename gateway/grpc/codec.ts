import type { Metadata } from '@grpc/grpc-js';
import { type Document, DocumentArray, type FlowError, type FlowResponse, toEpochMs } from '../../core/index.ts';
import type { Carrier } from '../../observability/index.ts';
import {
  type DataRequestMessage,
  type DocumentRequestMessage,
  documentsMessage,
  documentsOf,
  parametersOf,
  type RouteMessage,
  structFromJson,
  timestampFromMs,
} from '../../proto/index.ts';
import { readCallerSettings } from '../caller-settings.ts';
import type { Call } from '../handle.ts';
import { statusProto } from '../status-proto.ts';

/** Text values of the metadata; binary ones say nothing that is read. */
export function carrierOf(metadata: Metadata): Carrier {
  const texts = Object.entries(metadata.getMap()).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(texts) as Carrier;
}

/**
 * A request out of its message.
 *
 * @param carrier metadata of the call; what it says about time and priority holds for every request of a stream
 * @param remainingMs until the deadline of the call, Infinity for none
 * @throws `invalid_argument` naming the field, what was expected and what came
 */
export function decodeCall(message: DataRequestMessage, carrier: Carrier, remainingMs: number): Call {
  const { timeoutMs, priority, trace } = readCallerSettings(carrier);
  const header = message.header ?? {};
  const limitMs = Math.min(timeoutMs ?? Infinity, setOr(header.timeout, Infinity), remainingMs);
  return {
    endpoint: setOr(header.exec_endpoint, '/'),
    targetExecutor: setOr(header.target_executor, undefined),
    parameters: parametersOf(message),
    docs: documentsOf(message),
    timeoutMs: limitMs === Infinity ? undefined : limitMs,
    priority,
    trace,
  };
}

/** proto3 writers may send what is empty: it means the same as not sent. */
function setOr<Value extends string | number, Other>(value: Value | undefined, other: Other): Value | Other {
  return value === undefined || value === '' || value === 0 ? other : value;
}

/** A request of a streaming endpoint; see {@link decodeCall}. */
export function decodeDocumentCall(message: DocumentRequestMessage, carrier: Carrier, remainingMs: number): Call {
  const { header = null, parameters = null, document } = message;
  const docs = { docs: document ? [document] : [] };
  return decodeCall({ header, parameters, data: { docs } }, carrier, remainingMs);
}

/** One document of the answer of a streaming endpoint. */
export function encodeDocument(request: DocumentRequestMessage, doc: Document): DocumentRequestMessage {
  const document = documentsMessage(DocumentArray.fromInputs([doc])).docs?.docs?.[0] ?? null;
  return { header: headerOf(request, undefined), document };
}

/** The last message of a stream that failed. */
export function encodeDocumentFailure(request: DocumentRequestMessage, error: FlowError): DocumentRequestMessage {
  return { header: headerOf(request, error) };
}

/** An answer to `request`. `startMs` and `endMs` (monotonic) are the gateway's own route. */
export function encodeAnswer(
  request: DataRequestMessage,
  response: FlowResponse,
  startMs: number,
  endMs: number,
): DataRequestMessage {
  const { error, parameters, docs, routes } = response;
  // Who asks too much is told so; sending its documents back would only cost more.
  if (error?.code === 'resource_exhausted') return encodeFailure(request, error);
  // Clients divide by the gateway's time in whole milliseconds.
  const own = routeMessage('gateway', startMs, Math.max(endMs, startMs + 1.001), undefined);
  return {
    header: headerOf(request, error),
    parameters: structFromJson(parameters),
    routes: [own, ...routes.map((route) => routeMessage(route.executor, route.startMs, route.endMs, route.error))],
    data: documentsMessage(docs),
  };
}

/** The answer to a request of which nothing came back but why. */
export function encodeFailure(request: DataRequestMessage, error: FlowError): DataRequestMessage {
  return { header: headerOf(request, error) };
}

function headerOf(
  { header }: Pick<DataRequestMessage, 'header'>,
  error: FlowError | undefined,
): NonNullable<typeof header> {
  return {
    request_id: header?.request_id ?? '',
    ...(header?.exec_endpoint === undefined ? {} : { exec_endpoint: header.exec_endpoint }),
    // As Jina's gateway does: it is empty in every answer.
    target_executor: '',
    ...(error === undefined ? {} : { status: statusProto(error) }),
  };
}

function routeMessage(
  executor: string,
  startMs: number,
  endMs: number | undefined,
  error: FlowError | undefined,
): RouteMessage {
  return {
    executor,
    start_time: timestampFromMs(toEpochMs(startMs)),
    ...(endMs === undefined ? {} : { end_time: timestampFromMs(toEpochMs(endMs)) }),
    ...(error === undefined ? {} : { status: statusProto(error) }),
  };
}
