import { newId } from '../core/index.ts';

/**
 * Hands the SDK ids that were chosen before: a request's span id was given away long before its span is made.
 *
 * Satisfies the SDK's IdGenerator.
 */
export class SpanIds {
  #traceId: string | undefined;
  #spanId: string | undefined;

  /** Runs `start`, which starts one span, so that the span has these ids. */
  during<T>(traceId: string, spanId: string, start: () => T): T {
    this.#traceId = traceId;
    this.#spanId = spanId;
    try {
      return start();
    } finally {
      this.#traceId = undefined;
      this.#spanId = undefined;
    }
  }

  generateTraceId(): string {
    return this.#traceId ?? newId();
  }

  generateSpanId(): string {
    return this.#spanId ?? newSpanId();
  }
}

/** 16 hexadecimal digits, not all zero. Needs to be unique within a trace, not secret. */
export function newSpanId(): string {
  const high = ((Math.random() * 0xffffffff) >>> 0) + 1;
  const low = (Math.random() * 0x100000000) >>> 0;
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
