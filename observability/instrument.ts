import type { TraceContext } from '../core/index.ts';
import type { CounterName, GaugeName, HistogramName, LabelsOf, Phase } from './catalogue.ts';
import type { BatchRecord, FailedAttempt, RequestEnd, RequestRecord } from './record.ts';

/** A request as the gateway first sees it. */
export interface BeginRequest {
  readonly requestId: string;
  readonly protocol: string;
  /** HTTP method, for the name of the span; default: the protocol's name stands there. */
  readonly method?: string | undefined;
  readonly endpoint: string;
  /** Monotonic ms. */
  readonly startMs: number;
  /** The caller's trace context. */
  readonly incoming?: TraceContext | undefined;
}

/** Which batch a phase belonged to, and what parts the executor timed in it. */
export interface RunDetails {
  readonly batch: BatchRecord;
  readonly parts?: readonly (readonly [name: string, startMs: number, endMs: number])[];
}

/** The one entry to all measuring: code outside observability/ calls nothing else. */
export interface Instrument {
  /** Opens the record of a request; decides whether it is sampled, unless the caller did. */
  begin(request: BeginRequest): RequestRecord;
  /** One finished phase of a request: a sample now, a span at the request's end. `run` at least with phase `run`. */
  phase(record: RequestRecord, phase: Phase, executor: string, startMs: number, endMs: number, run?: RunDetails): void;
  /** One attempt that failed with its worker: an error span at the request's end. What waits again is not over. */
  failedAttempt(record: RequestRecord, attempt: FailedAttempt): void;
  /** One sample of a distribution. */
  mark<Name extends HistogramName>(metric: Name, labels: LabelsOf<Name>, value: number): void;
  count<Name extends CounterName>(metric: Name, labels: LabelsOf<Name>, amount?: number): void;
  gauge<Name extends GaugeName>(metric: Name, labels: LabelsOf<Name>, value: number): void;
  /** Closes the record, once: counts the request and exports its spans if it is kept. */
  finish(record: RequestRecord, end: RequestEnd): void;
}
