import { FlowError, isObject, isReason, type JsonObject } from '../../core/index.ts';
import type { ErrorData } from './messages.ts';

/** A FlowError as plain data; cause and stack stay behind. */
export function encodeError(error: FlowError): ErrorData {
  const data: ErrorData = { reason: error.reason, message: error.message, details: error.details };
  return error.exception === undefined ? data : { ...data, exception: error.exception };
}

/** The FlowError that the other side described; a reason of a newer version becomes `executor_error`. */
export function decodeError(data: ErrorData): FlowError {
  const reason = isReason(data.reason) ? data.reason : 'executor_error';
  const details: JsonObject = isObject(data.details) ? data.details : {};
  return new FlowError(
    reason,
    data.message,
    data.exception === undefined ? { details } : { details, exception: data.exception },
  );
}
