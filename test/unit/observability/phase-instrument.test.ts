import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowError, type TraceContext } from '../../../core/index.ts';
import { createInstrument, MetricStore, ratioSampler } from '../../../observability/index.ts';
import { keepingInstrument } from './recorded-requests.ts';

const requestId = '4bf92f3577b34da6a3ce929d0e0e4736';
const begin = { requestId, protocol: 'http', endpoint: '/encode', startMs: 1000 };
const caller: TraceContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  isSampled: true,
  traceState: 'vendor=1',
};
const end = { endMs: 1010, endpointLabel: '/encode' };
const error = new FlowError('queue_full', 'the queue of encoder is full');

describe('beginning a request', () => {
  it('takes the request id as trace id', () => {
    const { context, parentSpanId } = keepingInstrument().instrument.begin(begin);
    assert.equal(context.traceId, requestId);
    assert.match(context.spanId, /^[0-9a-f]{16}$/);
    assert.equal(parentSpanId, undefined);
  });

  it('makes a trace id where the request id cannot be one', () => {
    for (const id of ['my-request', '0'.repeat(32), requestId.toUpperCase()]) {
      const { context } = keepingInstrument().instrument.begin({ ...begin, requestId: id });
      assert.match(context.traceId, /^(?!0{32})[0-9a-f]{32}$/);
      assert.notEqual(context.traceId, id);
    }
  });

  it('continues the trace of the caller under a span of its own', () => {
    const { context, parentSpanId } = keepingInstrument().instrument.begin({ ...begin, incoming: caller });
    assert.deepEqual({ ...context, spanId: caller.spanId }, caller);
    assert.notEqual(context.spanId, caller.spanId);
    assert.equal(parentSpanId, caller.spanId);
  });

  it('samples as the caller decided, whatever the ratio says', () => {
    for (const isSampled of [true, false]) {
      const { instrument } = keepingInstrument({ sampler: ratioSampler(isSampled ? 0 : 1) });
      assert.equal(instrument.begin({ ...begin, incoming: { ...caller, isSampled } }).context.isSampled, isSampled);
    }
  });

  it('passes the caller’s context on untouched when tracing is off, so that nothing hangs on a span nobody exports', () => {
    const instrument = createInstrument({ store: new MetricStore(), sampler: ratioSampler(1) });
    assert.deepEqual(instrument.begin({ ...begin, incoming: caller }).context, caller);
    assert.equal(instrument.begin(begin).context.isSampled, false);
  });
});

describe('a phase', () => {
  it('is one sample, and one stamp on a sampled record', () => {
    const { instrument, store } = keepingInstrument();
    const record = instrument.begin(begin);
    instrument.phase(record, 'queue', 'encoder', 1000, 1004);
    assert.equal(store.read('sluice_phase_seconds')[0]?.value, 0.004);
    assert.deepEqual(record.phases, [{ phase: 'queue', executor: 'encoder', startMs: 1000, endMs: 1004 }]);
  });

  it('leaves no stamp on a record that cannot be kept', () => {
    const { instrument, store } = keepingInstrument({ sampler: ratioSampler(0) });
    const record = instrument.begin(begin);
    instrument.phase(record, 'queue', 'encoder', 1000, 1004);
    assert.equal(store.read('sluice_phase_seconds').length, 1);
    assert.deepEqual(record.phases, []);
  });

  it('counts as no time when the clocks of two processes disagree by a little', () => {
    const { instrument, store } = keepingInstrument();
    instrument.phase(instrument.begin(begin), 'send', 'encoder', 1000.001, 1000);
    assert.equal(store.read('sluice_phase_seconds')[0]?.value, 0);
  });
});

describe('finishing a request', () => {
  it('counts it by its reason and measures its time', () => {
    const { instrument, store } = keepingInstrument();
    instrument.finish(instrument.begin(begin), end);
    instrument.finish(instrument.begin(begin), { ...end, error, endpointLabel: 'other' });
    assert.deepEqual(
      store.read('sluice_requests_total').map(({ labels, value }) => [...labels, value]),
      [
        ['http', '/encode', 'ok', 1],
        ['http', 'other', 'queue_full', 1],
      ],
    );
    assert.equal(store.read('sluice_request_seconds')[0]?.value, 0.01);
  });

  const rules = [
    { name: 'keeps sampled requests', ratio: 1, tail: {}, end, isKept: true },
    { name: 'drops requests that nobody asked for', ratio: 0, tail: {}, end: { ...end, error }, isKept: false },
    {
      name: 'keeps failed ones if told so',
      ratio: 0,
      tail: { keepFailed: true },
      end: { ...end, error },
      isKept: true,
    },
    { name: 'drops good ones when told to keep failed ones', ratio: 0, tail: { keepFailed: true }, end, isKept: false },
    { name: 'keeps slow ones if told so', ratio: 0, tail: { slowMs: 10 }, end, isKept: true },
    { name: 'drops faster ones', ratio: 0, tail: { slowMs: 10.5 }, end, isKept: false },
  ];
  for (const rule of rules) {
    it(rule.name, () => {
      const { instrument, kept } = keepingInstrument({ sampler: ratioSampler(rule.ratio), tail: rule.tail });
      const record = instrument.begin(begin);
      instrument.phase(record, 'decode', 'gateway', 1000, 1001);
      instrument.finish(record, rule.end);
      assert.deepEqual(kept, rule.isKept ? [[record, rule.end]] : []);
      if (rule.isKept) assert.equal(record.phases.length, 1);
    });
  }
});
