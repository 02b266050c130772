import { FlowError } from '../core/index.ts';
import type { Instrument } from './instrument.ts';
import { createLogger, type Logger } from './log.ts';
import { MetricStore } from './metric-store.ts';
import { createInstrument, type SpanSink } from './phase-instrument.ts';
import { ratioSampler } from './sampler.ts';
import { SpanIds } from './span-ids.ts';

export interface ObservabilityOptions {
  /** Name of the service on its spans; OTEL_SERVICE_NAME wins. */
  readonly serviceName: string;
  readonly tracing: {
    readonly enabled: boolean;
    /** Part of the requests that is traced where the caller did not decide, 0 to 1. */
    readonly sampleRatio: number;
    /** OTLP address over HTTP, `/v1/traces` is added to a bare host; undefined: what the OTEL_* environment says. */
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
  metricsPage(): Promise<{ contentType: string; body: string }>;
  /** Exports what is left, waiting at most 5 s; metrics can still be read. */
  shutdown(): Promise<void>;
}

/**
 * Starts measuring. OpenTelemetry is loaded only when tracing is on; one process can trace once at a time.
 *
 * @throws `invalid_argument` when the OTLP address is not an http or https URL.
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
  const exporting = isTracing ? await startTracing(options, logger) : undefined;
  const instrument = createInstrument({
    store,
    sampler: ratioSampler(tracing.sampleRatio),
    sink: exporting?.sink,
    tail: { keepFailed, slowMs },
  });
  return {
    instrument,
    store,
    metricsPage: () => page.render(),
    shutdown: async () => {
      await exporting?.stop();
    },
  };
}

async function startTracing(
  { serviceName, tracing }: ObservabilityOptions,
  logger: Logger,
): Promise<{ sink: SpanSink; stop: () => Promise<void> }> {
  const endpoint = tracing.endpoint === undefined ? undefined : tracesUrl(tracing.endpoint);
  const [{ api, core, NodeSDK, resources, tracing: sdk }, { createSpanSink }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('./spans.ts'),
  ]);
  core.setGlobalErrorHandler(limitedWarning(logger));
  const ids = new SpanIds();
  const node = new NodeSDK({
    ...(process.env['OTEL_SERVICE_NAME'] ? {} : { serviceName }),
    idGenerator: ids,
    // The instrument has decided already, tail rule included.
    sampler: new sdk.AlwaysOnSampler(),
    // Reads OTEL_RESOURCE_ATTRIBUTES; the other detectors look at the host or at cloud addresses.
    resourceDetectors: [resources.envDetector],
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
  });
  withTracesEndpoint(endpoint, () => node.start());
  const stop = async () => {
    await Promise.race([node.shutdown().catch(limitedWarning(logger)), deadline(5000)]);
    for (const part of [api.trace, api.context, api.propagation]) part.disable();
  };
  return { sink: createSpanSink(api.trace.getTracer('sluice'), ids), stop };
}

function tracesUrl(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new FlowError('invalid_argument', `expected an http or https address for OTLP, got ${endpoint}`);
  }
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}

/** The SDK chooses its exporter from the environment alone: the address has to be there while it is built. */
function withTracesEndpoint(endpoint: string | undefined, build: () => void): void {
  const key = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  const before = process.env[key];
  if (endpoint !== undefined) process.env[key] = endpoint;
  build();
  if (before === undefined) Reflect.deleteProperty(process.env, key);
  else process.env[key] = before;
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

function deadline(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
