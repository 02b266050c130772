import {
  describeValue,
  Document,
  DocumentArray,
  documentFromJson,
  documentsFromJson,
  documentsToJson,
  FlowError,
  isObject,
  isReason,
  type JsonObject,
} from '../core/index.ts';
import type { ClientResponse, ClientRoute } from './response.ts';
import type { ClientRequest } from './transport.ts';

/** Asks for tensors that read back exactly. */
export const answerType = 'application/json;tensors=base64';
export const streamType = 'text/event-stream;tensors=base64';

/**
 * A request as Jina's client writes it, with tensors in base64.
 *
 * @param header what is put into its header beside its id, endpoint and target
 */
export function requestToBody(request: ClientRequest, header: JsonObject = {}): string {
  const { requestId, endpoint, targetExecutor, parameters, docs } = request;
  const target = targetExecutor === undefined ? {} : { target_executor: targetExecutor };
  return JSON.stringify({
    header: { request_id: requestId, exec_endpoint: endpoint, ...target, ...header },
    parameters,
    data: documentsToJson(docs, 'base64'),
    exec_endpoint: endpoint,
    ...target,
  });
}

/** Whether a body is an answer of a gateway, and not, say, a proxy's error page. */
export function isAnswer(json: unknown): json is Record<string, unknown> {
  return isObject(json) && (isObject(json['header']) || Array.isArray(json['data']));
}

/** @throws `protocol_error` naming the field, what was expected and what came. */
export function responseFromJson(json: Record<string, unknown>, requestId: string): ClientResponse {
  const header = isObject(json['header']) ? json['header'] : {};
  const id = header['requestId'] ?? header['request_id'];
  const error = errorFromStatus(header['status']);
  return {
    requestId: typeof id === 'string' && id !== '' ? id : requestId,
    docs: json['data'] == null ? new DocumentArray() : inProtocol(() => documentsFromJson(json['data'], ['data'])),
    parameters: isObject(json['parameters']) ? (json['parameters'] as JsonObject) : {},
    routes: Array.isArray(json['routes']) ? json['routes'].filter(isObject).map(routeFromJson) : [],
    ...(error === undefined ? {} : { error }),
  };
}

/** The document in the data of a server-sent event. */
export function documentFromEvent(data: string): Document {
  return inProtocol(() => documentFromJson(parseJson(data), ['data']));
}

/** The error in the data of a server-sent `error` event: a status, alone or within a header. */
export function errorFromEvent(data: string): FlowError {
  const json = parseJson(data);
  const header = isObject(json) && isObject(json['header']) ? json['header'] : undefined;
  const error = errorFromStatus(header?.['status'] ?? json);
  return error ?? new FlowError('protocol_error', `an error event should hold a status, got ${describeValue(json)}`);
}

/** The error of a StatusProto in JSON; undefined for none and for success. */
export function errorFromStatus(status: unknown): FlowError | undefined {
  if (!isObject(status) || status['code'] === 0 || status['code'] === 'SUCCESS' || status['code'] == null) {
    return undefined;
  }
  const exception = isObject(status['exception']) ? status['exception'] : {};
  const name = textOr(exception['name'], '');
  const args = Array.isArray(exception['args']) ? exception['args'].map(String) : [];
  const texts = [textOr(status['description'], ''), ...args, name];
  const message = texts.find((text) => text !== '') ?? 'the gateway answered with an error';
  if (isReason(name)) return new FlowError(name, message);
  return new FlowError('executor_error', message, {
    exception: { name: name === '' ? 'Error' : name, args, executor: textOr(exception['executor'], '') },
  });
}

/** JSON, or undefined for text that is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function routeFromJson(route: Record<string, unknown>): ClientRoute {
  const startMs = timeFromJson(route['startTime'] ?? route['start_time']);
  const endMs = timeFromJson(route['endTime'] ?? route['end_time']);
  const error = errorFromStatus(route['status']);
  return {
    executor: textOr(route['executor'], ''),
    ...(startMs === undefined ? {} : { startMs }),
    ...(endMs === undefined ? {} : { endMs }),
    ...(error === undefined ? {} : { error }),
  };
}

/** RFC 3339 with up to nine digits after the second; Date.parse alone would cut them to milliseconds. */
function timeFromJson(value: unknown): number | undefined {
  const match = typeof value === 'string' ? /^([^.]+)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(value) : null;
  if (match === null) return undefined;
  const [, seconds = '', fraction = '.0', zone = ''] = match;
  const wholeMs = Date.parse(seconds + zone);
  return Number.isNaN(wholeMs) ? undefined : wholeMs + Number(`0${fraction}`) * 1000;
}

function inProtocol<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { message } = FlowError.from(error);
    throw new FlowError('protocol_error', `the answer is not what a gateway sends: ${message}`, { cause: error });
  }
}

function textOr(value: unknown, other: string): string {
  return typeof value === 'string' ? value : other;
}
