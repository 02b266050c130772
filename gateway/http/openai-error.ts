import type { OutgoingHttpHeaders } from 'node:http';
import { type ErrorCode, type FlowError, type Json, pathText, type Reason } from '../../core/index.ts';

type ErrorType =
  'invalid_request_error' | 'authentication_error' | 'permission_error' | 'rate_limit_error' | 'server_error';

/** Status and `type` of each code, as OpenAI's clients know them. */
const byCode: Readonly<Record<ErrorCode, readonly [status: number, type: ErrorType]>> = {
  cancelled: [499, 'server_error'],
  unknown: [500, 'server_error'],
  invalid_argument: [400, 'invalid_request_error'],
  deadline_exceeded: [504, 'server_error'],
  not_found: [404, 'invalid_request_error'],
  already_exists: [409, 'invalid_request_error'],
  permission_denied: [403, 'permission_error'],
  resource_exhausted: [429, 'rate_limit_error'],
  failed_precondition: [400, 'invalid_request_error'],
  aborted: [409, 'server_error'],
  out_of_range: [400, 'invalid_request_error'],
  unimplemented: [501, 'server_error'],
  internal: [500, 'server_error'],
  unavailable: [503, 'server_error'],
  data_loss: [500, 'server_error'],
  unauthenticated: [401, 'authentication_error'],
};

/** Where HTTP has a better word than the code's. */
const byReason: Partial<Record<Reason, readonly [status: number, type: ErrorType]>> = {
  request_too_large: [413, 'invalid_request_error'],
  out_of_memory: [413, 'invalid_request_error'],
  unsupported_media_type: [415, 'invalid_request_error'],
};

/** A failure as OpenAI's clients read it. */
export interface OpenAiFailure {
  readonly status: number;
  /** `x-should-retry`: the clients would try every 409, 429 and 5xx again, also one that comes again. */
  readonly headers: OutgoingHttpHeaders;
  /** `{"error": {message, type, param, code}}` */
  readonly body: string;
}

/**
 * An error in OpenAI's form: `param` is the field at fault (`input[3]`), `code` is `details.code` or our reason.
 */
export function openAiFailure(error: FlowError): OpenAiFailure {
  const [status, type] = byReason[error.reason] ?? byCode[error.code];
  const { loc, code } = error.details;
  const param = Array.isArray(loc) && error.details['place'] !== 'header' ? paramOf(loc) : null;
  const text = { message: error.message, type, param, code: typeof code === 'string' ? code : error.reason };
  return {
    status,
    headers: { 'x-should-retry': String(error.isRetryable) },
    body: JSON.stringify({ error: text }),
  };
}

function paramOf(loc: readonly Json[]): string | null {
  const path = loc.filter((part) => typeof part === 'string' || typeof part === 'number');
  return typeof path[0] === 'string' ? pathText(path) : null;
}
