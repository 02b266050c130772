import { exceptionInfo, FlowError, isObject, type JsonObject } from '../../core/index.ts';
import { parseJson } from './codec.ts';
import type { ExchangeAnswer, ExchangeHead } from './exchange.ts';

/** The error of an HTTP answer that is not a gateway's answer to a request. */
export function httpError(answer: ExchangeAnswer, target: string, expected = "a gateway's JSON"): FlowError {
  const { status } = answer;
  const came = excerpt(answer.text);
  if (status >= 200 && status < 300) {
    const type = answer.header('content-type') ?? 'no content type';
    return new FlowError('protocol_error', `${target}: expected ${expected}, got ${type}: ${came}`, {
      details: { status },
    });
  }
  const json = parseJson(answer.text);
  if (status === 422 && isObject(json) && Array.isArray(json['detail'])) {
    return new FlowError('invalid_argument', json['detail'].map(faultText).join('; '), { details: { status } });
  }
  const location = answer.header('location');
  const where = location === undefined ? '' : ` (to ${location})`;
  return new FlowError('connection_failed', `${target} was answered with HTTP ${status}${where}: ${came}`, {
    details: httpDetails(answer),
  });
}

/** What an error of an HTTP answer tells machines: the status, and the time to wait where the gateway named one. */
export function httpDetails(answer: ExchangeHead): JsonObject {
  const retryAfterMs = parseRetryAfter(answer.header('retry-after'), Date.now());
  return retryAfterMs === undefined ? { status: answer.status } : { status: answer.status, retryAfterMs };
}

/** The wait of a Retry-After header (seconds or a date) in milliseconds, not negative; undefined when it is neither. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** The platform's error of an exchange as ours. */
export function connectionError(cause: unknown, origin: URL): FlowError {
  if (cause instanceof FlowError) return cause;
  const code = errorCode(cause);
  const exception = exceptionInfo(cause);
  const place = `${origin.hostname}:${origin.port || (origin.protocol === 'https:' ? '443' : '80')}`;
  if (code.startsWith('HPE_')) {
    const message = `${place} sent something that is not HTTP (${exception.args[0] ?? code}): is it a gateway's HTTP port?`;
    return new FlowError('protocol_error', message, { exception, cause });
  }
  const failure = failureText(code, place) ?? `the connection to ${place} failed: ${exception.args[0] ?? code}`;
  return new FlowError('connection_failed', failure, { exception, cause });
}

function failureText(code: string, place: string): string | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens on ${place}: check that the gateway is running there (sluice up) and that host and port are right`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name of ${place} is not known: check the client's host`;
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${place} cannot be reached (${code}): check the client's host and the network between`;
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_ABORTED':
      return `the connection to ${place} broke before the answer was complete`;
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return `the answer of ${place} is larger than 512 MiB: send fewer documents in one request (requestSize)`;
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
      return 'the client was closed';
    default:
      return undefined;
  }
}

/** fetch hides the system's error in its cause, and a name with several addresses in a list. */
function errorCode(error: unknown): string {
  for (let current = error, depth = 0; isErrorLike(current) && depth < 5; current = current.cause, depth++) {
    if (typeof current.code === 'string') return current.code;
  }
  return '';
}

function isErrorLike(value: unknown): value is { code?: unknown; cause?: unknown } {
  return typeof value === 'object' && value !== null;
}

function faultText(fault: unknown): string {
  if (!isObject(fault)) return String(fault);
  const place = Array.isArray(fault['loc']) ? `${fault['loc'].join('.')}: ` : '';
  return place + String(fault['msg']);
}

function excerpt(text: string): string {
  if (text === '') return 'an empty body';
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
