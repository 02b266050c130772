import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CallPace } from '../../../runtime/call-pace.ts';

function paceAfter(...runsMs: number[]): CallPace {
  const pace = new CallPace();
  for (const runMs of runsMs) pace.add(runMs);
  return pace;
}

describe('the number of calls sent ahead', () => {
  it('is none before one was measured', () => {
    assert.equal(new CallPace().ahead, 0);
  });

  it('is a millisecond of work', () => {
    assert.equal(paceAfter(0.3).ahead, 3);
  });

  it('is bounded, however short the calls are', () => {
    assert.equal(paceAfter(0).ahead, 8);
  });

  it('is none for calls that take longer', () => {
    assert.equal(paceAfter(1.5).ahead, 0);
  });

  it('follows an endpoint that becomes slow within a few calls', () => {
    assert.equal(paceAfter(...Array<number>(100).fill(0.01), 20).ahead, 0);
  });

  it('comes back when the endpoint is fast again', () => {
    assert.equal(paceAfter(20, ...Array<number>(100).fill(0.01)).ahead, 8);
  });
});
