import { machineClockOffsetMs } from './platform.ts';

const offsetMs = machineClockOffsetMs();

/**
 * Milliseconds on the machine's monotonic clock, to the microsecond.
 *
 * Every process of one machine reads the same clock, so a child's time stamps can be laid beside the parent's.
 */
export function monotonicMs(): number {
  // Three decimals: finer ones are noise, and cost time wherever the number is written as text.
  return Math.round((performance.now() + offsetMs) * 1e3) / 1e3;
}

/** Where time comes from: the machine, or a test. */
export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls `run` once after `delayMs` (at least 0); the result cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: monotonicMs,
  after(delayMs, run) {
    const timer = setTimeout(run, Math.ceil(delayMs));
    return () => {
      clearTimeout(timer);
    };
  },
};

const epochOffsetMs = Date.now() - monotonicMs();

/** The calendar time (ms since 1970, UTC) of a monotonic time stamp of this machine. */
export function toEpochMs(monotonic: number): number {
  return monotonic + epochOffsetMs;
}
