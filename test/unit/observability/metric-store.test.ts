import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FlowError } from '../../../core/index.ts';
import { type MetricDelta, type MetricName, metrics, MetricStore } from '../../../observability/index.ts';

const batches = { executor: 'encoder', endpoint: '/encode', flush_reason: 'size' };
const phase = { phase: 'run', executor: 'encoder' } as const;

function isProtocolError(error: unknown): boolean {
  return error instanceof FlowError && error.reason === 'protocol_error';
}

describe('metric store', () => {
  it('adds up what two workers counted', () => {
    const [one, two, parent] = [new MetricStore(), new MetricStore(), new MetricStore()];
    one.count('sluice_batches_total', batches, 3);
    two.count('sluice_batches_total', batches);
    parent.apply(one.takeDeltas());
    parent.apply(two.takeDeltas());
    assert.deepEqual(parent.read('sluice_batches_total'), [
      { labels: ['encoder', '/encode', 'size'], value: 4, counts: [] },
    ]);
  });

  it('does not reset a counter when a worker starts again', () => {
    const parent = new MetricStore();
    const first = new MetricStore();
    first.count('sluice_batches_total', batches, 5);
    parent.apply(first.takeDeltas());
    const restarted = new MetricStore();
    restarted.count('sluice_batches_total', batches, 2);
    parent.apply(restarted.takeDeltas());
    assert.equal(parent.read('sluice_batches_total')[0]?.value, 7);
  });

  it('hands over only what changed since the last time', () => {
    const worker = new MetricStore();
    worker.count('sluice_batches_total', batches, 2);
    worker.mark('sluice_phase_seconds', phase, 0.002);
    assert.equal(worker.takeDeltas().length, 2);
    assert.deepEqual(worker.takeDeltas(), []);
    worker.count('sluice_batches_total', batches);
    assert.deepEqual(worker.takeDeltas(), [['sluice_batches_total', ['encoder', '/encode', 'size'], [1]]]);
  });

  it('puts a sample that equals a bound into the bucket of that bound', () => {
    const store = new MetricStore();
    store.mark('sluice_batch_documents', { executor: 'encoder', endpoint: '/encode' }, 8);
    const { buckets } = metrics.sluice_batch_documents;
    assert.equal(store.read('sluice_batch_documents')[0]?.counts.indexOf(1), buckets.indexOf(8));
  });

  it('counts a sample above all bounds in the last bucket', () => {
    const store = new MetricStore();
    store.mark('sluice_phase_seconds', phase, 3600);
    assert.equal(store.read('sluice_phase_seconds')[0]?.counts.at(-1), 1);
  });

  it('merges histograms of any samples as if one process had seen them all', () => {
    const samples = fc.array(fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 20 }), { maxLength: 4 });
    fc.assert(
      fc.property(samples, (workers) => {
        const [parent, alone] = [new MetricStore(), new MetricStore()];
        for (const milliseconds of workers) {
          const worker = new MetricStore();
          for (const value of milliseconds) {
            worker.mark('sluice_phase_seconds', phase, value / 1024);
            alone.mark('sluice_phase_seconds', phase, value / 1024);
          }
          parent.apply(JSON.parse(JSON.stringify(worker.takeDeltas())) as MetricDelta[]);
        }
        assert.deepEqual(parent.read('sluice_phase_seconds'), alone.read('sluice_phase_seconds'));
      }),
    );
  });

  it('keeps the last value of a gauge', () => {
    const [worker, parent] = [new MetricStore(), new MetricStore()];
    const labels = { executor: 'encoder', endpoint: '/encode' };
    worker.gauge('sluice_queue_requests', labels, 9);
    worker.gauge('sluice_queue_requests', labels, 4);
    parent.apply(worker.takeDeltas());
    worker.gauge('sluice_queue_requests', labels, 0);
    parent.apply(worker.takeDeltas());
    assert.equal(parent.read('sluice_queue_requests')[0]?.value, 0);
  });

  it('sends what comes after the bound of series to one called other, and says so once', () => {
    const told: MetricName[] = [];
    const store = new MetricStore({ maxSeries: 2, onOverflow: (metric) => told.push(metric) });
    for (const name of ['a', 'b', 'c', 'd', 'a']) {
      store.count('sluice_executor_count_total', { executor: 'encoder', name });
    }
    const values = store.read('sluice_executor_count_total').map(({ labels, value }) => [labels.join('/'), value]);
    assert.deepEqual(values, [
      ['encoder/a', 2],
      ['encoder/b', 1],
      ['other/other', 2],
    ]);
    assert.deepEqual(told, ['sluice_executor_count_total']);
  });

  it('keeps label values apart whatever characters they contain', () => {
    const store = new MetricStore();
    store.count('sluice_executor_count_total', { executor: 'a,b', name: 'c' });
    store.count('sluice_executor_count_total', { executor: 'a', name: 'b,c' });
    assert.equal(store.read('sluice_executor_count_total').length, 2);
  });

  const wrong: [string, MetricDelta][] = [
    ['a metric that is not in the catalogue', ['sluice_nonsense_total', [], [1]]],
    ['too few labels', ['sluice_batches_total', ['encoder'], [1]]],
    ['too many labels', ['sluice_retries_total', ['encoder', '/encode'], [1]]],
    ['a counter that goes back', ['sluice_retries_total', ['encoder'], [-1]]],
    ['a number of buckets that is not the catalogue’s', ['sluice_phase_seconds', ['run', 'encoder'], [1, 1]]],
    ['a value that is no number', ['sluice_retries_total', ['encoder'], [NaN]]],
  ];
  for (const [what, delta] of wrong) {
    it(`refuses ${what} from a worker, and the rest of that message`, () => {
      const store = new MetricStore();
      assert.throws(() => store.apply([['sluice_retries_total', ['encoder'], [1]], delta]), isProtocolError);
      assert.deepEqual(store.read('sluice_retries_total'), []);
    });
  }

  it('refuses samples that would spoil a metric for good', () => {
    const store = new MetricStore();
    assert.throws(() => store.mark('sluice_phase_seconds', phase, NaN), /expected a finite sample/);
    assert.throws(() => store.count('sluice_batches_total', batches, -1), /expected a finite amount/);
    assert.throws(() => store.gauge('sluice_inflight_requests', { protocol: 'http' }, Infinity), /a finite value/);
  });
});
