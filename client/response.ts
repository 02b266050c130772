import type { DocumentArray, FlowError, JsonObject } from '../core/index.ts';

/** One executor that a request went through. */
export interface ClientRoute {
  readonly executor: string;
  /** Milliseconds since 1970 by the gateway's clock, with a fraction; missing when the executor was not reached. */
  readonly startMs?: number;
  readonly endMs?: number;
  readonly error?: FlowError;
}

/** The gateway's answer to one request; a failed request is answered too, with `error` set. */
export interface ClientResponse {
  readonly requestId: string;
  readonly docs: DocumentArray;
  /** As sent, and `__results__` when an executor returned values beside documents. */
  readonly parameters: JsonObject;
  readonly routes: readonly ClientRoute[];
  readonly error?: FlowError;
}
