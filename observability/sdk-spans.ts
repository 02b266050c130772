import {
  type Attributes,
  createTraceState,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import { toEpochMs, type TraceContext } from '../core/index.ts';
import type { FinishedSpan, SpanAttributes, SpanTarget } from './finished-span.ts';
import type { SpanIds } from './span-ids.ts';

/**
 * Makes SDK spans, for exporters and limits that only the SDK has; costs several times as much as writing OTLP.
 *
 * `ids` must be the generator of the tracer's provider, which samples everything.
 */
export class SdkSpans implements SpanTarget {
  readonly #tracer: Tracer;
  readonly #ids: SpanIds;

  constructor(tracer: Tracer, ids: SpanIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  /** The SDK's queue drops single spans where it is full. */
  hasRoom(): boolean {
    return true;
  }

  add(finished: FinishedSpan): void {
    const { traceId, spanId, traceState, parentSpanId, isParentRemote: isRemote } = finished;
    const options = {
      kind: finished.isServer ? SpanKind.SERVER : SpanKind.INTERNAL,
      startTime: toEpochMs(finished.startMs),
      attributes: attributesOf(finished.attributes),
      links: finished.links.map((link): Link => ({
        context: { ...spanContext(link.context), ...(link.isRemote === true ? { isRemote: true } : {}) },
        attributes: attributesOf(link.attributes ?? {}),
      })),
    };
    const parent = { traceId, spanId: parentSpanId ?? '', isSampled: true, ...(traceState ? { traceState } : {}) };
    const context =
      parentSpanId === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, { ...spanContext(parent), isRemote });
    const span = this.#ids.during(traceId, spanId, () => this.#tracer.startSpan(finished.name, options, context));
    for (const { name, attributes, atMs } of finished.events) {
      span.addEvent(name, attributesOf(attributes), toEpochMs(atMs));
    }
    if (finished.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: finished.error });
    span.end(toEpochMs(finished.endMs));
  }

  complete(): void {
    // Each span was handed over when it ended.
  }
}

function attributesOf(attributes: SpanAttributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as Attributes;
}

function spanContext({ traceId, spanId, isSampled, traceState }: TraceContext): SpanContext {
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return traceState === undefined
    ? { traceId, spanId, traceFlags }
    : { traceId, spanId, traceFlags, traceState: createTraceState(traceState) };
}
