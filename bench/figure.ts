import type { Rounds } from './interleave.ts';
import { series } from './interleave.ts';
import type { Table } from './scenario.ts';
import { type Estimate, estimateMedian, estimateRatio } from './statistics.ts';

/** `12.3 [11.9, 12.8]`: the median and its 95 % interval. */
export function figure(estimate: Estimate, fraction: number): string {
  const text = (value: number): string => value.toLocaleString('en-US', digitsAfterPoint(fraction));
  return `${text(estimate.value)} [${text(estimate.low)}, ${text(estimate.high)}]`;
}

/** The median as a percentage with its interval. */
export function percentage(estimate: Estimate): string {
  const { value, low, high } = estimate;
  return `${(value * 100).toFixed(1)} % [${(low * 100).toFixed(1)}, ${(high * 100).toFixed(1)}]`;
}

function digitsAfterPoint(fraction: number): Intl.NumberFormatOptions {
  return { minimumFractionDigits: fraction, maximumFractionDigits: fraction };
}

/** Throughput, latency, CPU and memory of all subjects, each throughput beside that of `yardstick` in the same round. */
export function loadTable(title: string, rounds: Rounds, yardstick: string | undefined): Table {
  const rows = [...rounds.keys()].map((name) => {
    const of = (pick: Parameters<typeof series>[2]): number[] => series(rounds, name, pick);
    const rate = of((each) => each.requestsPerSecond);
    const row = [
      name,
      figure(estimateMedian(rate), 0),
      figure(estimateMedian(of((each) => each.p50Ms)), 3),
      figure(estimateMedian(of((each) => each.p99Ms)), 2),
      figure(estimateMedian(of((each) => each.parentCpuMicros)), 1),
      figure(estimateMedian(of((each) => each.childrenCpuMicros)), 1),
      `${mebibytes(of((each) => each.parentRssBytes))} + ${mebibytes(of((each) => each.childrenRssBytes))}`,
    ];
    if (yardstick === undefined) return row;
    const reference = series(rounds, yardstick, (each) => each.requestsPerSecond);
    return [...row, percentage(estimateRatio(rate, reference))];
  });
  const columns = ['', 'requests/s', 'p50 ms', 'p99 ms', 'parent CPU us', 'children CPU us', 'MiB parent + children'];
  return { title, columns: yardstick === undefined ? columns : [...columns, `of ${yardstick}`], rows };
}

function mebibytes(bytes: readonly number[]): string {
  return (estimateMedian(bytes).value / 1_048_576).toFixed(0);
}
