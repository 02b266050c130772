import { FlowError, isObject, type JsonObject } from '../../core/index.ts';
import { parseJson } from '../codec.ts';
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

function faultText(fault: unknown): string {
  if (!isObject(fault)) return String(fault);
  const place = Array.isArray(fault['loc']) ? `${fault['loc'].join('.')}: ` : '';
  return place + String(fault['msg']);
}

function excerpt(text: string): string {
  if (text === '') return 'an empty body';
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
