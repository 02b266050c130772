import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calibrate } from '../../../../executors/kit/index.ts';

/** A model whose time is a formula, and the clock it moves. */
function machine(costMs: (rows: number, length: number) => number) {
  let now = 0;
  const calls: [number, number][] = [];
  return {
    calls,
    clock: { now: () => now, after: () => () => undefined },
    call: (rows: number, length: number): Promise<void> => {
      calls.push([rows, length]);
      now += costMs(rows, length);
      return Promise.resolve();
    },
    elapsed: () => now,
  };
}

describe('calibrate', () => {
  it('finds the fixed cost of a call in tokens', async () => {
    const { call, clock } = machine((rows, length) => 2 + 0.25 * rows * length);
    const { callCost } = await calibrate(call, 512, clock);
    assert.ok(Math.abs(callCost - 8) < 1e-6, String(callCost));
  });

  it('stops calls from growing where their tokens get slower', async () => {
    const { call, clock } = machine((rows, length) => 1 + rows * length * (rows * length > 1024 ? 0.4 : 0.25));
    assert.equal((await calibrate(call, 512, clock)).maxCallCost, 1024);
  });

  it('does not take one disturbed measurement for the end of growth', async () => {
    let disturbed = false;
    const { call, clock } = machine((rows, length) => {
      const isFirst = rows === 2 && !disturbed;
      disturbed ||= isFirst;
      return 1 + rows * length * (rows * length > 1024 ? 0.2 : 0.1) * (isFirst ? 3 : 1);
    });
    assert.equal((await calibrate(call, 256, clock)).maxCallCost, 1024);
  });

  it('lets calls grow on a device that is faster the more it gets', async () => {
    const { call, clock } = machine((rows, length) => 5 + 0.0001 * rows * length);
    const { maxCallCost, callCost } = await calibrate(call, 512, clock);
    assert.equal(maxCallCost, 65_536);
    assert.ok(callCost > 10_000, String(callCost));
  });

  it('takes less than two seconds on a slow machine, unless one row alone takes longer', async () => {
    const slow = machine((rows, length) => 1 + 1 * rows * length);
    assert.equal((await calibrate(slow.call, 512, slow.clock)).maxCallCost, 512);
    assert.ok(slow.elapsed() < 2000, String(slow.elapsed()));
  });

  it('never asks for rows longer than the model takes', async () => {
    const { call, clock, calls } = machine((rows, length) => 1 + 0.1 * rows * length);
    await calibrate(call, 16, clock);
    assert.ok(calls.every(([, length]) => length <= 16));
  });

  it('answers finite numbers when length costs nothing', async () => {
    const { call, clock } = machine(() => 3);
    const { callCost } = await calibrate(call, 512, clock);
    assert.ok(Number.isFinite(callCost));
  });
});
