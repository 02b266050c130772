import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { FlowError, type Reason } from '../../../../core/index.ts';
import { type Arrival, EndpointQueue, type EndpointQueueSettings } from '../../../../runtime/batching/index.ts';

const batching = { preferredBatchSize: 4, timeoutMs: 10, flushAll: false };

function queueOf(settings: Partial<EndpointQueueSettings> = {}): EndpointQueue<string> {
  return new EndpointQueue<string>({
    name: '/encode of encoder',
    batching,
    bounds: { requests: 4, bytes: 100 },
    ...settings,
  });
}

function arrival(item: string, fields: Partial<Arrival<string>> = {}): Arrival<string> {
  return { item, rows: 1, rowCost: 1, bytes: 10, key: '{}', priority: 0, enqueuedAt: 0, deadline: Infinity, ...fields };
}

function order(queue: EndpointQueue<string>): string[] {
  return [...queue.lanes].flatMap((lane) => [...lane.byRank]).map((entry) => entry.item);
}

function fails(act: () => unknown, reason: Reason, details: FlowError['details']): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof FlowError);
    assert.deepEqual([error.reason, error.details], [reason, details]);
    return true;
  });
}

describe('admission', () => {
  it('refuses a request more than the bound and takes it when one has left', () => {
    const queue = queueOf();
    const [first] = ['a', 'b', 'c', 'd'].map((item) => queue.push(arrival(item)));
    fails(() => queue.push(arrival('e')), 'queue_full', { limit: 4, queued: 4, unit: 'requests' });
    assert.equal(queue.requests, 4);
    assert.ok(first !== undefined);
    queue.take(first, 1);
    queue.push(arrival('e'));
    assert.deepEqual(order(queue), ['b', 'c', 'd', 'e']);
  });

  it('refuses what would exceed the bound in bytes, up to the byte', () => {
    const queue = queueOf();
    queue.push(arrival('a', { bytes: 60 }));
    fails(() => queue.push(arrival('b', { bytes: 41 })), 'queue_full', { limit: 100, queued: 60, unit: 'bytes' });
    queue.push(arrival('c', { bytes: 40 }));
    assert.equal(queue.bytes, 100);
  });

  it('refuses for good what would not even fit into the empty queue', () => {
    fails(() => queueOf().push(arrival('a', { bytes: 101 })), 'request_too_large', { limit: 100, bytes: 101 });
  });

  it('refuses a key more than the bound, but more requests of known keys, or without documents, are fine', () => {
    const queue = queueOf({ maxKeys: 2 });
    const entry = queue.push(arrival('a', { key: 'one' }));
    queue.push(arrival('b', { key: 'two' }));
    fails(() => queue.push(arrival('c', { key: 'three' })), 'too_many_batch_keys', { limit: 2 });
    queue.push(arrival('d', { key: 'two' }));
    queue.remove(queue.push(arrival('no documents', { key: 'four', rows: 0 })));
    queue.remove(entry);
    queue.push(arrival('e', { key: 'three' }));
    assert.deepEqual(order(queue), ['b', 'd', 'e']);
  });

  it('bounds keys at 256 by default', () => {
    const queue = queueOf({ bounds: { requests: 1000, bytes: 1e6 } });
    for (let key = 0; key < 256; key++) queue.push(arrival('a', { key: `${key}` }));
    fails(() => queue.push(arrival('a', { key: 'new' })), 'too_many_batch_keys', { limit: 256 });
  });

  it('does not care about keys where nothing is joined', () => {
    const queue = queueOf({ batching: undefined, maxKeys: 1 });
    for (const key of ['one', 'two', 'three']) queue.push(arrival(key, { key }));
    assert.deepEqual(order(queue), ['one', 'two', 'three']);
  });

  it('lets a retry in whatever waits, in front of everything', () => {
    const queue = queueOf({ bounds: { requests: 1, bytes: 10 } });
    queue.push(arrival('a', { priority: 100 }));
    queue.retry(arrival('b', { bytes: 1000, enqueuedAt: 500, priority: -5 }));
    queue.retry(arrival('c', { bytes: 1000, enqueuedAt: 600 }));
    assert.deepEqual(order(queue), ['b', 'c', 'a']);
    assert.deepEqual([queue.requests, queue.bytes], [3, 2010]);
  });
});

describe('what waits', () => {
  it('stands by waiting time and priority', () => {
    const queue = queueOf();
    queue.push(arrival('a', { enqueuedAt: 0 }));
    queue.push(arrival('b', { enqueuedAt: 150, priority: 1 }));
    queue.push(arrival('c', { enqueuedAt: 160, priority: 2 }));
    assert.deepEqual(order(queue), ['c', 'a', 'b']);
    assert.deepEqual(
      [...([...queue.lanes][0]?.byArrival ?? [])].map((entry) => entry.item),
      ['a', 'b', 'c'],
    );
  });

  it('is taken in parts, and each part knows its rows', () => {
    const queue = queueOf();
    const entry = queue.push(arrival('a', { rows: 7 }));
    assert.deepEqual(queue.take(entry, 4), [0, 4]);
    assert.deepEqual(
      [entry.isStarted, entry.isQueued, queue.rows, queue.requests, queue.bytes],
      [true, true, 3, 1, 10],
    );
    assert.deepEqual(queue.take(entry, 3), [4, 7]);
    assert.deepEqual([entry.isQueued, queue.rows, queue.requests, queue.bytes], [false, 0, 0, 0]);
  });

  it('cannot be taken beyond what is there', () => {
    const queue = queueOf();
    const entry = queue.push(arrival('a', { rows: 2 }));
    for (const rows of [3, 0, -1]) fails(() => queue.take(entry, rows), 'internal', {});
    queue.take(entry, 2);
    fails(() => queue.take(entry, 0), 'internal', {});
  });

  it('is dropped once when it is cancelled, the part that waits only', () => {
    const queue = queueOf();
    const entry = queue.push(arrival('a', { rows: 7 }));
    queue.take(entry, 4);
    assert.equal(queue.remove(entry), true);
    assert.equal(queue.remove(entry), false);
    assert.deepEqual([queue.rows, queue.requests, queue.bytes, order(queue)], [0, 0, 0, []]);
  });

  it('is dropped at its deadline, and not before', () => {
    const queue = queueOf();
    queue.push(arrival('a', { deadline: 30 }));
    queue.push(arrival('b'));
    queue.push(arrival('c', { deadline: 20 }));
    queue.retry(arrival('d', { deadline: 25 }));
    assert.equal(queue.nextDeadline, 20);
    assert.deepEqual(queue.dropExpired(19.9), []);
    const dropped = queue.dropExpired(25).map((entry) => entry.item);
    assert.deepEqual(dropped, ['c', 'd']);
    assert.deepEqual([order(queue), queue.nextDeadline], [['a', 'b'], 30]);
    queue.dropExpired(1e9);
    assert.deepEqual([order(queue), queue.nextDeadline], [['b'], Infinity]);
  });

  it('is handed back as a whole when the queue is given up', () => {
    const queue = queueOf();
    for (const item of ['a', 'b']) queue.push(arrival(item, { key: item }));
    queue.retry(arrival('c'));
    assert.deepEqual(
      queue.clear().map((entry) => entry.item),
      ['c', 'a', 'b'],
    );
    assert.deepEqual([queue.requests, queue.rows, queue.bytes, order(queue)], [0, 0, 0, []]);
  });
});

describe('for all sequences of operations', () => {
  const operation = fc.oneof(
    fc.record({
      type: fc.constant('push' as const),
      rows: fc.integer({ min: 0, max: 5 }),
      bytes: fc.integer({ min: 0, max: 40 }),
      key: fc.constantFrom('a', 'b', 'c'),
      priority: fc.integer({ min: -2, max: 2 }),
      deadline: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(Infinity)),
      isRetry: fc.boolean(),
    }),
    fc.record({ type: fc.constantFrom('take' as const, 'remove' as const), pick: fc.nat(), rows: fc.nat(4) }),
    fc.record({ type: fc.constant('expire' as const), now: fc.integer({ min: 0, max: 60 }) }),
  );

  it('the queue holds what a plain list holds', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), fc.boolean(), (operations, batches) => {
        const queue = queueOf({ batching: batches ? batching : undefined, bounds: { requests: 8, bytes: 120 } });
        let model: { entry: ReturnType<typeof queue.push>; rows: number }[] = [];
        operations.forEach((each, index) => {
          const found = 'pick' in each ? model[each.pick % Math.max(1, model.length)] : undefined;
          if (each.type === 'push') {
            const next = arrival(`${index}`, { ...each, enqueuedAt: index });
            const bytes = model.reduce((sum, known) => sum + known.entry.bytes, 0);
            const fits = each.isRetry || (model.length < 8 && bytes + each.bytes <= 120);
            if (fits) model.push({ entry: each.isRetry ? queue.retry(next) : queue.push(next), rows: each.rows });
            else fails(() => queue.push(next), 'queue_full', bytesOrRequests(model.length, bytes));
          } else if (each.type === 'expire') {
            const expired = model.filter(({ entry }) => entry.deadline <= each.now).map(({ entry }) => entry);
            assert.deepEqual(new Set(queue.dropExpired(each.now)), new Set(expired));
            model = model.filter(({ entry }) => !expired.includes(entry));
          } else if (found !== undefined) {
            const rows = Math.min(found.rows, each.rows + 1);
            if (each.type === 'take') queue.take(found.entry, rows);
            else assert.equal(queue.remove(found.entry), true);
            found.rows -= rows;
            if (each.type === 'remove' || found.rows === 0) model.splice(model.indexOf(found), 1);
          }
          assert.deepEqual(new Set(order(queue)), new Set(model.map(({ entry }) => entry.item)));
          checkCounts(queue, model);
        });
      }),
    );
  });

  function bytesOrRequests(requests: number, bytes: number) {
    if (requests >= 8) return { limit: 8, queued: requests, unit: 'requests' };
    return { limit: 120, queued: bytes, unit: 'bytes' };
  }

  function checkCounts(queue: EndpointQueue<string>, model: { entry: Arrived; rows: number }[]): void {
    const sum = (of: (each: { entry: Arrived; rows: number }) => number) =>
      model.reduce((all, each) => all + of(each), 0);
    assert.deepEqual(
      [queue.requests, queue.rows, queue.bytes],
      [model.length, sum((each) => each.rows), sum((each) => each.entry.bytes)],
    );
    assert.equal(queue.nextDeadline, Math.min(...model.map((each) => each.entry.deadline)));
    for (const lane of queue.lanes) {
      const entries = [...lane.byRank];
      assert.ok(entries.length > 0);
      assert.equal(
        lane.rows,
        entries.reduce((all, entry) => all + entry.rows, 0),
      );
      assert.equal(lane.started, entries.filter((entry) => entry.isStarted).length);
      assert.deepEqual(
        entries.map((entry) => entry.rank),
        entries.map((entry) => entry.rank).sort((a, b) => a - b),
      );
      const times = [...lane.byArrival].map((entry) => entry.enqueuedAt);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      assert.equal(times.length, entries.length);
    }
  }
});

type Arrived = ReturnType<EndpointQueue<string>['push']>;
