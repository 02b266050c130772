import type { DocumentArray } from './document.ts';
import type { FlowError } from './flow-error.ts';
import type { JsonObject } from './json.ts';
import type { TraceContext } from './trace-context.ts';

/** One request as the flow sees it, whatever protocol brought it. */
export interface FlowRequest {
  /** 32 hexadecimal digits. */
  readonly requestId: string;
  /** Such as `/encode`. */
  readonly endpoint: string;
  /** Regular expression matched from the start of an executor's name; empty or missing means all. */
  readonly targetExecutor?: string;
  readonly parameters: JsonObject;
  readonly docs: DocumentArray;
  /** Monotonic ms at which nobody waits for the answer any more; Infinity for never. */
  readonly deadline: number;
  /** Larger is more urgent; 0 by default. Each step is worth 100 ms of waiting. */
  readonly priority: number;
  readonly trace?: TraceContext;
}

/** Which executor a request went through, and when (monotonic ms). */
export interface Route {
  readonly executor: string;
  startMs: number;
  /** Missing when the executor was skipped or did not answer. */
  endMs?: number;
  error?: FlowError;
}

/** The one answer to a request; a failed request is answered too, with `error` set. */
export interface FlowResponse {
  readonly requestId: string;
  readonly endpoint: string;
  /** As sent, and `__results__` when an executor returned values beside documents. */
  readonly parameters: JsonObject;
  readonly docs: DocumentArray;
  readonly routes: readonly Route[];
  /** Tokens of its input that executors counted, all of them together; undefined where none counts. */
  readonly tokens?: number;
  readonly error?: FlowError;
}
