import type { ErrorCode, FlowError, Reason } from '../../core/index.ts';

/** Close codes of RFC 6455 (section 7.4.1) that the gateway sends. */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  unsupportedData: 1003,
  invalidPayload: 1007,
  policyViolation: 1008,
  messageTooBig: 1009,
  internalError: 1011,
} as const;

export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];

/** What closes a connection; the Python client raises a ConnectionError for 1011, and for nothing else. */
const byCode: Readonly<Record<ErrorCode, CloseCode>> = {
  cancelled: closeCodes.internalError,
  unknown: closeCodes.internalError,
  invalid_argument: closeCodes.invalidPayload,
  deadline_exceeded: closeCodes.internalError,
  not_found: closeCodes.internalError,
  already_exists: closeCodes.internalError,
  permission_denied: closeCodes.policyViolation,
  resource_exhausted: closeCodes.internalError,
  failed_precondition: closeCodes.internalError,
  aborted: closeCodes.internalError,
  out_of_range: closeCodes.internalError,
  unimplemented: closeCodes.internalError,
  internal: closeCodes.internalError,
  unavailable: closeCodes.internalError,
  data_loss: closeCodes.internalError,
  unauthenticated: closeCodes.policyViolation,
};

/** Where WebSocket has a better word than the code's. */
const byReason: Partial<Record<Reason, CloseCode>> = {
  unsupported_media_type: closeCodes.unsupportedData,
  request_too_large: closeCodes.messageTooBig,
};

export function closeCode(error: FlowError): CloseCode {
  return byReason[error.reason] ?? byCode[error.code];
}

/** After these Jina closes the connection: its clients raise what they would raise for one that broke. */
const fatalReasons: ReadonlySet<Reason> = new Set<Reason>([
  'executor_unavailable',
  'deadline_exceeded',
  'not_ready',
  'draining',
]);

/** What is known about a request that failed. */
export interface FailedRequest {
  /** Whether it is JSON and brought an id: then whoever sent it reads messages about it, and it fails alone. */
  readonly isNamed: boolean;
  /** Whether the caller said how long it waits for this request: then only this request is late. */
  readonly hasOwnLimit: boolean;
}

/** Whether a failure of one request closes the connection that it came on; else it is told by a message. */
export function endsConnection(error: FlowError, { isNamed, hasOwnLimit }: FailedRequest): boolean {
  if (isNamed || !fatalReasons.has(error.reason)) return false;
  return !(hasOwnLimit && error.reason === 'deadline_exceeded');
}

/** RFC 6455 leaves so many bytes for the words of a close frame. */
const maxReasonBytes = 123;

/** Text as the reason of a close frame: cut between two characters where it is too long. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxReasonBytes) return bytes.toString();
  let end = maxReasonBytes;
  while (end > 0 && isContinuation(bytes[end])) end--;
  return bytes.toString('utf8', 0, end);
}

/** Whether a byte of UTF-8 goes on with a character that began before. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
