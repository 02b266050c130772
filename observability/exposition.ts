import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type MetricEntry, type MetricName, metrics } from './catalogue.ts';
import type { MetricStore, SeriesValue } from './metric-store.ts';

/** The metrics page: the catalogue's metrics out of a store, and prom-client's own metrics of this process. */
export class MetricsPage {
  readonly #registry = new Registry();

  /** @param withProcess whether prom-client's default metrics of this process are on the page; default true */
  constructor(store: MetricStore, withProcess = true) {
    for (const [name, entry] of Object.entries(metrics) as [MetricName, MetricEntry][]) {
      register(this.#registry, store, name, entry);
    }
    if (withProcess) collectDefaultMetrics({ register: this.#registry });
  }

  /** The page in Prometheus' text format 0.0.4. */
  async render(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}

function register(registry: Registry, store: MetricStore, name: MetricName, entry: MetricEntry): void {
  const settings = { name, help: entry.help, labelNames: entry.labels, registers: [registry] };
  const labelsOf = (labels: readonly string[]) =>
    Object.fromEntries(entry.labels.map((label, index) => [label, labels[index] ?? '']));
  switch (entry.type) {
    case 'counter':
      new Counter({
        ...settings,
        collect() {
          this.reset();
          for (const series of store.read(name)) this.inc(labelsOf(series.labels), series.value);
        },
      });
      return;
    case 'gauge':
      new Gauge({
        ...settings,
        collect() {
          this.reset();
          for (const series of store.read(name)) this.set(labelsOf(series.labels), series.value);
        },
      });
      return;
    case 'histogram':
      new StoredHistogram({ ...settings, buckets: [...(entry.buckets ?? [])] }, () => ({
        name,
        help: entry.help,
        type: 'histogram',
        values: store.read(name).flatMap((series) => histogramLines(name, entry, labelsOf(series.labels), series)),
      }));
  }
}

interface Line {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

interface Section {
  readonly name: string;
  readonly help: string;
  readonly type: 'histogram';
  readonly values: Line[];
}

/** A histogram whose buckets were counted elsewhere: prom-client takes samples only, so what it reads is replaced. */
class StoredHistogram extends Histogram {
  readonly #read: () => Section;

  constructor(settings: ConstructorParameters<typeof Histogram>[0], read: () => Section) {
    super(settings);
    this.#read = read;
  }

  /** What prom-client's registry and its `get` call. */
  getForPromString(): Promise<Section> {
    return Promise.resolve(this.#read());
  }
}

function histogramLines(
  name: string,
  entry: MetricEntry,
  labels: Readonly<Record<string, string>>,
  series: SeriesValue,
): Line[] {
  const bounds = [...(entry.buckets ?? []), '+Inf'];
  let total = 0;
  const lines = bounds.map((le, index): Line => {
    total += series.counts[index] ?? 0;
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: total };
  });
  lines.push({ metricName: `${name}_sum`, labels, value: series.value });
  lines.push({ metricName: `${name}_count`, labels, value: total });
  return lines;
}
