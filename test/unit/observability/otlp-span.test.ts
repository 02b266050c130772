import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resources, tracing } from '@opentelemetry/sdk-node';
import { FlowError, type TraceContext } from '../../../core/index.ts';
import { createInstrument, MetricStore, ratioSampler } from '../../../observability/index.ts';
import type { FinishedSpan, SpanTarget } from '../../../observability/finished-span.ts';
import { otlpEnvelope } from '../../../observability/otlp-exporter.ts';
import { writeSpan } from '../../../observability/otlp-span.ts';
import { ProtobufWriter } from '../../../observability/protobuf-writer.ts';
import { SdkSpans } from '../../../observability/sdk-spans.ts';
import { SpanIds } from '../../../observability/span-ids.ts';
import { createSpanSink } from '../../../observability/spans.ts';
import { batchOf, runThroughTwoExecutors } from './recorded-requests.ts';

/** The same spans twice: through the SDK and its serializer, and written by us. */
function bothWays(maxLinks = 128) {
  const exporter = new tracing.InMemorySpanExporter();
  const ids = new SpanIds();
  const resource = resources.resourceFromAttributes({ 'service.name': 'my-flow', 'zone.number': -7, 'is.test': true });
  const provider = new tracing.BasicTracerProvider({
    idGenerator: ids,
    sampler: new tracing.AlwaysOnSampler(),
    spanLimits: { linkCountLimit: maxLinks },
    resource,
    spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  });
  const sdk = new SdkSpans(provider.getTracer('sluice'), ids);
  const writer = new ProtobufWriter(16);
  const target: SpanTarget = {
    hasRoom: () => true,
    add: (span: FinishedSpan) => {
      writeSpan(writer, span, maxLinks);
      sdk.add(span);
    },
    complete: () => undefined,
  };
  const instrument = createInstrument({
    store: new MetricStore(),
    sampler: ratioSampler(1),
    sink: createSpanSink(target),
    tail: { keepFailed: true },
  });
  const begin = (digit: string, incoming?: TraceContext, endpoint = '/encode') =>
    instrument.begin({
      requestId: digit.repeat(32),
      protocol: 'http',
      method: 'POST',
      endpoint,
      startMs: 1000,
      incoming,
    });
  const compare = () => {
    const theirs = ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans());
    const ours = otlpEnvelope(resource, 'sluice')(writer.written);
    assert.ok(theirs !== undefined && theirs.length > 200);
    assert.equal(Buffer.from(ours).toString('hex'), Buffer.from(theirs).toString('hex'));
  };
  return { instrument, begin, compare };
}

const end = { endMs: 1030.1234, endpointLabel: '/encode' };

describe('spans that are written as OTLP are byte for byte what the SDK writes', () => {
  it('of joined requests through two executors, one of them below a remote caller', () => {
    const { instrument, begin, compare } = bothWays();
    const incoming = {
      traceId: 'c'.repeat(32),
      spanId: 'd'.repeat(16),
      isSampled: true,
      traceState: 'vendor=1, b=2,,x',
    };
    const records = [begin('a'), begin('b', incoming)];
    runThroughTwoExecutors(instrument, records);
    for (const record of records) instrument.finish(record, end);
    compare();
  });

  it('of failures, texts of every length and script, and notes of every type', () => {
    const { instrument, begin, compare } = bothWays();
    const unsampled = { traceId: 'e'.repeat(32), spanId: 'f'.repeat(16), isSampled: false, traceState: 'vendor=1' };
    for (const message of ['', 'kurz', 'Füße', '猫'.repeat(50), 'x'.repeat(127), 'y'.repeat(20_000), 'half \ud83d']) {
      const record = begin('a', unsampled, `/${message}`);
      record.notes.push({
        name: 'noted',
        atMs: 1004.9,
        attributes: { a: 0.5, b: -12, c: true, d: 2 ** 40, e: message },
      });
      instrument.finish(record, { ...end, error: new FlowError('executor_error', message) });
    }
    compare();
  });

  it('of attempts that failed with their worker and were made again', () => {
    const { instrument, begin, compare } = bothWays();
    const record = begin('a');
    const error = new FlowError('worker_crashed', 'encoder ended with SIGKILL');
    const failed = batchOf('encoder', 1)([record]);
    instrument.phase(record, 'queue', 'encoder', 1000, 1001, { batch: failed });
    instrument.failedAttempt(record, { batch: failed, startMs: 1001, endMs: 1005, error });
    instrument.phase(record, 'run', 'encoder', 1010, 1014, { batch: batchOf('encoder', 2, 2)([record]) });
    instrument.finish(record, end);
    compare();
  });

  it('of a batch with more links than are kept', () => {
    const { instrument, begin, compare } = bothWays(3);
    const records = ['1', '2', '3', '4', '5'].map((digit) => begin(digit));
    const batch = batchOf('encoder', 1)(records);
    for (const record of records) instrument.phase(record, 'run', 'encoder', 1001, 1002, { batch });
    for (const record of records) instrument.finish(record, end);
    compare();
  });
});
