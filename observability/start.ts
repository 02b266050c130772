import type { Instrument } from './instrument.ts';
import { LiveMetrics } from './live.ts';
import { createLogger, type Logger } from './log.ts';
import { MetricStore } from './metric-store.ts';
import { otlpVariables, type OtlpVariables } from './otlp-address.ts';
import { createInstrument, type SpanSink } from './phase-instrument.ts';
import { RecentRequests } from './recent-requests.ts';
import { ratioSampler } from './sampler.ts';

export interface ObservabilityOptions {
  /** Name of the service on its spans; OTEL_SERVICE_NAME wins. */
  readonly serviceName: string;
  readonly tracing: {
    readonly enabled: boolean;
    /** Part of the requests that is traced where the caller did not decide, 0 to 1. */
    readonly sampleRatio: number;
    /** OTLP address, see {@link otlpVariables}; undefined: what the OTEL_* environment says. */
    readonly endpoint?: string | undefined;
  };
  /** Whether failed requests are traced even if they were not sampled; default true. */
  readonly keepFailed?: boolean;
  /** Requests that took at least this long are traced even if they were not sampled; default: none. */
  readonly slowMs?: number;
  /** Where trouble with metrics and traces is told; default: warnings on stderr. */
  readonly logger?: Logger;
}

/** All measuring of a parent process. */
export interface Observability {
  readonly instrument: Instrument;
  readonly store: MetricStore;
  /** For a live view. */
  readonly live: LiveMetrics;
  metricsPage(): Promise<{ contentType: string; body: string }>;
  /** Exports what is left, waiting at most 5 s; metrics can still be read. */
  shutdown(): Promise<void>;
}

/**
 * Starts measuring. OpenTelemetry is loaded only when tracing is on; one process can trace once at a time.
 *
 * @throws `invalid_argument` when the OTLP address is none.
 */
export async function startObservability(options: ObservabilityOptions): Promise<Observability> {
  const { tracing, keepFailed = true, slowMs } = options;
  const logger =
    options.logger ?? createLogger({ name: options.serviceName, level: 'warn', destination: process.stderr });
  const store = new MetricStore({
    onOverflow: (metric, maxSeries) => {
      logger.warn(
        { metric, max_series: maxSeries },
        'a metric has too many label values: the rest is counted as other',
      );
    },
  });
  // Not at the top: workers import this folder too and never show a page.
  const { MetricsPage } = await import('./exposition.ts');
  const page = new MetricsPage(store);
  const isTracing = tracing.enabled && process.env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true';
  const exporting = isTracing ? await exportTraces(options, logger) : undefined;
  const recent = new RecentRequests();
  const instrument = createInstrument({
    store,
    sampler: ratioSampler(tracing.sampleRatio),
    sink: exporting?.sink,
    tail: { keepFailed, slowMs },
    recent,
  });
  return {
    instrument,
    store,
    live: new LiveMetrics(store, recent),
    metricsPage: () => page.render(),
    shutdown: async () => {
      await exporting?.stop();
    },
  };
}

async function exportTraces(
  { serviceName, tracing }: ObservabilityOptions,
  logger: Logger,
): Promise<{ sink: SpanSink; stop: () => Promise<void> }> {
  const protocol = process.env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? process.env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  const variables = tracing.endpoint === undefined ? {} : otlpVariables(tracing.endpoint, protocol);
  const { startTracing } = await import('./tracing.ts');
  return withVariables(variables, () => startTracing({ serviceName, onError: limitedWarning(logger) }));
}

/**
 * What the environment does not say itself. The SDK's own bounds are too small for joined requests: 2048 waiting spans
 * are a burst of 100 requests, after which traces are dropped; 128 links are fewer than a batch has requests. An export
 * of 512 spans is one of 40 requests: at 1000 traced requests a second exports would cost as much as the spans.
 */
const defaultVariables: OtlpVariables = {
  OTEL_BSP_MAX_QUEUE_SIZE: '16384',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2048',
  OTEL_SPAN_LINK_COUNT_LIMIT: '1024',
};

/** The SDK chooses its exporter from the environment alone: the settings have to be there while it is built. */
function withVariables<T>(variables: OtlpVariables, build: () => T): T {
  const missing = Object.entries(defaultVariables).filter(([key]) => process.env[key] === undefined);
  const changed = { ...Object.fromEntries(missing), ...variables };
  const before = Object.keys(changed).map((key) => [key, process.env[key]] as const);
  Object.assign(process.env, changed);
  try {
    return build();
  } finally {
    for (const [key, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, key);
      else process.env[key] = value;
    }
  }
}

/** An exporter that cannot reach its collector fails several times a second: one line a minute is enough. */
function limitedWarning(logger: Logger): (error: unknown) => void {
  let nextMs = 0;
  return (error) => {
    const now = performance.now();
    if (now < nextMs) return;
    nextMs = now + 60_000;
    logger.warn({ error }, 'traces could not be exported');
  };
}
