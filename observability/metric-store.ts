import { describeValue, FlowError } from '../core/index.ts';
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricEntry,
  type MetricName,
  metrics,
} from './catalogue.ts';

/**
 * What one series gained: a counter's amount `[n]`, a gauge's value `[v]`, or a histogram's `[sum, ...bucket counts]`
 * with one count for each bound and a last one for what lies above all of them. Labels in the catalogue's order.
 */
export type MetricDelta = readonly [metric: string, labels: readonly string[], values: readonly number[]];

/** One series as it stands. */
export interface SeriesValue {
  /** Label values in the catalogue's order. */
  readonly labels: readonly string[];
  /** A counter's total, a gauge's value, a histogram's sum. */
  readonly value: number;
  /** Histograms: samples in each bucket (not cumulative), the last one above all bounds. */
  readonly counts: readonly number[];
}

interface MetricStoreOptions {
  /** Series of one metric; samples of further label values go to one series labelled `other`. Default 1000. */
  readonly maxSeries?: number;
  /** Called once for each metric that reached the bound. */
  readonly onOverflow?: (metric: MetricName, maxSeries: number) => void;
}

interface Series {
  readonly family: Family;
  readonly labels: readonly string[];
  value: number;
  readonly counts: Float64Array;
  isChanged: boolean;
}

/** Series by label values, one level for each label: looking one up joins no strings and allocates nothing. */
class LabelTree {
  readonly branches = new Map<string, LabelTree>();
  readonly leaves = new Map<string, Series>();
}

interface Family {
  readonly name: MetricName;
  readonly entry: MetricEntry;
  readonly bounds: Float64Array;
  readonly tree: LabelTree;
  readonly series: Series[];
  overflow: Series | undefined;
}

/**
 * The numbers behind all metrics of one process.
 *
 * A worker gathers and hands over what it gained ({@link takeDeltas}); the parent adds that up ({@link apply}), so a
 * worker that starts again never resets a counter.
 */
export class MetricStore {
  readonly #families = new Map<string, Family>();
  readonly #maxSeries: number;
  readonly #onOverflow: MetricStoreOptions['onOverflow'];
  #changed: Series[] = [];

  constructor(options: MetricStoreOptions = {}) {
    this.#maxSeries = options.maxSeries ?? 1000;
    this.#onOverflow = options.onOverflow;
    for (const [name, entry] of Object.entries(metrics) as [MetricName, MetricEntry][]) {
      const bounds = Float64Array.from(entry.buckets ?? []);
      this.#families.set(name, { name, entry, bounds, tree: new LabelTree(), series: [], overflow: undefined });
    }
  }

  /** Adds to a counter. @throws `invalid_argument` when `amount` is negative or not finite. */
  count<Name extends CounterName>(metric: Name, labels: LabelsOf<Name>, amount = 1): void {
    if (!(amount >= 0 && amount < Infinity)) throw badSample(metric, 'a finite amount of at least 0', amount);
    const series = this.#find(metric, labels);
    series.value += amount;
    if (!series.isChanged) this.#markChanged(series);
  }

  /** Sets a gauge. @throws `invalid_argument` when `value` is not finite. */
  gauge<Name extends GaugeName>(metric: Name, labels: LabelsOf<Name>, value: number): void {
    if (!Number.isFinite(value)) throw badSample(metric, 'a finite value', value);
    const series = this.#find(metric, labels);
    series.value = value;
    if (!series.isChanged) this.#markChanged(series);
  }

  /** Adds one sample to a histogram. @throws `invalid_argument` when `value` is negative or not finite. */
  mark<Name extends HistogramName>(metric: Name, labels: LabelsOf<Name>, value: number): void {
    if (!(value >= 0 && value < Infinity)) throw badSample(metric, 'a finite sample of at least 0', value);
    const series = this.#find(metric, labels);
    series.value += value;
    const bucket = bucketOf(series.family.bounds, value);
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    if (!series.isChanged) this.#markChanged(series);
  }

  /** Moves out what was gathered since the last call: counters and histograms start at zero again. Worker side. */
  takeDeltas(): MetricDelta[] {
    const deltas = this.#changed.map((series): MetricDelta => {
      const values = [series.value, ...series.counts];
      series.isChanged = false;
      if (series.family.entry.type !== 'gauge') series.value = 0;
      series.counts.fill(0);
      return [series.family.name, series.labels, values];
    });
    this.#changed = [];
    return deltas;
  }

  /**
   * Adds what a worker gained: counters and histograms add up, a gauge takes the last value. All or nothing.
   *
   * @throws `protocol_error` for a metric that is not in the catalogue, or labels or values that do not fit it.
   */
  apply(deltas: readonly MetricDelta[]): void {
    const families = deltas.map((delta) => this.#check(delta));
    deltas.forEach(([, labels, values], index) => {
      const family = families[index];
      if (family === undefined) return;
      const series = findLeaf(family.tree, labels) ?? this.#open(family, labels);
      const [value = 0] = values;
      series.value = family.entry.type === 'gauge' ? value : series.value + value;
      for (let bucket = 0; bucket < series.counts.length; bucket++) {
        series.counts[bucket] = (series.counts[bucket] ?? 0) + (values[bucket + 1] ?? 0);
      }
      if (!series.isChanged) this.#markChanged(series);
    });
  }

  /** All series of one metric, oldest first. */
  read(metric: MetricName): SeriesValue[] {
    const series = this.#families.get(metric)?.series ?? [];
    return series.map(({ labels, value, counts }) => ({ labels, value, counts: [...counts] }));
  }

  #find(metric: MetricName, labels: Readonly<Record<string, string>>): Series {
    const family = this.#families.get(metric);
    if (family === undefined) throw unknownMetric(metric);
    const names = family.entry.labels;
    const last = names.length - 1;
    let tree: LabelTree | undefined = family.tree;
    for (let index = 0; index < last && tree !== undefined; index++) {
      tree = tree.branches.get(labels[names[index] ?? ''] ?? '');
    }
    return (
      tree?.leaves.get(labels[names[last] ?? ''] ?? '') ??
      this.#open(
        family,
        names.map((name) => labels[name] ?? ''),
      )
    );
  }

  #open(family: Family, labels: readonly string[]): Series {
    if (family.series.length >= this.#maxSeries) {
      if (family.overflow === undefined) {
        family.overflow = createSeries(
          family,
          labels.map(() => 'other'),
        );
        family.series.push(family.overflow);
        this.#onOverflow?.(family.name, this.#maxSeries);
      }
      return family.overflow;
    }
    let tree = family.tree;
    for (const label of labels.slice(0, -1)) {
      let branch = tree.branches.get(label);
      if (branch === undefined) tree.branches.set(label, (branch = new LabelTree()));
      tree = branch;
    }
    const series = createSeries(family, labels);
    tree.leaves.set(labels.at(-1) ?? '', series);
    family.series.push(series);
    return series;
  }

  #markChanged(series: Series): void {
    series.isChanged = true;
    this.#changed.push(series);
  }

  #check([metric, labels, values]: MetricDelta): Family {
    const family = this.#families.get(metric);
    if (family === undefined) throw unknownMetric(metric);
    const { entry, bounds } = family;
    if (labels.length !== entry.labels.length || !labels.every((label) => typeof label === 'string')) {
      throw new FlowError(
        'protocol_error',
        `${metric}: expected ${entry.labels.length} label values (${entry.labels.join(', ')}), got ${labels.length}`,
      );
    }
    const expected = entry.type === 'histogram' ? bounds.length + 2 : 1;
    const isValid = (value: number) => Number.isFinite(value) && (value >= 0 || entry.type === 'gauge');
    if (values.length !== expected || !values.every(isValid)) {
      throw new FlowError(
        'protocol_error',
        `${metric}: expected ${expected} values that a ${entry.type} can gain, got ${JSON.stringify(values)}`,
      );
    }
    return family;
  }
}

function createSeries(family: Family, labels: readonly string[]): Series {
  const buckets = family.entry.type === 'histogram' ? family.bounds.length + 1 : 0;
  return { family, labels, value: 0, counts: new Float64Array(buckets), isChanged: false };
}

function findLeaf(root: LabelTree, labels: readonly string[]): Series | undefined {
  let tree: LabelTree | undefined = root;
  for (const label of labels.slice(0, -1)) tree = tree?.branches.get(label);
  return tree?.leaves.get(labels.at(-1) ?? '');
}

/** Index of the first bound that is not below `value`; the number of bounds when all are. */
function bucketOf(bounds: Float64Array, value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= (bounds[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function badSample(metric: string, expected: string, value: number): FlowError {
  return new FlowError('invalid_argument', `${metric}: expected ${expected}, got ${describeValue(value)}`);
}

function unknownMetric(metric: string): FlowError {
  return new FlowError('protocol_error', `expected a metric of the catalogue, got ${describeValue(metric)}`);
}
