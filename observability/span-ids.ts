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

const lastDigits = Array.from({ length: 256 }, (_item, byte) => byte.toString(16).padStart(2, '0'));
let firstDigits = '';
let nextDigits = lastDigits.length;

/**
 * 16 hexadecimal digits, not all zero. Needs to be unique within a trace, not secret: 56 bits are random, and shared by
 * 256 ids that follow each other, because ids are a good part of what a span costs.
 */
export function newSpanId(): string {
  if (nextDigits === lastDigits.length) {
    const high = ((Math.random() * 0xffffffff) >>> 0) + 1;
    const low = (Math.random() * 0x1000000) >>> 0;
    firstDigits = high.toString(16).padStart(8, '0') + low.toString(16).padStart(6, '0');
    nextDigits = 0;
  }
  return firstDigits + (lastDigits[nextDigits++] ?? '');
}
