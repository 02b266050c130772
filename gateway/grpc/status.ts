import { Metadata, status } from '@grpc/grpc-js';
import type { ErrorCode, FlowError, Reason } from '../../core/index.ts';

/** gRPC's number for each of our codes. https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const byCode: Readonly<Record<ErrorCode, status>> = {
  cancelled: status.CANCELLED,
  unknown: status.UNKNOWN,
  invalid_argument: status.INVALID_ARGUMENT,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  permission_denied: status.PERMISSION_DENIED,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  failed_precondition: status.FAILED_PRECONDITION,
  aborted: status.ABORTED,
  out_of_range: status.OUT_OF_RANGE,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
  unavailable: status.UNAVAILABLE,
  data_loss: status.DATA_LOSS,
  unauthenticated: status.UNAUTHENTICATED,
};

function grpcStatus(error: FlowError): status {
  return byCode[error.code];
}

/** After these Jina ends a whole stream: its clients raise what they would raise for a connection that broke. */
const fatalReasons: ReadonlySet<Reason> = new Set<Reason>(['executor_unavailable', 'deadline_exceeded', 'draining']);

/**
 * Whether a failure of one request ends the stream that it came on.
 *
 * @param hasOwnLimit whether the caller said how long it waits for this request: then only this request is late
 */
export function endsStream(error: FlowError, hasOwnLimit: boolean): boolean {
  return fatalReasons.has(error.reason) && !(hasOwnLimit && error.reason === 'deadline_exceeded');
}

/** What grpc-js makes the status of a call of. */
export function statusError(error: FlowError): Error & { code: number; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  metadata.set('x-sluice-reason', error.reason);
  return Object.assign(new Error(error.message), { code: grpcStatus(error), details: error.message, metadata });
}
