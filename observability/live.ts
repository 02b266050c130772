import { type MetricName, metrics } from './catalogue.ts';
import type { MetricStore, SeriesValue } from './metric-store.ts';
import type { RecentRequest, RecentRequests } from './recent-requests.ts';

/** Rates and quantiles are of the last seconds, as far back as somebody has been looking. */
const windowMs = 5000;
/** Readings nearer than this are not kept: several people may look at once. */
const apartMs = 400;

/** How long things took in the last seconds. */
export interface Timing {
  readonly per_second: number;
  /** Null without samples, as the other. */
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
}

export interface EndpointNumbers extends Timing {
  readonly protocol: string;
  readonly endpoint: string;
  /** Answers since the start by error reason, `ok` among them. */
  readonly reasons: Readonly<Record<string, number>>;
}

export interface ExecutorNumbers {
  readonly documents_per_second: number;
  /** Documents in one batch, mean of the last seconds; null without batches. */
  readonly mean_batch: number | null;
  /** Why batches left their queue, since the start. */
  readonly flush_reasons: Readonly<Record<string, number>>;
  /** Since the start, as the next. */
  readonly dropped: number;
  readonly retries: number;
  readonly queue: Timing;
  readonly run: Timing;
}

export interface WorkerNumbers {
  /** Cores, of the last seconds. */
  readonly cpu: number;
  readonly memory_bytes: number;
  readonly loop_delay_ms: number;
}

type Reading = ReadonlyMap<MetricName, readonly SeriesValue[]>;

const read = [
  'sluice_request_seconds',
  'sluice_requests_total',
  'sluice_inflight_requests',
  'sluice_phase_seconds',
  'sluice_documents_total',
  'sluice_batches_total',
  'sluice_batch_documents',
  'sluice_dropped_total',
  'sluice_retries_total',
  'sluice_worker_memory_bytes',
  'sluice_worker_cpu_seconds_total',
  'sluice_worker_loop_delay_seconds',
] as const satisfies readonly MetricName[];

/** The metrics of this process as people watch them; costs nothing while nobody does. */
export class LiveMetrics {
  readonly #store: MetricStore;
  readonly #recent: RecentRequests;
  #readings: { readonly atMs: number; readonly reading: Reading }[] = [];

  constructor(store: MetricStore, recent: RecentRequests) {
    this.#store = store;
    this.#recent = recent;
  }

  look(nowMs: number): LiveNumbers {
    const reading: Reading = new Map(read.map((metric) => [metric, this.#store.read(metric)]));
    const kept = this.#readings.filter(({ atMs }) => nowMs - atMs <= windowMs);
    const oldest = kept[0];
    const newest = kept.at(-1);
    if (newest === undefined || nowMs - newest.atMs >= apartMs) kept.push({ atMs: nowMs, reading });
    this.#readings = kept;
    const seconds = oldest === undefined ? Infinity : Math.max(0.001, (nowMs - oldest.atMs) / 1000);
    return new LiveNumbers(reading, oldest?.reading ?? reading, seconds, this.#recent.read(nowMs));
  }
}

/** One look: totals as they stand, rates against an earlier look. */
export class LiveNumbers {
  readonly #now: Reading;
  readonly #before: Reading;
  readonly #seconds: number;
  /** The slowest requests of the last minute, remembered while somebody looks. */
  readonly slow: readonly RecentRequest[];

  constructor(now: Reading, before: Reading, seconds: number, slow: readonly RecentRequest[]) {
    this.#now = now;
    this.#before = before;
    this.#seconds = seconds;
    this.slow = slow;
  }

  /** All requests together. */
  total(): Timing & { in_flight: number } {
    return { in_flight: this.#sum('sluice_inflight_requests', []), ...this.#timing('sluice_request_seconds', []) };
  }

  endpoints(): EndpointNumbers[] {
    return this.#of('sluice_request_seconds', []).map(({ labels }) => {
      const [protocol = '', endpoint = ''] = labels;
      const reasons = this.#byLast('sluice_requests_total', labels);
      return { protocol, endpoint, reasons, ...this.#timing('sluice_request_seconds', labels) };
    });
  }

  executor(name: string): ExecutorNumbers {
    const batches = this.#gain('sluice_batches_total', [name]);
    return {
      documents_per_second: this.#gain('sluice_documents_total', [name]) / this.#seconds,
      mean_batch: batches === 0 ? null : this.#gain('sluice_batch_documents', [name]) / batches,
      flush_reasons: this.#byLast('sluice_batches_total', [name]),
      dropped: this.#sum('sluice_dropped_total', [name]),
      retries: this.#sum('sluice_retries_total', [name]),
      queue: this.#timing('sluice_phase_seconds', ['queue', name]),
      run: this.#timing('sluice_phase_seconds', ['run', name]),
    };
  }

  worker(executor: string, replica: number): WorkerNumbers {
    const labels = [executor, String(replica)];
    return {
      cpu: this.#gain('sluice_worker_cpu_seconds_total', labels) / this.#seconds,
      memory_bytes: this.#sum('sluice_worker_memory_bytes', labels),
      loop_delay_ms: this.#sum('sluice_worker_loop_delay_seconds', labels) * 1000,
    };
  }

  #timing(metric: MetricName, first: readonly string[]): Timing {
    const counts = histogram(this.#of(metric, first));
    histogram(this.#of(metric, first, this.#before)).forEach((count, bucket) => {
      counts[bucket] = (counts[bucket] ?? 0) - count;
    });
    const { buckets = [] } = metrics[metric] as { buckets?: readonly number[] };
    const count = counts.reduce((sum, value) => sum + value, 0);
    return {
      per_second: count / this.#seconds,
      p50_ms: quantile(counts, buckets, 0.5),
      p99_ms: quantile(counts, buckets, 0.99),
    };
  }

  /** Series whose first labels are these. */
  #of(metric: MetricName, first: readonly string[], reading = this.#now): readonly SeriesValue[] {
    const series = reading.get(metric) ?? [];
    return series.filter(({ labels }) => first.every((label, index) => labels[index] === label));
  }

  #sum(metric: MetricName, first: readonly string[], reading = this.#now): number {
    return this.#of(metric, first, reading).reduce((sum, { value }) => sum + value, 0);
  }

  #gain(metric: MetricName, first: readonly string[]): number {
    return this.#sum(metric, first) - this.#sum(metric, first, this.#before);
  }

  #byLast(metric: MetricName, first: readonly string[]): Record<string, number> {
    const found: Record<string, number> = {};
    for (const { labels, value } of this.#of(metric, first)) {
      const last = labels.at(-1) ?? '';
      found[last] = (found[last] ?? 0) + value;
    }
    return found;
  }
}

/** Samples by bucket, of all series together. */
function histogram(series: readonly SeriesValue[]): number[] {
  const total: number[] = [];
  for (const { counts } of series) {
    counts.forEach((count, bucket) => {
      total[bucket] = (total[bucket] ?? 0) + count;
    });
  }
  return total;
}

/** Milliseconds; in a straight line inside the bucket, as Prometheus estimates it. */
function quantile(counts: readonly number[], bounds: readonly number[], share: number): number | null {
  const count = counts.reduce((sum, value) => sum + value, 0);
  if (count <= 0) return null;
  let left = share * count;
  let low = 0;
  for (const [bucket, high] of bounds.entries()) {
    const here = counts[bucket] ?? 0;
    if (here > 0 && left <= here) return (low + (high - low) * (left / here)) * 1000;
    left -= here;
    low = high;
  }
  return low * 1000;
}
