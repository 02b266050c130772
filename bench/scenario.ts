import type { Estimate } from './statistics.ts';

/** How long and how often is measured. */
export interface BenchMode {
  readonly name: 'quick' | 'full';
  /** Interleaved rounds of a comparison. */
  readonly rounds: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Starts of each service, for the start-up time. */
  readonly starts: number;
  /** Rounds of the tracing comparison, each with fresh processes; 0: left out. */
  readonly tracingRounds: number;
  /** Rounds of served against offline; 0: left out. */
  readonly servedRounds: number;
  /** Rows that the indexer takes. */
  readonly indexRows: number;
  /** Batch sizes that the search for the best offline loop tries. */
  readonly offlineBatches: readonly number[];
}

export const benchModes = {
  quick: {
    name: 'quick',
    rounds: 3,
    warmupMs: 300,
    durationMs: 1000,
    starts: 2,
    tracingRounds: 0,
    servedRounds: 0,
    indexRows: 10_000,
    offlineBatches: [1, 8],
  },
  full: {
    name: 'full',
    rounds: 10,
    warmupMs: 1000,
    durationMs: 3000,
    starts: 5,
    tracingRounds: 12,
    servedRounds: 6,
    indexRows: 100_000,
    offlineBatches: [1, 2, 4, 8, 16, 32, 64],
  },
} as const satisfies Record<string, BenchMode>;

/** The same mode with another number of rounds; undefined leaves it as it is. */
export function withRounds(mode: BenchMode, rounds: string | undefined): BenchMode {
  if (rounds === undefined) return mode;
  const count = Number(rounds);
  return { ...mode, rounds: count, tracingRounds: count, servedRounds: count };
}

/** Figures side by side; the first cell of a row is its name. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a figure has to reach. */
export interface Target {
  readonly text: string;
  readonly measured: Estimate;
  readonly unit: string;
  readonly isMet: boolean;
}

/** What a scenario found out. */
export interface ScenarioReport {
  readonly name: string;
  /** What is compared with what, in a sentence or two. */
  readonly notes: readonly string[];
  readonly tables: readonly Table[];
  readonly targets: readonly Target[];
  /** Every single measurement, for the JSON file. */
  readonly measurements: unknown;
  /** Answers that were wrong or did not come. */
  readonly faults: readonly string[];
}

/** Told while it runs. */
export type Progress = (line: string) => void;
