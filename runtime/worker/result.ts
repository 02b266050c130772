import {
  describeValue,
  type Document,
  DocumentArray,
  exceptionInfo,
  FlowError,
  isDocument,
  isObject,
  isReason,
  type JsonObject,
} from '../../core/index.ts';
import type { EndpointManifest } from '../wire/index.ts';

/** What an endpoint returned: documents, or values for `__results__` while the documents stay as they are. */
export type EndpointAnswer = { readonly docs: DocumentArray } | { readonly values: JsonObject };

/**
 * Checks what an endpoint returned.
 *
 * @throws `invalid_result` when it is neither documents, an object nor nothing; `wrong_count` when their number changed.
 */
export function readResult(
  result: unknown,
  docs: DocumentArray,
  endpoint: EndpointManifest,
  className: string,
): EndpointAnswer {
  if (result === undefined || result === docs) return { docs: counted(docs, docs.length, endpoint, className) };
  if (Array.isArray(result)) {
    const wrong = result.findIndex((item) => !isDocument(item));
    if (wrong >= 0) {
      throw new FlowError(
        'invalid_result',
        `${className} returned ${describeValue(result[wrong])} as document ${wrong} of ${endpoint.name}`,
      );
    }
    const list = result instanceof DocumentArray ? result : DocumentArray.fromInputs(result as Document[]);
    return { docs: counted(list, docs.length, endpoint, className) };
  }
  if (isObject(result) && !isDocument(result) && endpoint.dynamicBatching === undefined) {
    return { values: plainJson(result, endpoint, className) };
  }
  throw new FlowError(
    'invalid_result',
    `${className} must return a DocumentArray${endpoint.dynamicBatching === undefined ? ', an object' : ''} or nothing from ${endpoint.name}, got ${describeValue(result)}`,
  );
}

function counted(list: DocumentArray, expected: number, endpoint: EndpointManifest, className: string): DocumentArray {
  if (list.length === expected || endpoint.changesCount) return list;
  throw new FlowError(
    'wrong_count',
    `${className} got ${expected} documents at ${endpoint.name} and returned ${list.length}; an endpoint that changes the number declares changesCount`,
    { details: { expected, returned: list.length } },
  );
}

function plainJson(values: Record<string, unknown>, endpoint: EndpointManifest, className: string): JsonObject {
  try {
    return JSON.parse(JSON.stringify(values)) as JsonObject;
  } catch (error) {
    throw FlowError.from(
      error,
      'invalid_result',
      `${className} returned an object from ${endpoint.name} that is not JSON`,
    );
  }
}

/** Whatever an executor threw, with its class name and the executor's. Errors of ours keep their reason. */
export function executorFault(error: unknown, className: string): FlowError {
  const info = exceptionInfo(error, className);
  if (error instanceof Error && error.name === 'FlowError' && 'reason' in error) {
    const { reason } = error;
    const details = 'details' in error && isObject(error.details) ? (error.details as JsonObject) : {};
    // Also an error of another copy of the package, which instanceof does not know.
    if (typeof reason === 'string' && isReason(reason))
      return new FlowError(reason, error.message, { details, cause: error });
  }
  const text = info.args[0] ?? '';
  return new FlowError('executor_error', text === '' ? info.name : `${info.name}: ${text}`, {
    exception: info,
    cause: error,
  });
}
