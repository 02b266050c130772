import { formatTraceparent } from '../core/index.ts';

/** W3C trace headers of a request; empty when there is no trace. */
export interface TraceHeaders {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** The trace a caller names, or that of the span which is active where this is called. Never rejects. */
export function traceOf(traceparent: string | undefined): Promise<TraceHeaders> {
  return traceparent === undefined ? activeTrace() : Promise.resolve({ traceparent });
}

/** Empty when OpenTelemetry is not there or has no span. */
async function activeTrace(): Promise<TraceHeaders> {
  const api = await openTelemetry();
  const context = api?.trace.getActiveSpan()?.spanContext();
  if (api === undefined || context === undefined || !api.isSpanContextValid(context)) return {};
  const { traceId, spanId } = context;
  const traceparent = formatTraceparent({ traceId, spanId, isSampled: (context.traceFlags & 1) === 1 });
  const tracestate = context.traceState?.serialize();
  return tracestate === undefined || tracestate === '' ? { traceparent } : { traceparent, tracestate };
}

type OpenTelemetry = typeof import('@opentelemetry/api');
let loading: Promise<OpenTelemetry | undefined> | undefined;

function openTelemetry(): Promise<OpenTelemetry | undefined> {
  // A program without OpenTelemetry is an ordinary one: there is nothing to report.
  loading ??= import('@opentelemetry/api').catch(() => undefined);
  return loading;
}
