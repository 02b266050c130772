import { type Document, type DocumentArray, FlowError } from '../../core/index.ts';
import type { Call, RequestInfo } from '../sdk/index.ts';

/**
 * Runs `read` on each document of a call. The first document of a request that cannot be read fails that request
 * alone; the others of the batch go on.
 *
 * @returns what was read, by row of the batch; undefined for rows of failed requests
 */
export function readRows<T>(
  docs: DocumentArray,
  call: Call,
  read: (doc: Document, row: number) => T,
): (T | undefined)[] {
  const values: (T | undefined)[] = new Array<T | undefined>(docs.length).fill(undefined);
  for (const request of call.requests) {
    const [first, end] = request.rows;
    try {
      for (let row = first; row < end; row++) {
        const doc = docs[row];
        if (doc !== undefined) values[row] = read(doc, row);
      }
    } catch (error) {
      call.fail(request, FlowError.from(error, 'executor_error'));
      values.fill(undefined, first, end);
    }
  }
  return values;
}

/** The requests that `read` accepts, with what it made of them; each other one is failed alone. */
export function readRequests<T>(call: Call, read: (request: RequestInfo) => T): { request: RequestInfo; value: T }[] {
  const accepted: { request: RequestInfo; value: T }[] = [];
  for (const request of call.requests) {
    try {
      accepted.push({ request, value: read(request) });
    } catch (error) {
      call.fail(request, FlowError.from(error, 'executor_error'));
    }
  }
  return accepted;
}
