/** W3C trace context of a request (https://www.w3.org/TR/trace-context/). */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits: the caller's span. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** Vendor list, passed on untouched. */
  readonly traceState?: string;
}

// Only versions after 00 may carry more fields.
const pattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:(?<!^00.*)-.*)?$/;

/** The context of a `traceparent` header; undefined when it is missing or malformed, as the specification asks. */
export function parseTraceparent(header: string | undefined, traceState?: string): TraceContext | undefined {
  const match = header === undefined ? null : pattern.exec(header);
  if (match === null) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = match;
  const isSampled = (parseInt(flags, 16) & 1) === 1;
  return traceState ? { traceId, spanId, isSampled, traceState } : { traceId, spanId, isSampled };
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.isSampled ? '01' : '00'}`;
}
