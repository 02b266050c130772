import {
  type Attributes,
  type Context,
  createTraceState,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import { type FlowError, toEpochMs, type TraceContext } from '../core/index.ts';
import type { SpanSink } from './phase-instrument.ts';
import type { BatchRecord, PhaseStamp, RequestEnd, RequestRecord } from './record.ts';
import type { SpanIds } from './span-ids.ts';

/** Makes the spans of kept records. `ids` must be the generator of the tracer's provider, which samples everything. */
export function createSpanSink(tracer: Tracer, ids: SpanIds): SpanSink {
  return new SpanMaker(tracer, ids);
}

interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

class SpanMaker implements SpanSink {
  readonly #tracer: Tracer;
  readonly #ids: SpanIds;
  /** Spans of batches that were made already: each is exported once, by the first kept request that was in it. */
  readonly #batchSpans = new WeakMap<BatchRecord, SpanContext>();

  constructor(tracer: Tracer, ids: SpanIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  keep(record: RequestRecord, end: RequestEnd): void {
    const root = this.#startRequest(record, end);
    const context = trace.setSpan(ROOT_CONTEXT, root);
    for (const stamp of record.phases) if (stamp.executor === 'gateway') this.#span(stamp.phase, stamp, context);
    for (const [executor, stamps] of byExecutor(record.phases)) this.#executor(record, executor, stamps, context);
    for (const note of record.notes) root.addEvent(note.name, note.attributes, toEpochMs(note.atMs));
    if (end.error !== undefined) recordError(root, end.error, end.endMs);
    root.end(toEpochMs(Math.max(record.startMs, end.endMs)));
  }

  #startRequest(record: RequestRecord, end: RequestEnd): Span {
    const { traceId, spanId } = record.context;
    const parent = parentOf(record);
    // A caller that was not sampled exports no span: below it this one would be an orphan, so it is linked instead.
    const isChild = record.context.isSampled && parent !== undefined;
    const options = {
      kind: SpanKind.SERVER,
      startTime: toEpochMs(record.startMs),
      attributes: requestAttributes(record, end),
      links: parent !== undefined && !isChild ? [{ context: parent }] : [],
    };
    const context = isChild ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    // The label, not the endpoint: names of spans are a bounded set as well.
    const name = `${record.method ?? record.protocol} ${end.endpointLabel}`;
    return this.#ids.during(traceId, spanId, () => this.#tracer.startSpan(name, options, context));
  }

  /** The span of one executor, with its phases, their parts and the batches this request is the first to report. */
  #executor(record: RequestRecord, executor: string, stamps: readonly PhaseStamp[], under: Context): void {
    const batches = [...new Set(stamps.flatMap((stamp) => stamp.batch ?? []))];
    const last = batches.at(-1);
    const extent = extentOf(stamps);
    const span = this.#tracer.startSpan(
      `executor ${executor}`,
      {
        startTime: toEpochMs(extent.startMs),
        attributes: {
          'sluice.executor': executor,
          'sluice.endpoint': record.endpoint,
          ...(last === undefined ? {} : batchAttributes(last)),
          ...(batches.length > 1 ? { 'sluice.batch.ids': batches.map((batch) => batch.id) } : {}),
        },
      },
      under,
    );
    const context = trace.setSpan(under, span);
    for (const batch of batches) this.#batch(record, batch, stamps, context);
    for (const stamp of stamps) {
      // What is known of the batch stands once, on the executor's span above: attributes are what spans cost.
      const attributes = { 'sluice.executor': executor, ...(stamp.batch && { 'sluice.batch.id': stamp.batch.id }) };
      const batchSpan = stamp.batch && this.#batchSpans.get(stamp.batch);
      const links = stamp.phase === 'run' && batchSpan ? [{ context: batchSpan }] : [];
      const phase = this.#span(stamp.phase, stamp, context, attributes, links);
      for (const [part, startMs, endMs] of stamp.parts ?? []) {
        this.#span(part, { startMs, endMs }, trace.setSpan(context, phase), { 'sluice.executor': executor });
      }
    }
    span.end(toEpochMs(extent.endMs));
  }

  #batch(record: RequestRecord, batch: BatchRecord, stamps: readonly PhaseStamp[], under: Context): void {
    if (this.#batchSpans.has(batch)) return;
    const links = batch.requests
      .filter((request) => request === record || request.context.isSampled)
      .map((request): Link => ({
        context: spanContext(request.context),
        attributes: { 'sluice.request_id': request.requestId },
      }));
    // Requests wait in the queue one by one; the batch exists from then on.
    const together = stamps.filter((stamp) => stamp.batch === batch && stamp.phase !== 'queue');
    const extent = extentOf(together.length > 0 ? together : stamps);
    const span = this.#span(`batch ${batch.executor}`, extent, under, batchAttributes(batch), links);
    this.#batchSpans.set(batch, span.spanContext());
  }

  /** A whole span at once. */
  #span(name: string, interval: Interval, under: Context, attributes: Attributes = {}, links: Link[] = []): Span {
    const startTime = toEpochMs(interval.startMs);
    const span = this.#tracer.startSpan(name, { startTime, attributes, links }, under);
    span.end(toEpochMs(Math.max(interval.startMs, interval.endMs)));
    return span;
  }
}

function byExecutor(stamps: readonly PhaseStamp[]): Map<string, PhaseStamp[]> {
  const groups = new Map<string, PhaseStamp[]>();
  for (const stamp of stamps) {
    if (stamp.executor === 'gateway') continue;
    const group = groups.get(stamp.executor);
    if (group === undefined) groups.set(stamp.executor, [stamp]);
    else group.push(stamp);
  }
  return groups;
}

function extentOf(stamps: readonly PhaseStamp[]): Interval {
  return {
    startMs: Math.min(...stamps.map((stamp) => stamp.startMs)),
    endMs: Math.max(...stamps.map((stamp) => stamp.endMs)),
  };
}

function parentOf({ context, parentSpanId }: RequestRecord): SpanContext | undefined {
  if (parentSpanId === undefined) return undefined;
  const parent = spanContext({ ...context, spanId: parentSpanId });
  return { ...parent, isRemote: true };
}

function spanContext(context: TraceContext): SpanContext {
  const { traceId, spanId, traceState } = context;
  const traceFlags = context.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return traceState === undefined
    ? { traceId, spanId, traceFlags }
    : { traceId, spanId, traceFlags, traceState: createTraceState(traceState) };
}

function requestAttributes(record: RequestRecord, end: RequestEnd): Attributes {
  return {
    'network.protocol.name': record.protocol,
    ...(record.method === undefined ? {} : { 'http.request.method': record.method }),
    'sluice.protocol': record.protocol,
    'sluice.endpoint': record.endpoint,
    'sluice.request_id': record.requestId,
    ...(end.error === undefined
      ? {}
      : { 'error.type': end.error.reason, 'sluice.reason': end.error.reason, 'sluice.code': end.error.code }),
  };
}

function batchAttributes(batch: BatchRecord): Attributes {
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

/** Status and exception event. No stack: stacks are in logs only. */
function recordError(span: Span, error: FlowError, atMs: number): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  const type = error.exception?.name ?? error.name;
  span.addEvent(
    'exception',
    { 'exception.type': type, 'exception.message': error.message, 'sluice.reason': error.reason },
    toEpochMs(atMs),
  );
}
