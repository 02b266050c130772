import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { tracing } from '@opentelemetry/sdk-node';
import { FlowError, toEpochMs, type TraceContext } from '../../../core/index.ts';
import { createInstrument, MetricStore, ratioSampler, type TailRule } from '../../../observability/index.ts';
import { SpanIds } from '../../../observability/span-ids.ts';
import { SdkSpans } from '../../../observability/sdk-spans.ts';
import { createSpanSink } from '../../../observability/spans.ts';
import { batchOf, runThroughTwoExecutors } from './recorded-requests.ts';

type ReadableSpan = tracing.ReadableSpan;

/** An instrument whose spans go through the real SDK into memory. */
function tracedInstrument(options: { ratio?: number; tail?: TailRule } = {}) {
  const exporter = new tracing.InMemorySpanExporter();
  const ids = new SpanIds();
  const provider = new tracing.BasicTracerProvider({
    idGenerator: ids,
    sampler: new tracing.AlwaysOnSampler(),
    spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  });
  const instrument = createInstrument({
    store: new MetricStore(),
    sampler: ratioSampler(options.ratio ?? 1),
    sink: createSpanSink(new SdkSpans(provider.getTracer('test'), ids)),
    tail: options.tail ?? {},
  });
  const begin = (digit: string, incoming?: TraceContext) =>
    instrument.begin({
      requestId: digit.repeat(32),
      protocol: 'http',
      method: 'POST',
      endpoint: '/encode',
      startMs: 1000,
      incoming,
    });
  return { instrument, begin, spans: () => exporter.getFinishedSpans() };
}

const end = { endMs: 1030, endpointLabel: '/encode' };

function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}

/** `parent > child` of every span, by name. */
function edges(spans: readonly ReadableSpan[]): string[] {
  const names = new Map(spans.map((span) => [idOf(span), span.name]));
  return spans.map((span) => {
    const parent = span.parentSpanContext?.spanId;
    return `${parent === undefined ? '-' : (names.get(parent) ?? 'missing')} > ${span.name}`;
  });
}

function named(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const [span, ...others] = spans.filter((candidate) => candidate.name === name);
  assert.ok(span && others.length === 0, `one span ${name} among ${spans.map((each) => each.name).join(', ')}`);
  return span;
}

function toMs([seconds, nanoseconds]: HrTime): number {
  return seconds * 1e3 + nanoseconds / 1e6;
}

const phaseNames = ['queue', 'send', 'pre', 'run', 'post', 'receive'];

describe('spans of a request', () => {
  it('form one tree: request, executors, phases, parts', () => {
    const { instrument, begin, spans } = tracedInstrument();
    const record = begin('a');
    runThroughTwoExecutors(instrument, [record]);
    instrument.finish(record, end);
    const perExecutor = (executor: string) => [
      `POST /encode > executor ${executor}`,
      `executor ${executor} > batch ${executor}`,
      ...phaseNames.map((phase) => `executor ${executor} > ${phase}`),
      'run > model',
    ];
    const expected = [
      '- > POST /encode',
      ...['decode', 'admit', 'encode'].map((phase) => `POST /encode > ${phase}`),
      ...perExecutor('encoder'),
      ...perExecutor('indexer'),
    ];
    assert.deepEqual(edges(spans()).sort(), expected.sort());
    assert.equal(new Set(spans().map((span) => span.spanContext().traceId)).size, 1);
  });

  it('have the ids that were given away while the request ran', () => {
    const { instrument, begin, spans } = tracedInstrument();
    const record = begin('a');
    instrument.phase(record, 'decode', 'gateway', 1000, 1001);
    instrument.finish(record, end);
    const root = named(spans(), 'POST /encode');
    assert.deepEqual([root.spanContext().traceId, idOf(root)], [record.context.traceId, record.context.spanId]);
    assert.equal(root.kind, SpanKind.SERVER);
  });

  it('last exactly as long as what they measure, on the calendar’s clock', () => {
    const { instrument, begin, spans } = tracedInstrument();
    const record = begin('a');
    runThroughTwoExecutors(instrument, [record]);
    instrument.finish(record, end);
    const times = (name: string) => {
      const span = named(spans(), name);
      return [toMs(span.startTime), toMs(span.endTime)].map((ms) => Math.round((ms - toEpochMs(0)) * 100) / 100);
    };
    assert.deepEqual(times('POST /encode'), [1000, 1030]);
    assert.deepEqual(times('executor encoder'), [1002, 1013]);
    assert.deepEqual(times('batch encoder'), [1004, 1013]);
    assert.deepEqual(times('encode'), [1024, 1025]);
  });

  it('say which replica, device and batch an executor used', () => {
    const { instrument, begin, spans } = tracedInstrument();
    const records = [begin('a'), begin('b')];
    runThroughTwoExecutors(instrument, records);
    instrument.finish(records[0] ?? assert.fail(), end);
    assert.deepEqual(named(spans(), 'executor encoder').attributes, {
      'sluice.executor': 'encoder',
      'sluice.endpoint': '/encode',
      'sluice.replica': 1,
      'sluice.device': 'cpu',
      'sluice.batch.id': 1,
      'sluice.batch.documents': 2,
      'sluice.batch.requests': 2,
      'sluice.batch.flush_reason': 'size',
      'sluice.batch.attempt': 1,
    });
  });

  it('hang on the caller’s span when the caller is traced', () => {
    const { instrument, begin, spans } = tracedInstrument();
    const incoming = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), isSampled: true, traceState: 'vendor=1' };
    instrument.finish(begin('a', incoming), end);
    const root = named(spans(), 'POST /encode');
    assert.equal(root.parentSpanContext?.spanId, incoming.spanId);
    assert.equal(root.spanContext().traceId, incoming.traceId);
    assert.equal(root.spanContext().traceState?.serialize(), 'vendor=1');
  });

  it('are no orphans when a failed request of an untraced caller is kept: the caller is linked', () => {
    const { instrument, begin, spans } = tracedInstrument({ tail: { keepFailed: true } });
    const incoming = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), isSampled: false };
    const record = begin('a', incoming);
    instrument.phase(record, 'decode', 'gateway', 1000, 1001);
    instrument.finish(record, { ...end, error: new FlowError('cancelled', 'the caller went away') });
    assert.deepEqual(edges(spans()), ['POST /encode > decode', '- > POST /encode']);
    const root = named(spans(), 'POST /encode');
    assert.equal(root.spanContext().traceId, incoming.traceId);
    assert.equal(root.links[0]?.context.spanId, incoming.spanId);
  });

  it('name a bounded set of endpoints', () => {
    const { instrument, begin, spans } = tracedInstrument();
    instrument.finish(begin('a'), { ...end, endpointLabel: 'other' });
    assert.equal(named(spans(), 'POST other').attributes['sluice.endpoint'], '/encode');
  });

  it('tell an error with its reason, without a stack', () => {
    const { instrument, begin, spans } = tracedInstrument();
    const exception = { name: 'TypeError', args: ['no text'], executor: 'Encoder' };
    const error = new FlowError('executor_error', 'no text', { exception, cause: new TypeError('no text') });
    instrument.finish(begin('a'), { ...end, error });
    const root = named(spans(), 'POST /encode');
    assert.deepEqual(root.status, { code: SpanStatusCode.ERROR, message: 'no text' });
    assert.equal(root.attributes['error.type'], 'executor_error');
    assert.deepEqual(
      root.events.map(({ name, attributes }) => ({ name, attributes })),
      [
        {
          name: 'exception',
          attributes: {
            'exception.type': 'TypeError',
            'exception.message': 'no text',
            'sluice.reason': 'executor_error',
          },
        },
      ],
    );
  });

  it('carry the notes of the request as events', () => {
    const { instrument, begin, spans } = tracedInstrument();
    const record = begin('a');
    record.notes.push({ name: 'retry', atMs: 1004, attributes: { 'sluice.executor': 'encoder' } });
    instrument.finish(record, end);
    const [event] = named(spans(), 'POST /encode').events;
    assert.equal(event?.name, 'retry');
    assert.ok(Math.abs(toMs(event.time) - toEpochMs(1004)) < 0.01);
  });

  it('show both attempts of a retried request under one executor', () => {
    const { instrument, begin, spans } = tracedInstrument();
    const record = begin('a');
    instrument.phase(record, 'run', 'encoder', 1000, 1004, { batch: batchOf('encoder', 1)([record]) });
    instrument.phase(record, 'run', 'encoder', 1010, 1014, { batch: batchOf('encoder', 2, 2)([record]) });
    instrument.finish(record, end);
    const executor = named(spans(), 'executor encoder');
    assert.equal(executor.attributes['sluice.batch.attempt'], 2);
    assert.deepEqual(executor.attributes['sluice.batch.ids'], [1, 2]);
    assert.equal(spans().filter((span) => span.name === 'batch encoder').length, 2);
  });
});

describe('the span of a batch', () => {
  it('is exported once and links to the spans of both requests', () => {
    const { instrument, begin, spans } = tracedInstrument();
    const records = [begin('a'), begin('b')];
    runThroughTwoExecutors(instrument, records);
    for (const record of records) instrument.finish(record, end);
    const batch = named(spans(), 'batch encoder');
    assert.deepEqual(
      batch.links.map((link) => link.context.spanId),
      records.map((record) => record.context.spanId),
    );
    const roots = spans().filter((span) => span.name === 'POST /encode');
    assert.deepEqual(
      roots.map(idOf),
      records.map((record) => record.context.spanId),
    );
    const everyId = new Set(spans().map(idOf));
    assert.ok(everyId.has(batch.parentSpanContext?.spanId ?? ''), 'its parent is exported');
  });

  it('is linked from the run of every request in it', () => {
    const { instrument, begin, spans } = tracedInstrument();
    const records = [begin('a'), begin('b')];
    runThroughTwoExecutors(instrument, records);
    for (const record of records.toReversed()) instrument.finish(record, end);
    const batchId = idOf(named(spans(), 'batch encoder'));
    const linked = spans().filter((span) => span.links.some((link) => link.context.spanId === batchId));
    assert.deepEqual(
      linked.map((span) => [span.name, span.attributes['sluice.executor']]),
      [
        ['run', 'encoder'],
        ['run', 'encoder'],
      ],
    );
  });

  it('links to nothing that is not exported', () => {
    const { instrument, begin, spans } = tracedInstrument({ ratio: 0 });
    const sampled = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), isSampled: true };
    const records = [begin('a'), begin('b', sampled)];
    runThroughTwoExecutors(instrument, records);
    for (const record of records) instrument.finish(record, end);
    const { links } = named(spans(), 'batch encoder');
    assert.deepEqual(
      links.map((link) => link.context.spanId),
      [records[1]?.context.spanId],
    );
  });

  it('links to a request that was kept at its end', () => {
    const { instrument, begin, spans } = tracedInstrument({ ratio: 0, tail: { slowMs: 5 } });
    const record = begin('a');
    runThroughTwoExecutors(instrument, [record]);
    instrument.finish(record, end);
    assert.equal(named(spans(), 'batch encoder').links[0]?.context.spanId, record.context.spanId);
  });
});
