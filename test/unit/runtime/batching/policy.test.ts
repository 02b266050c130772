import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { CallCost } from '../../../../core/index.ts';
import { decide, EndpointQueue, rankOf } from '../../../../runtime/batching/index.ts';
import { type Call, type Job, job, simulate, type Simulation } from './simulated-executor.ts';

/** What the users of Jina write: `preferred_batch_size: 4`, `timeout: 200`. */
const fourOr200 = { preferredBatchSize: 4, timeoutMs: 200, flushAll: false };
const fourAtOnce = { ...fourOr200, timeoutMs: 0 };

function run(jobs: Partial<Job>[], settings: Simulation['queues'][number], more: Partial<Simulation> = {}) {
  const numbered = jobs.map((fields, id) => job({ id, ...fields }));
  return simulate({ queues: [settings], slots: 100, jobs: numbered, callMs: () => 1, ...more });
}

/** A call as people read it: when, why, and which rows of whom. */
function told({ at, reason, parts }: Call): string {
  return `${at} ${reason}: ${parts.map((part) => `${part.job.id}[${part.first},${part.end})`).join(' ')}`;
}

describe('a batch leaves', () => {
  it('when as many single rows wait as are preferred', () => {
    const { calls, wakes } = run([{ at: 0 }, { at: 10 }, { at: 20 }, { at: 30 }], { batching: fourOr200 });
    assert.deepEqual(calls.map(told), ['30 full: 0[0,1) 1[0,1) 2[0,1) 3[0,1)']);
    assert.deepEqual(wakes, []);
  });

  it('when the oldest row has waited for the timeout, whenever the others came', () => {
    const { calls, wakes } = run([{ at: 5 }, { at: 150 }], { batching: fourOr200 });
    assert.deepEqual(calls.map(told), ['205 timeout: 0[0,1) 1[0,1)']);
    assert.deepEqual(wakes, [205]);
  });

  it('in pieces when a request has more rows than are preferred, and the rest does not wait', () => {
    const { calls } = run([{ rows: 6 }], { batching: fourOr200 });
    assert.deepEqual(calls.map(told), ['0 full: 0[0,4)', '0 rest: 0[4,6)']);
  });

  it('filled to the preferred size with a piece of the next request', () => {
    const { calls } = run([{ rows: 3 }, { rows: 3, at: 10 }], { batching: fourOr200 });
    assert.deepEqual(calls.map(told), ['10 full: 0[0,3) 1[0,1)', '10 rest: 1[1,3)']);
  });

  it('after its own timeout even if a full batch left shortly before', () => {
    const jobs = [{ at: 0 }, { at: 10 }, { at: 20 }, { at: 30 }, { at: 40 }];
    const { calls } = run(jobs, { batching: fourOr200 });
    assert.deepEqual(calls.map(told), ['30 full: 0[0,1) 1[0,1) 2[0,1) 3[0,1)', '240 timeout: 4[0,1)']);
  });

  it('at once when a worker is free and no delay is asked', () => {
    const { calls } = run([{ at: 0 }, { at: 3 }], { batching: fourAtOnce });
    assert.deepEqual(calls.map(told), ['0 idle: 0[0,1)', '3 idle: 1[0,1)']);
  });

  it('with all that came while the workers were busy', () => {
    const jobs = [{ at: 0 }, { at: 1 }, { at: 2 }, { at: 3 }];
    const { calls } = run(jobs, { batching: fourAtOnce }, { slots: 1, callMs: () => 10 });
    assert.deepEqual(calls.map(told), ['0 idle: 0[0,1)', '10 idle: 1[0,1) 2[0,1) 3[0,1)']);
  });

  it('as one call of everything with flush_all, when it is full', () => {
    const { calls } = run([{ rows: 3 }, { rows: 7, at: 1 }], { batching: { ...fourOr200, flushAll: true } });
    assert.deepEqual(calls.map(told), ['1 flush_all: 0[0,3) 1[0,7)']);
  });

  it('as one call of everything with flush_all, after the timeout', () => {
    const { calls } = run([{ rows: 1 }, { rows: 2, at: 1 }], { batching: { ...fourOr200, flushAll: true } });
    assert.deepEqual(calls.map(told), ['200 flush_all: 0[0,1) 1[0,2)']);
  });

  it('without waiting for company while the queue drains', () => {
    const queue = queueWith(fourOr200, [job({ at: 10 })]);
    assert.deepEqual(decide([queue], 20, 1), { batches: [], wakeAt: 210 });
    queue.isDraining = true;
    assert.equal(decide([queue], 20, 1).batches[0]?.reason, 'drain');
  });

  it('only while a slot is free, and no timer is asked for while none is', () => {
    const queue = queueWith(fourAtOnce, [job({ at: 0, rows: 6 })]);
    assert.deepEqual(decide([queue], 5, 0), { batches: [], wakeAt: undefined });
    assert.deepEqual(decide([queue], 5, -1), { batches: [], wakeAt: undefined });
    const { batches, wakeAt } = decide([queue], 5, 1);
    assert.deepEqual([batches.length, wakeAt], [1, undefined]);
  });
});

describe('requests are not joined', () => {
  it('when the endpoint does not batch, however many wait', () => {
    const jobs = [{ rows: 9 }, { rows: 2 }, { rows: 0 }];
    const { calls } = run(jobs, {}, { slots: 1 });
    assert.deepEqual(calls.map(told), ['0 single: 0[0,9)', '1 single: 1[0,2)', '2 single: 2[0,0)']);
  });

  it('when their parameters differ; each key has its own delay', () => {
    const jobs = [{ key: 'a' }, { key: 'b', at: 10 }, { key: 'a', at: 20 }];
    const { calls } = run(jobs, { batching: fourOr200 });
    assert.deepEqual(calls.map(told), ['200 timeout: 0[0,1) 2[0,1)', '210 timeout: 1[0,1)']);
  });

  it('and a full key does not wait for an older one that is not', () => {
    const jobs = [{ key: 'a' }, { key: 'b', at: 10, rows: 4 }];
    const { calls } = run(jobs, { batching: fourOr200 });
    assert.deepEqual(calls.map(told), ['10 full: 1[0,4)', '200 timeout: 0[0,1)']);
  });

  it('when they have no documents: they are answered at once by a call of their own', () => {
    const { calls } = run([{ rows: 0 }, { rows: 1 }], { batching: fourOr200 });
    assert.deepEqual(calls.map(told), ['0 alone: 0[0,0)', '200 timeout: 1[0,1)']);
  });

  it('when they are retries, which go first, whole and without delay', () => {
    const jobs = [{ rows: 4, at: 1 }, { rows: 6, at: 2, isRetry: true }, { at: 0 }];
    const { calls } = run(jobs, { batching: fourAtOnce }, { slots: 1, callMs: () => 10 });
    assert.deepEqual(calls.map(told), ['0 idle: 2[0,1)', '10 alone: 1[0,6)', '20 full: 0[0,4)']);
  });
});

describe('the order', () => {
  it('is that of arrival across endpoints', () => {
    const jobs = [
      { queue: 1, at: 1 },
      { queue: 0, at: 2 },
      { queue: 1, at: 3 },
      { queue: 0, at: 0 },
    ];
    const { calls } = run(jobs, {}, { queues: [{}, {}], slots: 1, callMs: () => 10 });
    assert.deepEqual(
      calls.map((call) => call.parts[0]?.job.id),
      [3, 0, 1, 2],
    );
  });

  it('counts a step of priority as 100 ms of waiting', () => {
    const jobs = [{ at: 0 }, { at: 10 }, { at: 109, priority: 1 }, { at: 111, priority: 1 }];
    const { calls } = run(jobs, {}, { slots: 1, callMs: () => 200 });
    assert.deepEqual(
      calls.map((call) => call.parts[0]?.job.id),
      [0, 2, 1, 3],
    );
  });

  it('lets no priority pass others by more than 10 s', () => {
    assert.equal(rankOf(20_000, Infinity), 10_000);
    assert.equal(rankOf(20_000, 1e9), 10_000);
    assert.equal(rankOf(20_000, -1e9), 30_000);
    assert.equal(rankOf(20_000, NaN), 20_000);
  });

  it('lets an ordinary request through an endless rush of urgent ones within 10 s and a call', () => {
    const rush = Array.from({ length: 750 }, (_, index) => ({ at: index * 20, priority: 1e6 }));
    const { calls } = run([{ at: 2 }, ...rush], { batching: undefined }, { slots: 1, callMs: () => 40 });
    const ordinary = calls.find((call) => call.parts[0]?.job.id === 0);
    // The rush brings twice what the worker can do, so all of it that is ahead in line takes 2 x 10 s.
    assert.ok(ordinary !== undefined && ordinary.at <= 20_080, `left at ${ordinary?.at}`);
  });

  it('starts the delay at the oldest request even when a more urgent one leads the batch', () => {
    const jobs = [{ at: 0 }, { at: 50, priority: 5 }];
    const { calls } = run(jobs, { batching: fourOr200 });
    assert.deepEqual(calls.map(told), ['200 timeout: 1[0,1) 0[0,1)']);
  });
});

describe('where costs are calibrated', () => {
  const eight = { preferredBatchSize: 8, timeoutMs: 0, flushAll: false };
  const costs = (list: number[]) => list.map((rowCost) => ({ rowCost }));
  const firstCall = (list: number[], calibration: CallCost) =>
    run(costs(list), { batching: eight, calibration }, { slots: 1 }).calls[0]?.parts.map((part) => part.job.rowCost);

  it('the nearest in cost join the most urgent request first', () => {
    const list = [100, 10, 90, 500, 110, 12, 99, 11, 95, 105, 101];
    assert.deepEqual(firstCall(list, { callCost: 1000, maxCallCost: Infinity }), [100, 99, 101, 95, 105, 90, 110, 12]);
  });

  it('a row stays out when its padding costs more than the call it saves', () => {
    assert.deepEqual(firstCall([100, 40, 60, 20], { callCost: 50, maxCallCost: Infinity }), [100, 60]);
    assert.deepEqual(firstCall([10, 10, 40, 70], { callCost: 60, maxCallCost: Infinity }), [10, 10, 40]);
  });

  it('all rows join when a call is beyond price', () => {
    assert.deepEqual(firstCall([100, 1, 1000], { callCost: Infinity, maxCallCost: Infinity }), [100, 1, 1000]);
  });

  it('rows times the longest row stays within the limit of a call', () => {
    const calibration = { callCost: 1000, maxCallCost: 300 };
    assert.deepEqual(firstCall([100, 90, 90, 90], calibration), [100, 90, 90]);
    assert.deepEqual(firstCall([50, 160, 50, 50], calibration), [50, 50, 50]);
    assert.deepEqual(firstCall([100, 150, 40, 40], calibration), [100, 150]);
  });

  it('a single row that costs more than the limit goes alone', () => {
    assert.deepEqual(firstCall([900, 900], { callCost: 1000, maxCallCost: 300 }), [900]);
  });

  it('a large request is cut by cost as well', () => {
    const settings = { batching: eight, calibration: { callCost: 10, maxCallCost: 300 } };
    const { calls } = run([{ rows: 7, rowCost: 100 }], settings);
    assert.deepEqual(calls.map(told), ['0 full: 0[0,3)', '0 full: 0[3,6)', '0 rest: 0[6,7)']);
  });

  it('a batch is complete when the cost that waits fills a call', () => {
    const settings = { batching: { ...eight, timeoutMs: 200 }, calibration: { callCost: 10, maxCallCost: 300 } };
    const { calls } = run([{ rowCost: 100 }, { at: 5, rowCost: 100 }, { at: 9, rowCost: 100 }], settings);
    assert.deepEqual(calls.map(told), ['9 full: 0[0,1) 1[0,1) 2[0,1)']);
  });

  it('the choice ends with the window, so that a near row far back stays where it is', () => {
    const list = [100, ...Array.from({ length: 32 }, () => 50), 100];
    assert.deepEqual(firstCall(list, { callCost: 1e6, maxCallCost: Infinity }), [
      100,
      ...Array.from({ length: 7 }, () => 50),
    ]);
    assert.equal(firstCall(list.toSpliced(1, 1), { callCost: 1e6, maxCallCost: Infinity })?.[1], 100);
  });
});

function queueWith(batching: NonNullable<Simulation['queues'][number]['batching']>, jobs: Job[]) {
  const queue = new EndpointQueue<Job>({ name: '/test', batching, bounds: { requests: 100, bytes: 100 } });
  for (const each of jobs) queue.push({ ...each, item: each, bytes: 1, enqueuedAt: each.at });
  return queue;
}
