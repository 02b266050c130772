import type { FlowError, TraceContext } from '../core/index.ts';
import type { FinishedSpan, SpanAttributes, SpanEvent, SpanLink, SpanTarget } from './finished-span.ts';
import type { SpanSink } from './phase-instrument.ts';
import type { BatchRecord, FailedAttempt, PhaseStamp, RequestEnd, RequestRecord } from './record.ts';
import { newSpanId } from './span-ids.ts';

/** Makes the spans of kept records, children before their parents. */
export function createSpanSink(target: SpanTarget): SpanSink {
  return new SpanMaker(target);
}

interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** What a span says besides where it stands. */
interface SpanContent {
  readonly spanId?: string;
  readonly attributes?: SpanAttributes;
  readonly links?: readonly SpanLink[];
  readonly error?: FlowError | undefined;
}

/** What all spans of a request share. */
interface RequestSpans {
  readonly record: RequestRecord;
  readonly traceId: string;
  readonly traceState: string | undefined;
}

/** What happened to a request at one executor. */
interface ExecutorPart {
  readonly executor: string;
  readonly stamps: PhaseStamp[];
  readonly failures: FailedAttempt[];
}

const none: readonly never[] = [];
const noAttributes: SpanAttributes = {};

class SpanMaker implements SpanSink {
  readonly #target: SpanTarget;
  /** Spans of batches that were made already: each is exported once, by the first kept request that was in it. */
  readonly #batchSpans = new WeakMap<BatchRecord, TraceContext>();

  constructor(target: SpanTarget) {
    this.#target = target;
  }

  keep(record: RequestRecord, end: RequestEnd): void {
    if (!this.#target.hasRoom()) return;
    const { traceId, spanId, isSampled, traceState } = record.context;
    // A caller that was not sampled exports no span: below it this one would be an orphan, so it is linked instead.
    const isChild = isSampled && record.parentSpanId !== undefined;
    const shared = { record, traceId, traceState: isChild ? traceState : undefined };
    for (const stamp of record.phases) {
      if (stamp.executor === 'gateway') this.#span(shared, spanId, stamp.phase, stamp);
    }
    for (const part of executorParts(record)) this.#executor(shared, part);
    this.#target.add({
      // The label, not the endpoint: names of spans are a bounded set as well.
      name: `${record.method ?? record.protocol} ${end.endpointLabel}`,
      isServer: true,
      traceId,
      spanId,
      traceState: shared.traceState,
      parentSpanId: isChild ? record.parentSpanId : undefined,
      isParentRemote: isChild,
      startMs: record.startMs,
      endMs: Math.max(record.startMs, end.endMs),
      attributes: requestAttributes(record, end),
      events: requestEvents(record, end),
      links: isChild ? none : callerLinks(record),
      error: end.error?.message,
    });
    this.#target.complete();
  }

  /** The span of one executor, with its phases, their parts and the batches this request is the first to report. */
  #executor(shared: RequestSpans, part: ExecutorPart): void {
    const { executor, stamps, failures } = part;
    const { record } = shared;
    const batches = batchesOf(part);
    const spanId = newSpanId();
    const attempts = new Map<BatchRecord, string>();
    for (const batch of batches) {
      const failure = failures.find((each) => each.batch === batch);
      // A retry has a span of its own beside that of the attempt that failed; other calls need none.
      if (failure !== undefined || batch.attempt > 1) attempts.set(batch, newSpanId());
      this.#batch(shared, { batch, stamps, failure, under: attempts.get(batch) ?? spanId });
    }
    for (const stamp of stamps) {
      const under = (stamp.batch && attempts.get(stamp.batch)) ?? spanId;
      this.#phase(shared, stamp, under);
    }
    for (const [batch, attemptId] of attempts) {
      const failure = failures.find((each) => each.batch === batch);
      const own = [...stamps, ...failures].filter((each) => each.batch === batch);
      this.#span(shared, spanId, `attempt ${executor}`, extentOf(own), {
        spanId: attemptId,
        attributes: batchAttributes(batch),
        links: this.#linkTo(batch),
        error: failure?.error,
      });
    }
    const extent = extentOf(failures.length === 0 ? stamps : [...stamps, ...failures]);
    this.#span(shared, record.context.spanId, `executor ${executor}`, extent, {
      spanId,
      attributes: executorAttributes(record, executor, batches),
    });
  }

  #phase(shared: RequestSpans, stamp: PhaseStamp, under: string): void {
    const { executor, batch, parts } = stamp;
    // What is known of the batch stands once, on the executor's span above.
    const attributes =
      batch === undefined
        ? { 'sluice.executor': executor }
        : { 'sluice.executor': executor, 'sluice.batch.id': batch.id };
    const links = stamp.phase === 'run' && batch !== undefined ? this.#linkTo(batch) : none;
    const spanId = newSpanId();
    if (parts !== undefined) {
      for (const [part, startMs, endMs] of parts) {
        this.#span(shared, spanId, part, { startMs, endMs }, { attributes: { 'sluice.executor': executor } });
      }
    }
    this.#span(shared, under, stamp.phase, stamp, { spanId, attributes, links });
  }

  #batch(
    shared: RequestSpans,
    settings: { batch: BatchRecord; stamps: readonly PhaseStamp[]; failure: FailedAttempt | undefined; under: string },
  ): void {
    const { batch, stamps, failure, under } = settings;
    if (this.#batchSpans.has(batch)) return;
    const { record, traceId, traceState } = shared;
    const links: SpanLink[] = [];
    for (const { context, requestId } of batch.requests) {
      if (context !== record.context && !context.isSampled) continue;
      links.push({ context, attributes: { 'sluice.request_id': requestId } });
    }
    const spanId = newSpanId();
    const together = stamps.filter((stamp) => isTogether(stamp, batch));
    const extent = failure ?? extentOf(together, stamps);
    this.#span(shared, under, `batch ${batch.executor}`, extent, {
      spanId,
      attributes: batchAttributes(batch),
      links,
      error: failure?.error,
    });
    const context = { traceId, spanId, isSampled: true };
    this.#batchSpans.set(batch, traceState === undefined ? context : { ...context, traceState });
  }

  #linkTo(batch: BatchRecord): readonly SpanLink[] {
    const context = this.#batchSpans.get(batch);
    return context === undefined ? none : [{ context }];
  }

  #span(
    { traceId, traceState }: RequestSpans,
    parentSpanId: string,
    name: string,
    { startMs, endMs }: Interval,
    content: SpanContent = {},
  ): void {
    const { error } = content;
    const span: FinishedSpan = {
      name,
      isServer: false,
      traceId,
      spanId: content.spanId ?? newSpanId(),
      traceState,
      parentSpanId,
      isParentRemote: false,
      startMs,
      endMs: Math.max(startMs, endMs),
      attributes: content.attributes ?? noAttributes,
      events: error === undefined ? none : [exceptionEvent(error, endMs)],
      links: content.links ?? none,
      error: error?.message,
    };
    this.#target.add(span);
  }
}

function executorParts(record: RequestRecord): readonly ExecutorPart[] {
  const parts: ExecutorPart[] = [];
  for (const stamp of record.phases) {
    if (stamp.executor !== 'gateway') partOf(parts, stamp.executor).stamps.push(stamp);
  }
  for (const failure of record.failedAttempts ?? none) partOf(parts, failure.batch.executor).failures.push(failure);
  return parts;
}

function partOf(parts: ExecutorPart[], executor: string): ExecutorPart {
  for (const part of parts) if (part.executor === executor) return part;
  const part = { executor, stamps: [], failures: [] };
  parts.push(part);
  return part;
}

function batchesOf({ stamps, failures }: ExecutorPart): BatchRecord[] {
  const batches: BatchRecord[] = [];
  for (const { batch } of stamps) if (batch !== undefined && !batches.includes(batch)) batches.push(batch);
  for (const { batch } of failures) if (!batches.includes(batch)) batches.push(batch);
  return batches.length > 1 ? batches.sort((a, b) => a.id - b.id) : batches;
}

/** From the first to the last moment of some intervals; where there is none, of `otherwise`. */
function extentOf(intervals: readonly Interval[], otherwise: readonly Interval[] = none): Interval {
  if (intervals.length === 0) return extentOf(otherwise);
  let startMs = Infinity;
  let endMs = -Infinity;
  for (const interval of intervals) {
    if (interval.startMs < startMs) startMs = interval.startMs;
    if (interval.endMs > endMs) endMs = interval.endMs;
  }
  return { startMs, endMs };
}

/** Requests wait in the queue one by one; the batch exists from then on. */
function isTogether(stamp: PhaseStamp, batch: BatchRecord): boolean {
  return stamp.batch === batch && stamp.phase !== 'queue';
}

function callerLinks({ context, parentSpanId }: RequestRecord): readonly SpanLink[] {
  return parentSpanId === undefined ? none : [{ context: { ...context, spanId: parentSpanId }, isRemote: true }];
}

function requestAttributes(record: RequestRecord, { error }: RequestEnd): SpanAttributes {
  return {
    'network.protocol.name': record.protocol,
    'http.request.method': record.method,
    'sluice.protocol': record.protocol,
    'sluice.endpoint': record.endpoint,
    'sluice.request_id': record.requestId,
    'error.type': error?.reason,
    'sluice.reason': error?.reason,
    'sluice.code': error?.code,
  };
}

function requestEvents(record: RequestRecord, { error, endMs }: RequestEnd): readonly SpanEvent[] {
  if (error === undefined) return record.notes;
  return [...record.notes, exceptionEvent(error, endMs)];
}

function executorAttributes(record: RequestRecord, executor: string, batches: readonly BatchRecord[]): SpanAttributes {
  const last = batches.at(-1);
  const own = { 'sluice.executor': executor, 'sluice.endpoint': record.endpoint };
  if (last === undefined) return own;
  if (batches.length === 1) return batchAttributes(last);
  return { ...own, ...batchAttributes(last), 'sluice.batch.ids': batches.map((batch) => batch.id) };
}

function batchAttributes(batch: BatchRecord): SpanAttributes {
  return {
    'sluice.executor': batch.executor,
    'sluice.endpoint': batch.endpoint,
    'sluice.replica': batch.replica,
    'sluice.device': batch.device,
    'sluice.batch.id': batch.id,
    'sluice.batch.documents': batch.documents,
    'sluice.batch.requests': batch.requests.length,
    'sluice.batch.flush_reason': batch.flushReason,
    'sluice.batch.attempt': batch.attempt,
  };
}

/** No stack: stacks are in logs only. */
function exceptionEvent(error: FlowError, atMs: number): SpanEvent {
  return {
    name: 'exception',
    atMs,
    attributes: {
      'exception.type': error.exception?.name ?? error.name,
      'exception.message': error.message,
      'sluice.reason': error.reason,
    },
  };
}
