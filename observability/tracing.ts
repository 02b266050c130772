import { api, core, NodeSDK, resources, tracing } from '@opentelemetry/sdk-node';
import { createOtlpExporter, otlpEnvelope } from './otlp-exporter.ts';
import { OtlpQueue } from './otlp-queue.ts';
import type { SpanSink } from './phase-instrument.ts';
import { SdkSpans } from './sdk-spans.ts';
import { SpanIds } from './span-ids.ts';
import { createSpanSink } from './spans.ts';

const scopeName = 'sluice';

interface TracingSettings {
  readonly serviceName: string;
  readonly onError: (error: unknown) => void;
}

/**
 * Starts the SDK, which is set up by the OTEL_* variables of this moment, and what exports the spans of requests.
 *
 * Over OTLP as protobuf, which is the default, spans are written by {@link OtlpQueue}. Every other exporter and format
 * that the environment asks for, and limits that it sets, are the SDK's: it then makes every span ({@link SdkSpans}).
 */
export function startTracing(settings: TracingSettings): { sink: SpanSink; stop: () => Promise<void> } {
  core.setGlobalErrorHandler(settings.onError);
  const ids = new SpanIds();
  const resource = resourceOf(settings.serviceName);
  const node = new NodeSDK({
    idGenerator: ids,
    // The instrument has decided already, tail rule included.
    sampler: new tracing.AlwaysOnSampler(),
    resource,
    autoDetectResources: false,
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
  });
  node.start();
  const queue = createQueue(resource);
  const target = queue ?? new SdkSpans(api.trace.getTracer(scopeName), ids);
  const stop = async () => {
    const shutdown = Promise.all([node.shutdown(), queue?.shutdown()]);
    await Promise.race([shutdown.then(() => undefined, settings.onError), deadline(5000)]);
    for (const part of [api.trace, api.context, api.propagation]) part.disable();
  };
  return { sink: createSpanSink(target), stop };
}

function resourceOf(serviceName: string): resources.Resource {
  // Reads OTEL_RESOURCE_ATTRIBUTES; the other detectors look at the host or at cloud addresses.
  const detected = resources.detectResources({ detectors: [resources.envDetector] });
  const resource = resources.defaultResource().merge(detected);
  if (core.getStringFromEnv('OTEL_SERVICE_NAME') !== undefined) return resource;
  return resource.merge(resources.resourceFromAttributes({ 'service.name': serviceName }));
}

/** Limits of spans that only the SDK knows to keep. */
const sdkLimits = [
  'OTEL_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  'OTEL_SPAN_EVENT_COUNT_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT',
];

/** Undefined where the environment asks for what only the SDK does. */
function createQueue(resource: resources.Resource): OtlpQueue | undefined {
  const exporters = core.getStringListFromEnv('OTEL_TRACES_EXPORTER') ?? [];
  const protocol =
    core.getStringFromEnv('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ??
    core.getStringFromEnv('OTEL_EXPORTER_OTLP_PROTOCOL') ??
    'http/protobuf';
  if (exporters.some((exporter) => exporter !== 'otlp')) return undefined;
  if (protocol !== 'grpc' && protocol !== 'http/protobuf') return undefined;
  if (sdkLimits.some((name) => core.getStringFromEnv(name) !== undefined)) return undefined;
  const maxQueueSize = bound('OTEL_BSP_MAX_QUEUE_SIZE', 2048);
  return new OtlpQueue(createOtlpExporter(protocol), otlpEnvelope(resource, scopeName), {
    maxQueueSize,
    maxExportBatchSize: Math.min(maxQueueSize, bound('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
    scheduledDelayMs: bound('OTEL_BSP_SCHEDULE_DELAY', 5000),
    exportTimeoutMs: bound('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
    maxLinks: bound('OTEL_SPAN_LINK_COUNT_LIMIT', 128),
  });
}

function bound(name: string, otherwise: number): number {
  const value = core.getNumberFromEnv(name);
  return value === undefined || value < 0 ? otherwise : value;
}

function deadline(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
