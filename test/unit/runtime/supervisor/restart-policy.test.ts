import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  afterWorkerEnd,
  freshHistory,
  type RestartHistory,
  type WorkerEnd,
} from '../../../../runtime/supervisor/restart-policy.ts';

const idle: WorkerEnd = { wasReady: true, isHopeless: false, wasBusy: false, hasAnswered: false, readyForMs: 100 };
const atStart: WorkerEnd = { wasReady: false, isHopeless: false, wasBusy: false, hasAnswered: false, readyForMs: 0 };
const inRequest: WorkerEnd = { wasReady: true, isHopeless: false, wasBusy: true, hasAnswered: false, readyForMs: 100 };

/** The delays of the restarts after these ends; 'give_up' where it stays down. */
function delaysAfter(ends: readonly WorkerEnd[]): (number | 'give_up')[] {
  let history: RestartHistory = freshHistory;
  return ends.map((end) => {
    const decision = afterWorkerEnd(history, end);
    if (decision.type === 'give_up') return 'give_up';
    ({ history } = decision);
    return decision.delayMs;
  });
}

describe('the restart of a worker', () => {
  it('is immediate the first time, then backs off', () => {
    assert.deepEqual(delaysAfter([inRequest, inRequest, inRequest, inRequest]), [0, 100, 200, 400]);
  });

  it('is given up after five failures in a row at start', () => {
    assert.deepEqual(delaysAfter(Array<WorkerEnd>(5).fill(atStart)), [0, 100, 200, 400, 'give_up']);
  });

  it('is not tried when the first start fails for a reason it can name', () => {
    assert.deepEqual(delaysAfter([{ ...atStart, isHopeless: true }]), ['give_up']);
  });

  it('is never given up because of requests that kill their worker', () => {
    assert.ok(!delaysAfter(Array<WorkerEnd>(50).fill(inRequest)).includes('give_up'));
  });

  it('starts with a clean record after a stable time', () => {
    const stable = { ...idle, readyForMs: 60_000 };
    assert.deepEqual(delaysAfter([atStart, atStart, atStart, stable, atStart]), [0, 100, 200, 0, 0]);
  });

  it('does not count a worker that had answered as a failure of its own', () => {
    assert.ok(!delaysAfter(Array<WorkerEnd>(9).fill({ ...idle, hasAnswered: true })).includes('give_up'));
  });

  it('is immediate for a worker that had answered, however often it is killed', () => {
    assert.deepEqual(delaysAfter(Array<WorkerEnd>(5).fill({ ...inRequest, hasAnswered: true })), [0, 0, 0, 0, 0]);
  });

  it('never waits longer than ten seconds', () => {
    const delays = delaysAfter(Array<WorkerEnd>(30).fill(inRequest));
    assert.equal(delays.at(-1), 10_000);
  });
});
