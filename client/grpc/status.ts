import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { exceptionInfo, FlowError, isReason, type JsonObject, type Reason } from '../../core/index.ts';
import { failureText, placeOf } from '../connection-error.ts';

/** Metadata key with the reason of a call's status. */
export const reasonKey = 'x-sluice-reason';

interface StatusEntry {
  readonly reason: Reason;
  /** HTTP's word for it, as `details.status`: what a proxy would have said to an HTTP client. */
  readonly status?: number;
}

/**
 * What the status of a call means where no reason of ours comes with it: then a proxy, another server or the library
 * itself speaks, and it is told as the same thing is over HTTP.
 */
const byStatus: Readonly<Record<status, StatusEntry>> = {
  [status.OK]: { reason: 'connection_failed' },
  [status.CANCELLED]: { reason: 'cancelled' },
  [status.UNKNOWN]: { reason: 'connection_failed', status: 500 },
  [status.INVALID_ARGUMENT]: { reason: 'invalid_argument' },
  [status.DEADLINE_EXCEEDED]: { reason: 'deadline_exceeded' },
  [status.NOT_FOUND]: { reason: 'connection_failed', status: 404 },
  [status.ALREADY_EXISTS]: { reason: 'connection_failed', status: 409 },
  [status.PERMISSION_DENIED]: { reason: 'connection_failed', status: 403 },
  [status.RESOURCE_EXHAUSTED]: { reason: 'connection_failed', status: 429 },
  [status.FAILED_PRECONDITION]: { reason: 'connection_failed', status: 400 },
  [status.ABORTED]: { reason: 'connection_failed', status: 409 },
  [status.OUT_OF_RANGE]: { reason: 'connection_failed', status: 400 },
  [status.UNIMPLEMENTED]: { reason: 'connection_failed', status: 501 },
  [status.INTERNAL]: { reason: 'connection_failed', status: 500 },
  [status.UNAVAILABLE]: { reason: 'connection_failed' },
  [status.DATA_LOSS]: { reason: 'connection_failed', status: 500 },
  [status.UNAUTHENTICATED]: { reason: 'connection_failed', status: 401 },
};

/** Every gRPC library says it in these words when a message is over its limit. */
const tooLarge = /message larger than max/i;

/** The system's code within the words of the library. */
const systemCode = /\bE(?:[A-Z]{4,}|AI_AGAIN)\b/;

/** The error of a call that did not end well. `url` is the gateway's address. */
export function callError(error: unknown, url: URL): FlowError {
  if (error instanceof FlowError) return error;
  if (!isServiceError(error)) return FlowError.from(error, 'connection_failed', `the call of ${placeOf(url)} failed`);
  const text = error.details === '' ? status[error.code] : error.details;
  const reason = metadataText(error.metadata, reasonKey);
  if (reason !== undefined && isReason(reason)) return new FlowError(reason, text);
  if (error.code === status.RESOURCE_EXHAUSTED && tooLarge.test(text)) {
    return new FlowError('request_too_large', `${text}: send fewer documents in one request (requestSize)`);
  }
  const entry = byStatus[error.code];
  const details: JsonObject = entry.status === undefined ? {} : { status: entry.status };
  const options = { details, exception: exceptionInfo(error), cause: error };
  if (entry.reason !== 'connection_failed') return new FlowError(entry.reason, text, options);
  const place = placeOf(url);
  const code = text.startsWith('Name resolution failed') ? 'ENOTFOUND' : (systemCode.exec(text)?.[0] ?? '');
  const known = failureText(code, place);
  return new FlowError(entry.reason, known ?? `the call of ${place} failed: ${status[error.code]}: ${text}`, options);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code in byStatus;
}

function metadataText(metadata: Metadata | undefined, key: string): string | undefined {
  const value = metadata?.get(key)[0];
  return typeof value === 'string' ? value : undefined;
}
