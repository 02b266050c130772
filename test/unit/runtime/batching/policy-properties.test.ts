import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { decide, EndpointQueue, rankOf } from '../../../../runtime/batching/index.ts';
import { type Call, type Job, job, simulate, type Simulation, type Trace } from './simulated-executor.ts';

const calibrations = fc.record({
  callCost: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constant(Infinity)),
  maxCallCost: fc.oneof(fc.integer({ min: 1, max: 800 }), fc.constant(Infinity)),
});

const batchings = fc.record({
  preferredBatchSize: fc.integer({ min: 1, max: 12 }),
  timeoutMs: fc.constantFrom(0, 0, 7, 40),
  flushAll: fc.boolean(),
});

const queueSettings = fc
  .record({
    batching: fc.option(batchings, { nil: undefined }),
    calibration: fc.option(calibrations, { nil: undefined }),
  })
  .map(({ batching, calibration }) => ({ batching, ...(calibration === undefined ? {} : { calibration }) }));

const jobs = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 120 }),
    queue: fc.integer({ min: 0, max: 1 }),
    rows: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 5, max: 40 })),
    rowCost: fc.integer({ min: 1, max: 120 }),
    key: fc.constantFrom('a', 'a', 'b'),
    priority: fc.constantFrom(0, 0, 0, 1, -1),
    deadline: fc.oneof({ weight: 4, arbitrary: fc.constant(Infinity) }, fc.integer({ min: 0, max: 200 })),
    isRetry: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
    patienceMs: fc.oneof({ weight: 4, arbitrary: fc.constant(Infinity) }, fc.integer({ min: 0, max: 100 })),
  }),
  { maxLength: 40 },
);

const simulations = fc
  .record({
    queues: fc.tuple(queueSettings, queueSettings),
    slots: fc.integer({ min: 1, max: 4 }),
    jobs,
    fixedMs: fc.integer({ min: 1, max: 30 }),
    rowMs: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ fixedMs, rowMs, jobs: fields, ...rest }): Simulation => ({
    ...rest,
    jobs: fields.map(({ patienceMs, ...each }, id) => job({ ...each, id, cancelledAt: each.at + patienceMs })),
    callMs: (rows) => fixedMs + rowMs * rows,
  }));

/** Everything waits for ever and comes once, so that each job is computed. */
const patientSimulations = simulations.map((simulation): Simulation => ({
  ...simulation,
  jobs: simulation.jobs.map((each) => ({ ...each, deadline: Infinity, cancelledAt: Infinity })),
}));

function check(from: fc.Arbitrary<Simulation>, holds: (simulation: Simulation, trace: Trace) => void): void {
  fc.assert(
    fc.property(from, (simulation) => holds(simulation, simulate(simulation))),
    { numRuns: 200 },
  );
}

function rank(each: Job): number {
  return each.isRetry ? -Infinity : rankOf(each.at, each.priority);
}

/** Retries, and requests without documents where the endpoint batches. */
function isAlone({ queues }: Simulation, each: Job): boolean {
  return each.isRetry || each.rows === 0 || queues[each.queue]?.batching === undefined;
}

function partsByJob(trace: Trace): Map<Job, { first: number; end: number; at: number }[]> {
  const parts = new Map<Job, { first: number; end: number; at: number }[]>();
  for (const call of trace.calls) {
    for (const { job: owner, first, end } of call.parts) {
      parts.set(owner, [...(parts.get(owner) ?? []), { first, end, at: call.at }]);
    }
  }
  return parts;
}

function joinedOnly(simulation: Simulation, trace: Trace): Call[] {
  return trace.calls.filter((call) => call.parts.every((part) => !isAlone(simulation, part.job)));
}

describe('for all arrivals, slots and settings', () => {
  it('every row is computed exactly once and in order, unless its request expired or was cancelled', () => {
    check(simulations, (simulation, trace) => {
      const parts = partsByJob(trace);
      const dropped = new Set([...trace.expired, ...trace.cancelled]);
      assert.equal(dropped.size, trace.expired.length + trace.cancelled.length);
      for (const each of simulation.jobs) {
        const own = parts.get(each) ?? [];
        own.forEach(({ first }, index) => assert.equal(first, index === 0 ? 0 : own[index - 1]?.end));
        const isWhole = own.length > 0 && own.at(-1)?.end === each.rows;
        assert.notEqual(isWhole, dropped.has(each), `job ${each.id}: computed or dropped, and never both`);
      }
    });
  });

  it('nothing is computed at or after its deadline, or once its caller has gone', () => {
    check(simulations, (_simulation, trace) => {
      for (const call of trace.calls) {
        for (const part of call.parts) assert.ok(call.at < part.job.deadline && call.at < part.job.cancelledAt);
      }
    });
  });

  it('a batch stays within its rows and its cost', () => {
    check(simulations, (simulation, trace) => {
      for (const call of joinedOnly(simulation, trace)) {
        const { batching, calibration } = simulation.queues[call.queue] ?? {};
        if (batching === undefined || batching.flushAll) continue;
        assert.ok(call.rows <= batching.preferredBatchSize);
        const longest = Math.max(...call.parts.map((part) => part.job.rowCost));
        assert.ok(call.rows === 1 || call.rows * longest <= (calibration?.maxCallCost ?? Infinity));
      }
    });
  });

  it('keys are never mixed, and what goes alone is alone and whole', () => {
    check(simulations, (simulation, trace) => {
      for (const { parts } of trace.calls) {
        assert.equal(new Set(parts.map((part) => part.job.key)).size, 1);
        if (!parts.some((part) => isAlone(simulation, part.job))) continue;
        assert.deepEqual(parts, [{ job: parts[0]?.job, first: 0, end: parts[0]?.job.rows }]);
      }
    });
  });

  it('no request is in one batch twice, and no part is empty but that of an empty request', () => {
    check(simulations, (_simulation, trace) => {
      for (const { parts, rows } of trace.calls) {
        assert.equal(new Set(parts.map((part) => part.job)).size, parts.length);
        assert.equal(
          rows,
          parts.reduce((sum, part) => sum + part.end - part.first, 0),
        );
        for (const part of parts) assert.ok(part.end > part.first || part.job.rows === 0);
      }
    });
  });

  it('a batch holds the most urgent request of its key, and joins none from beyond the window', () => {
    check(simulations, (simulation, trace) => {
      for (const call of joinedOnly(simulation, trace)) {
        const { batching } = simulation.queues[call.queue] ?? {};
        const key = call.parts[0]?.job.key;
        const lane = call.waiting.filter((each) => each.key === key && !isAlone(simulation, each));
        assert.equal(call.parts[0]?.job, lane[0]);
        const reach = batching?.flushAll === true ? Infinity : 4 * (batching?.preferredBatchSize ?? 0);
        for (const part of call.parts) assert.ok(lane.indexOf(part.job) <= reach);
      }
    });
  });

  it('nobody less urgent is ahead of a request that is due', () => {
    check(simulations, (simulation, trace) => {
      for (const call of trace.calls) {
        const head = call.parts[0]?.job;
        assert.ok(head !== undefined);
        for (const each of call.waitingAnywhere) {
          const timeoutMs = simulation.queues[each.queue]?.batching?.timeoutMs ?? 0;
          const dueAt = isAlone(simulation, each) ? each.at : each.at + timeoutMs;
          if (call.at >= dueAt) assert.ok(rank(head) <= rank(each), `${head.id} passed ${each.id}`);
        }
      }
    });
  });

  it('requests of one key and one priority start in the order they came where cost does not choose', () => {
    check(simulations, (simulation, trace) => {
      const lastStart = new Map<string, number>();
      for (const call of joinedOnly(simulation, trace)) {
        if (simulation.queues[call.queue]?.calibration !== undefined) continue;
        for (const { job: each, first } of call.parts) {
          if (first > 0) continue;
          const line = `${each.queue} ${each.key} ${each.priority}`;
          assert.ok((lastStart.get(line) ?? 0) <= each.at);
          lastStart.set(line, each.at);
        }
      }
    });
  });

  it('every request leaves by its own delay when slots abound', () => {
    check(
      patientSimulations.map((each) => ({ ...each, slots: 1000 })),
      (simulation, trace) => {
        for (const [owner, parts] of partsByJob(trace)) {
          const timeoutMs = simulation.queues[owner.queue]?.batching?.timeoutMs ?? 0;
          assert.ok((parts.at(-1)?.at ?? Infinity) <= owner.at + timeoutMs);
        }
      },
    );
  });

  it('nothing is left waiting beside a free slot once it is due, and the timer is set for exactly then', () => {
    const waiting = fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 50 }),
        rows: fc.integer({ min: 1, max: 5 }),
        rowCost: fc.integer({ min: 1, max: 100 }),
        key: fc.constantFrom('a', 'b', 'c'),
        priority: fc.constantFrom(-1, 0, 1),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(waiting, batchings, fc.integer({ min: 50, max: 100 }), (fields, batching, now) => {
        const queue = new EndpointQueue<Job>({ name: '/test', batching, bounds: { requests: 100, bytes: 100 } });
        for (const each of fields) {
          const arrival = job(each);
          queue.push({ ...arrival, item: arrival, bytes: 1, enqueuedAt: arrival.at });
        }
        const { batches, wakeAt } = decide([queue], now, 1000);
        for (const batch of batches) for (const part of batch.parts) queue.take(part.entry, part.rows);
        assert.equal(wakeAt === undefined, queue.requests === 0);
        if (wakeAt === undefined) return;
        assert.ok(wakeAt > now);
        assert.deepEqual(decide([queue], wakeAt - 0.001, 1000), { batches: [], wakeAt });
        assert.ok(decide([queue], wakeAt, 1000).batches.length > 0);
      }),
    );
  });

  it('no slot stays free while work is due', () => {
    check(patientSimulations, (simulation, trace) => {
      // With no delay anywhere, a request starts at its arrival or at the end of a call.
      const isPrompt = simulation.queues.every((each) => (each.batching?.timeoutMs ?? 0) === 0);
      if (!isPrompt) return;
      const ends = trace.calls.map((call) => call.at + simulation.callMs(call.rows));
      for (const call of trace.calls) {
        const isAtArrival = call.parts.some((part) => part.job.at === call.at);
        assert.ok(isAtArrival || ends.includes(call.at));
      }
    });
  });

  it('deciding changes nothing and gives the same answer again', () => {
    check(simulations, (simulation, trace) => assert.deepEqual(simulate(simulation), trace));
    const queue = new EndpointQueue<string>({
      name: '/test',
      batching: { preferredBatchSize: 2, timeoutMs: 0, flushAll: false },
      bounds: { requests: 9, bytes: 9 },
    });
    queue.push({ ...job({ rows: 5 }), item: 'five', bytes: 1, enqueuedAt: 0 });
    assert.deepEqual(decide([queue], 1, 2), decide([queue], 1, 2));
    assert.equal(queue.rows, 5);
  });
});
