import type { TraceContext } from '../core/index.ts';
import type { CounterName, GaugeName, HistogramName, LabelsOf, Phase } from './catalogue.ts';
import type { BatchRecord, RequestEnd, RequestRecord } from './record.ts';

/** The one entry to all measuring: code outside observability/ calls nothing else. */
export interface Instrument {
  /** Opens the record of a request; decides whether it is sampled. `incoming` is the caller's trace context. */
  begin(request: {
    requestId: string;
    protocol: string;
    endpoint: string;
    startMs: number;
    incoming?: TraceContext | undefined;
  }): RequestRecord;
  /** One finished phase of a request: a sample now, a span at the request's end. */
  phase(
    record: RequestRecord,
    phase: Phase,
    executor: string,
    startMs: number,
    endMs: number,
    run?: { readonly batch: BatchRecord; readonly parts?: readonly (readonly [string, number, number])[] },
  ): void;
  /** One sample of a distribution. */
  mark<Name extends HistogramName>(metric: Name, labels: LabelsOf<Name>, value: number): void;
  count<Name extends CounterName>(metric: Name, labels: LabelsOf<Name>, amount?: number): void;
  gauge<Name extends GaugeName>(metric: Name, labels: LabelsOf<Name>, value: number): void;
  /** Closes the record: counts the request and exports its spans if it is kept. */
  finish(record: RequestRecord, end: RequestEnd): void;
}
