import { FlowError, parseDuration, type TraceContext } from '../core/index.ts';
import { type Carrier, readTraceContext } from '../observability/index.ts';

/** What a caller may say about a request beside its content. */
export interface CallerSettings {
  /** How long the caller waits, ms from the arrival of the request. */
  readonly timeoutMs: number | undefined;
  /** Larger is more urgent; 0 by default. */
  readonly priority: number;
  readonly trace: TraceContext | undefined;
}

const timeoutKey = 'x-sluice-timeout';
const priorityKey = 'x-sluice-priority';

/** Priorities outside are cut off, so that nobody is starved for good. */
const priorityRange = { min: -100, max: 100 } as const;

/**
 * Deadline, priority and trace context out of headers or metadata; the names are the same in every protocol.
 *
 * @throws `invalid_argument` naming the key, what was expected and what came.
 */
export function readCallerSettings(carrier: Carrier): CallerSettings {
  const timeout = single(carrier, timeoutKey);
  const priority = single(carrier, priorityKey);
  return {
    timeoutMs: timeout === undefined ? undefined : readTimeout(timeout),
    priority: priority === undefined ? 0 : readPriority(priority),
    trace: carrier['traceparent'] === undefined ? undefined : readTraceContext(carrier),
  };
}

function single(carrier: Carrier, key: string): string | undefined {
  const value = carrier[key];
  return typeof value === 'string' || value === undefined ? value : value[0];
}

function readTimeout(text: string): number {
  const timeoutMs = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : parseDuration(text);
  if (timeoutMs === undefined || timeoutMs <= 0) {
    throw keyFault(timeoutKey, 'a duration such as 2s, or milliseconds above 0', text);
  }
  return timeoutMs;
}

function readPriority(text: string): number {
  if (!/^[+-]?\d{1,9}$/.test(text)) throw keyFault(priorityKey, 'an integer', text);
  return Math.min(priorityRange.max, Math.max(priorityRange.min, Number(text)));
}

function keyFault(key: string, expected: string, text: string): FlowError {
  return new FlowError('invalid_argument', `${key}: expected ${expected}, got ${JSON.stringify(text)}`, {
    details: { loc: [key], place: 'header' },
  });
}
