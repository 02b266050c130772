import { newId, type TraceContext } from '../core/index.ts';
import type { CounterName, GaugeName, HistogramName, LabelsOf, Phase } from './catalogue.ts';
import type { BeginRequest, Instrument, RunDetails } from './instrument.ts';
import type { MetricStore } from './metric-store.ts';
import type { RecentRequests } from './recent-requests.ts';
import { type FailedAttempt, type RequestEnd, RequestRecord } from './record.ts';
import type { Sampler } from './sampler.ts';
import { newSpanId } from './span-ids.ts';

/** Takes the records that are kept and exports them. */
export interface SpanSink {
  keep(record: RequestRecord, end: RequestEnd): void;
}

/** Which requests are kept although nobody sampled them; decided when they end. */
export interface TailRule {
  /** Whether failed requests are kept; default false. */
  readonly keepFailed?: boolean | undefined;
  /** Requests that took at least this long are kept; default: none. */
  readonly slowMs?: number | undefined;
}

export interface InstrumentParts {
  readonly store: MetricStore;
  readonly sampler: Sampler;
  /** Undefined: tracing is off, records hold no stamps. */
  readonly sink?: SpanSink | undefined;
  readonly tail?: TailRule;
  /** Gets every request that ends while somebody looks. */
  readonly recent?: RecentRequests | undefined;
}

/** The instrument of a parent process, or of a test. */
export function createInstrument(parts: InstrumentParts): Instrument {
  return new PhaseInstrument(parts);
}

class PhaseInstrument implements Instrument {
  readonly #store: MetricStore;
  readonly #sampler: Sampler;
  readonly #sink: SpanSink | undefined;
  readonly #keepFailed: boolean;
  readonly #slowMs: number;
  /** Whether a request that is not sampled can still be kept at its end. */
  readonly #hasTailRule: boolean;
  readonly #recent: RecentRequests | undefined;

  constructor({ store, sampler, sink, tail = {}, recent }: InstrumentParts) {
    this.#store = store;
    this.#sampler = sampler;
    this.#sink = sink;
    this.#recent = recent;
    this.#keepFailed = tail.keepFailed ?? false;
    this.#slowMs = tail.slowMs ?? Infinity;
    this.#hasTailRule = this.#keepFailed || this.#slowMs < Infinity;
  }

  begin(request: BeginRequest): RequestRecord {
    return new RequestRecord({
      requestId: request.requestId,
      protocol: request.protocol,
      method: request.method,
      endpoint: request.endpoint,
      startMs: request.startMs,
      context: this.#contextOf(request),
      parentSpanId: request.incoming?.spanId,
    });
  }

  phase(record: RequestRecord, phase: Phase, executor: string, startMs: number, endMs: number, run?: RunDetails): void {
    // Stamps of two processes read the same clock but may differ by its resolution.
    this.#store.mark('sluice_phase_seconds', { phase, executor }, Math.max(0, endMs - startMs) / 1000);
    if (!this.#mayKeep(record) && this.#recent?.isWatched(endMs) !== true) return;
    record.phases.push(
      run === undefined ? { phase, executor, startMs, endMs } : { phase, executor, startMs, endMs, ...run },
    );
  }

  failedAttempt(record: RequestRecord, attempt: FailedAttempt): void {
    if (this.#mayKeep(record)) (record.failedAttempts ??= []).push(attempt);
  }

  mark<Name extends HistogramName>(metric: Name, labels: LabelsOf<Name>, value: number): void {
    this.#store.mark(metric, labels, value);
  }

  count<Name extends CounterName>(metric: Name, labels: LabelsOf<Name>, amount = 1): void {
    this.#store.count(metric, labels, amount);
  }

  gauge<Name extends GaugeName>(metric: Name, labels: LabelsOf<Name>, value: number): void {
    this.#store.gauge(metric, labels, value);
  }

  finish(record: RequestRecord, end: RequestEnd): void {
    const { protocol } = record;
    const endpoint = end.endpointLabel;
    const durationMs = Math.max(0, end.endMs - record.startMs);
    this.#store.count('sluice_requests_total', { protocol, endpoint, reason: end.error?.reason ?? 'ok' });
    this.#store.mark('sluice_request_seconds', { protocol, endpoint }, durationMs / 1000);
    const isKept =
      record.context.isSampled || (this.#keepFailed && end.error !== undefined) || durationMs >= this.#slowMs;
    if (isKept) this.#sink?.keep(record, end);
    this.#recent?.add(record, end);
  }

  #mayKeep(record: RequestRecord): boolean {
    return this.#sink !== undefined && (record.context.isSampled || this.#hasTailRule);
  }

  #contextOf({ requestId, incoming }: BeginRequest): TraceContext {
    // Without tracing our span would never be exported: what comes after us has to hang on the caller's.
    if (incoming !== undefined) return this.#sink === undefined ? incoming : { ...incoming, spanId: newSpanId() };
    if (this.#sink === undefined) return { traceId: requestId, spanId: noSpan, isSampled: false };
    const traceId = isTraceId(requestId) ? requestId : newId();
    return { traceId, spanId: newSpanId(), isSampled: this.#sampler(traceId) };
  }
}

/** Stands where tracing is off and a span id would name nothing. */
const noSpan = '0'.repeat(16);

function isTraceId(text: string): boolean {
  return /^(?!0{32})[0-9a-f]{32}$/.test(text);
}
