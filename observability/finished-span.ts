import type { TraceContext } from '../core/index.ts';

export type SpanAttributes = Readonly<
  Record<string, string | number | boolean | readonly string[] | readonly number[] | undefined>
>;

/** Something that happened within a span. */
export interface SpanEvent {
  readonly name: string;
  /** Monotonic ms. */
  readonly atMs: number;
  readonly attributes: SpanAttributes;
}

export interface SpanLink {
  readonly context: TraceContext;
  /** Whether the linked span is another service's. */
  readonly isRemote?: boolean;
  readonly attributes?: SpanAttributes;
}

/** One span, whole: it is made when everything in it is over. */
export interface FinishedSpan {
  readonly name: string;
  /** A request's own span is of kind SERVER, every other one INTERNAL. */
  readonly isServer: boolean;
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string | undefined;
  readonly parentSpanId: string | undefined;
  /** Whether the parent is another service's. */
  readonly isParentRemote: boolean;
  /** Monotonic ms. */
  readonly startMs: number;
  /** Monotonic ms, not before `startMs`. */
  readonly endMs: number;
  /** Undefined values are left out. */
  readonly attributes: SpanAttributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  /** The message of the error that it ended with. */
  readonly error: string | undefined;
}

/** Where finished spans go. */
export interface SpanTarget {
  /** Asked once for each request, before its first span: false leaves all of them out, never a part of a trace. */
  hasRoom(): boolean;
  add(span: FinishedSpan): void;
  /** The last span of a request was added. */
  complete(): void;
}
