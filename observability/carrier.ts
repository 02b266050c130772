import { formatTraceparent, parseTraceparent, type TraceContext } from '../core/index.ts';

/** Headers or metadata as protocols give them: lower-case names, several values as a list. */
export type Carrier = Readonly<Record<string, string | readonly string[] | undefined>>;

/** W3C's limit for what has to be passed on. */
const maxTraceStateLength = 512;

/**
 * The caller's trace context out of `traceparent` and `tracestate`.
 *
 * Undefined when there is none or it is malformed or sent twice: the request then begins a trace of its own.
 */
export function readTraceContext(carrier: Carrier): TraceContext | undefined {
  const traceparent = carrier['traceparent'];
  if (traceparent === undefined) return undefined;
  const [header, ...others] = typeof traceparent === 'string' ? [traceparent] : traceparent;
  if (others.length > 0) return undefined;
  const traceState = [carrier['tracestate'] ?? []].flat().join(',');
  return parseTraceparent(header?.trim(), traceState.length > maxTraceStateLength ? undefined : traceState);
}

/** The headers that carry a trace context to another service. */
export function writeTraceContext(context: TraceContext): Record<string, string> {
  const headers = { traceparent: formatTraceparent(context) };
  return context.traceState === undefined ? headers : { ...headers, tracestate: context.traceState };
}
