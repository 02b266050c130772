import { mean } from './retrieval-metrics.ts';

/** How far one run is ahead of another, over the same queries. */
export interface Difference {
  /** Mean of the first run less that of the second. */
  readonly difference: number;
  /** Bounds that hold the difference in 95 of 100 samples. */
  readonly low: number;
  readonly high: number;
  /** Part of the samples, doubled, in which the other run is at least as good; below 0.05 is no accident. */
  readonly p: number;
}

/**
 * Draws queries with replacement, many times, and looks how the difference of the means varies.
 *
 * @param first values by query; `second` must have the same queries
 * @param samples default 2000; the same seed draws the same queries
 */
export function pairedBootstrap(
  first: ReadonlyMap<string, number>,
  second: ReadonlyMap<string, number>,
  samples = 2000,
  seed = 1,
): Difference {
  const differences = [...first].map(([query, value]) => value - (second.get(query) ?? 0));
  const difference = mean(differences);
  if (differences.length === 0) return { difference, low: 0, high: 0, p: 1 };
  const random = seededNumbers(seed);
  const means = Array.from({ length: samples }, () =>
    mean(differences.map(() => differences[Math.floor(random() * differences.length)] ?? 0)),
  ).sort((a, b) => a - b);
  const part = (test: (value: number) => boolean): number => means.filter(test).length / samples;
  const bound = (share: number): number => means[Math.min(samples - 1, Math.floor(share * samples))] ?? 0;
  const p = Math.min(
    1,
    2 *
      Math.min(
        part((value) => value <= 0),
        part((value) => value >= 0),
      ),
  );
  return { difference, low: bound(0.025), high: bound(0.975), p };
}

/** Numbers from 0 to below 1 (mulberry32), the same for a seed on every machine. */
function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
