import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowError } from '../../../core/index.ts';
import {
  createInstrument,
  LiveMetrics,
  MetricStore,
  ratioSampler,
  RecentRequests,
} from '../../../observability/index.ts';

function watched() {
  const store = new MetricStore();
  const recent = new RecentRequests();
  const instrument = createInstrument({ store, sampler: ratioSampler(0), recent });
  return { store, instrument, live: new LiveMetrics(store, recent) };
}

type Watched = ReturnType<typeof watched>;

function request({ instrument }: Watched, startMs: number, ms: number, error?: FlowError): void {
  const record = instrument.begin({ requestId: `r${startMs}`, protocol: 'http', endpoint: '/encode', startMs });
  instrument.phase(record, 'run', 'encoder', startMs, startMs + ms);
  const failed = error === undefined ? {} : { error };
  instrument.finish(record, { endMs: startMs + ms, endpointLabel: '/encode', ...failed });
}

describe('a live look at the metrics', () => {
  it('gives rates against the look before, and totals since the start', () => {
    const all = watched();
    all.live.look(0);
    for (let index = 0; index < 20; index++) request(all, 100 * index, 4);
    request(all, 1500, 4, new FlowError('queue_full', 'full'));
    const numbers = all.live.look(2000);
    assert.equal(numbers.total().per_second, 10.5);
    assert.deepEqual(numbers.endpoints()[0]?.reasons, { ok: 20, queue_full: 1 });
    assert.equal(numbers.executor('encoder').run.per_second, 10.5);
  });

  it('forgets looks that are too old, so that a rate is of now', () => {
    const all = watched();
    all.live.look(0);
    request(all, 10, 5);
    all.live.look(4000);
    assert.equal(all.live.look(8000).total().per_second, 0);
  });

  it('finds quantiles inside the bucket that holds them', () => {
    const all = watched();
    all.live.look(0);
    for (let index = 0; index < 100; index++) request(all, index, 4);
    const { p50_ms: p50, p99_ms: p99 } = all.live.look(1000).total();
    assert.ok(p50 !== null && p50 > 2.5 && p50 < 5, `p50 ${p50}`);
    assert.ok(p99 !== null && p99 > p50 && p99 <= 5, `p99 ${p99}`);
  });

  it('has no quantile where nothing happened', () => {
    const { live } = watched();
    assert.deepEqual(live.look(0).total(), { in_flight: 0, per_second: 0, p50_ms: null, p99_ms: null });
  });

  it('remembers the slowest requests with their phases, and only while somebody looks', () => {
    const all = watched();
    request(all, 0, 900);
    assert.deepEqual(all.live.look(1000).slow, []);
    request(all, 1100, 30);
    request(all, 1200, 80);
    const { slow } = all.live.look(2000);
    assert.deepEqual(
      slow.map(({ ms, phases }) => [ms, phases.map(({ phase, from, to }) => [phase, from, to])]),
      [
        [80, [['run', 0, 80]]],
        [30, [['run', 0, 30]]],
      ],
    );
    request(all, 60_000, 700);
    assert.deepEqual(
      all.live.look(61_000).slow.map(({ ms }) => ms),
      [80, 30],
      'nobody had looked for a while',
    );
    assert.deepEqual(all.live.look(70_000).slow, []);
  });
});
