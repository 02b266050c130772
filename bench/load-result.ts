import type { ProcessUsage } from './process-usage.ts';

/** What the load generator prints. */
export interface LoadResult {
  readonly connections: number;
  readonly seconds: number;
  /** Right answers that came within the measured time. */
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Wrong answers and missing ones, warm-up included; `faults` tells the first few. */
  readonly wrong: number;
  readonly errors: number;
  readonly faults: readonly string[];
  readonly latencyMs: LatencySummary | undefined;
  /** `[upper bound in ms, answers]`. */
  readonly histogram: readonly (readonly [number, number])[];
  readonly clientCpuMicrosPerRequest: number;
  /** CPU time that each watched process spent in the measured time, and its memory at the end. */
  readonly watched: readonly ProcessUsage[];
}

export interface LatencySummary {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}
