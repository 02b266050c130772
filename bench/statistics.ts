import { FlowError } from '../core/index.ts';

/** A value with the interval that holds it with 95 % confidence. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Measurements it rests on. */
  readonly count: number;
}

/** Middle value; the mean of the two in the middle for an even number. */
export function median(values: readonly number[]): number {
  const sorted = sortedNumbers(values);
  const half = sorted.length >> 1;
  const upper = at(sorted, half);
  return sorted.length % 2 === 1 ? upper : (at(sorted, half - 1) + upper) / 2;
}

/**
 * The smallest measured value that at least `percent` of all do not exceed (nearest rank): exact, never interpolated.
 *
 * @param sorted ascending
 */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return at(sorted, rank - 1);
}

/**
 * Median and the 95 % interval of the median by bootstrap: 10,000 resamples, percentiles 2.5 and 97.5.
 *
 * The pseudo-random numbers have a fixed seed, so the same measurements give the same interval.
 */
export function estimateMedian(values: readonly number[]): Estimate {
  const random = randomNumbers(0x5105ce);
  const resamples = 10_000;
  const medians = new Float64Array(resamples);
  const sample = new Array<number>(values.length);
  for (let round = 0; round < resamples; round++) {
    for (let i = 0; i < sample.length; i++) sample[i] = at(values, Math.floor(random() * values.length));
    medians[round] = median(sample);
  }
  medians.sort();
  return {
    value: median(values),
    low: percentile(medians, 2.5),
    high: percentile(medians, 97.5),
    count: values.length,
  };
}

/** Median of a[i] / b[i] with its interval: what drifts over a run hits both halves of a pair and cancels. */
export function estimateRatio(a: readonly number[], b: readonly number[]): Estimate {
  if (a.length !== b.length) {
    throw new FlowError('invalid_argument', `expected pairs, got ${a.length} and ${b.length} measurements`);
  }
  return estimateMedian(a.map((value, index) => value / at(b, index)));
}

/** Counts of values in buckets that grow by about 19 % (four to a doubling), as `[upper bound, count]`. */
export function histogram(values: Iterable<number>): [upper: number, count: number][] {
  const counts = new Map<number, number>();
  for (const value of values) {
    const bucket = Math.ceil(Math.log2(Math.max(value, Number.MIN_VALUE)) * 4);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => a[0] - b[0]).map(([bucket, count]) => [2 ** (bucket / 4), count]);
}

function sortedNumbers(values: readonly number[]): Float64Array {
  return Float64Array.from(values).sort();
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) {
    throw new FlowError('invalid_argument', `expected at least ${index + 1} measurements, got ${values.length}`);
  }
  return value;
}

/** Mulberry32: a small generator of numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
