import { isUtf8 } from 'node:buffer';
import {
  describeValue,
  DocumentArray,
  documentsFromJson,
  documentFromJson,
  fieldFault,
  FlowError,
  type FlowResponse,
  isObject,
  type JsonObject,
  type Route,
  type TensorForm,
  toEpochMs,
} from '../../core/index.ts';
import type { Carrier } from '../../observability/index.ts';
import { readCallerSettings } from '../caller-settings.ts';
import { documentsText } from '../document-text.ts';
import type { Call } from '../handle.ts';
import { faultPosition } from '../json-fault.ts';
import { statusProto } from '../status-proto.ts';

/** A body as it was understood. */
export interface DecodedCall extends Call {
  /** Whether a Jina client sent it: those read an executor's error out of a 200. */
  readonly isFromJinaClient: boolean;
}

/** Content types that are read as JSON; no content type at all is one of them. */
const jsonType = /^application\/(?:json|[^;\s/]+\+json)\s*(?:;|$)/i;

/**
 * JSON out of the bytes of a body.
 *
 * @throws `invalid_argument` for an empty body, `malformed_json`, `unsupported_media_type`
 */
export function parseBody(bytes: Buffer, headers: Carrier): unknown {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    const got = JSON.stringify(encoding);
    throw new FlowError('unsupported_media_type', `expected a body without content-encoding, got ${got}`);
  }
  if (bytes.length === 0) {
    throw new FlowError('invalid_argument', 'expected a JSON body, got none', {
      details: { loc: [], isMissing: true },
    });
  }
  const type = headers['content-type'];
  if (typeof type === 'string' && !jsonType.test(type)) {
    throw new FlowError('invalid_argument', `expected content-type application/json, got ${JSON.stringify(type)}`, {
      details: { loc: [] },
    });
  }
  if (!isUtf8(bytes)) throw new FlowError('malformed_json', 'the body is not UTF-8', { details: { loc: [] } });
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const position = faultPosition(text, message);
    throw new FlowError('malformed_json', message, { details: { loc: position === undefined ? [] : [position] } });
  }
}

/**
 * A request in Jina's JSON form; both spellings of each key, unknown keys ignored.
 *
 * @param endpoint where the path decides it; undefined: the body says it, `/` by default
 * @throws `invalid_argument` naming the field, what was expected and what came
 */
export function decodeCall(body: unknown, headers: Carrier, endpoint: string | undefined): DecodedCall {
  if (!isObject(body)) throw bodyFault(body);
  const target = readText(body, 'targetExecutor', 'target_executor');
  const named = readText(body, 'execEndpoint', 'exec_endpoint');
  const { timeoutMs, priority, trace } = readSettings(body, headers);
  return {
    endpoint: endpoint ?? named ?? '/',
    targetExecutor: target === '' ? undefined : target,
    parameters: readObject(body, 'parameters') ?? {},
    docs: readDocuments(body['data']),
    timeoutMs,
    priority,
    trace,
    isFromJinaClient: isObject(body['header']) || named !== undefined,
  };
}

/**
 * What a streaming endpoint is called with: a request as in {@link decodeCall}, or the document alone, as Jina's
 * clients send it.
 */
export function decodeStreamCall(body: unknown, headers: Carrier, endpoint: string): DecodedCall {
  if (isObject(body) && requestKeys.some((key) => body[key] !== undefined)) return decodeCall(body, headers, endpoint);
  if (!isObject(body)) throw bodyFault(body);
  const docs = new DocumentArray();
  docs.push(documentFromJson(body, []));
  const settings = readCallerSettings(headers);
  return { endpoint, targetExecutor: undefined, parameters: {}, docs, ...settings, isFromJinaClient: false };
}

function bodyFault(body: unknown): FlowError {
  return new FlowError('invalid_argument', `expected an object, got ${describeValue(body)}`, { details: { loc: [] } });
}

/** Keys of a request that no document has. */
const requestKeys = ['data', 'parameters', 'header', 'targetExecutor', 'target_executor'];

/** A document out of a query string: text as it is, numbers where a field is one. */
export function decodeQuery(query: URLSearchParams, headers: Carrier, endpoint: string): DecodedCall {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of query) {
    fields[key] =
      numberFields.has(key) && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
  }
  return decodeStreamCall(fields, headers, endpoint);
}

const numberFields = new Set(['granularity', 'adjacency', 'weight', 'offset']);

function readDocuments(data: unknown): DocumentArray {
  if (data === undefined || data === null) return new DocumentArray();
  if (isObject(data) && Array.isArray(data['docs'])) return documentsFromJson(data['docs'], ['data', 'docs']);
  return documentsFromJson(data, ['data']);
}

function readSettings(body: Record<string, unknown>, headers: Carrier): ReturnType<typeof readCallerSettings> {
  const header = body['header'];
  if (!isObject(header)) return readCallerSettings(headers);
  const metadata = readObject(header, 'metadata', ['header', 'metadata']);
  const settings = readCallerSettings(metadata === undefined ? headers : { ...headers, ...asCarrier(metadata) });
  const timeout = header['timeout'];
  if (timeout === undefined || timeout === null || timeout === 0) return settings;
  if (typeof timeout !== 'number' || timeout < 0) throw fieldFault(['header', 'timeout'], 'milliseconds', timeout);
  return { ...settings, timeoutMs: Math.min(timeout, settings.timeoutMs ?? Infinity) };
}

function asCarrier(metadata: JsonObject): Carrier {
  return Object.fromEntries(
    Object.entries(metadata).flatMap(([key, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[key.toLowerCase(), String(value)]] : [],
    ),
  );
}

function readText(body: Record<string, unknown>, camel: string, snake: string): string | undefined {
  const key = body[camel] === undefined ? snake : camel;
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw fieldFault([key], 'text', value);
  return value;
}

function readObject(body: Record<string, unknown>, key: string, path = [key]): JsonObject | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw fieldFault(path, 'an object', value);
  return value as JsonObject;
}

/** The form of tensors that an `Accept` header asks for: `application/json;tensors=base64`. */
export function tensorForm(accept: string | undefined): TensorForm {
  return accept !== undefined && /;\s*tensors\s*=\s*"?base64"?/i.test(accept) ? 'base64' : 'nested';
}

/** An answer in Jina's JSON form. `startMs` and `endMs` are the gateway's own route. */
export function encodeAnswer(response: FlowResponse, startMs: number, endMs: number, tensors: TensorForm): string {
  const { requestId, endpoint, error, parameters, docs, routes } = response;
  // Clients divide by the gateway's time in whole milliseconds.
  let text =
    `{"header":${headerText(requestId, endpoint, error)},"parameters":${JSON.stringify(parameters)},` +
    `"routes":[${routeText('gateway', startMs, Math.max(endMs, startMs + 1.001), undefined)}`;
  for (const route of routes) text += `,${routeText(route.executor, route.startMs, route.endMs, route.error)}`;
  return `${text}],"data":${documentsText(docs, tensors)}}`;
}

/** The answer to a request of which nothing is known but that it failed. */
export function encodeFailure(requestId: string, endpoint: string, error: FlowError): string {
  return `{"header":${headerText(requestId, endpoint, error)},"parameters":null,"routes":null,"data":null}`;
}

function headerText(requestId: string, endpoint: string, error: FlowError | undefined): string {
  const status = error === undefined ? 'null' : JSON.stringify(statusProto(error));
  return `{"requestId":"${requestId}","status":${status},"execEndpoint":${JSON.stringify(endpoint)},"targetExecutor":""}`;
}

function routeText(executor: string, startMs: number, endMs: Route['endMs'], error: Route['error']): string {
  const end = endMs === undefined ? 'null' : `"${isoTime(endMs)}"`;
  const status = error === undefined ? 'null' : JSON.stringify(statusProto(error));
  return `{"executor":${JSON.stringify(executor)},"startTime":"${isoTime(startMs)}","endTime":${end},"status":${status}}`;
}

/** The text of the last second that was written: the stamps of an answer, and of the next, mostly share it. */
const lastSecond = { epoch: NaN, text: '' };

/** A monotonic time stamp as ISO 8601 with microseconds, in UTC. */
export function isoTime(monotonic: number): string {
  const epochMs = toEpochMs(monotonic);
  const second = Math.floor(epochMs / 1000);
  if (second !== lastSecond.epoch) {
    lastSecond.epoch = second;
    lastSecond.text = new Date(second * 1000).toISOString().slice(0, 20);
  }
  const microseconds = Math.min(999_999, Math.floor((epochMs - second * 1000) * 1000));
  return `${lastSecond.text}${String(microseconds).padStart(6, '0')}+00:00`;
}
