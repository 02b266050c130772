import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultsOf, interleave, series } from '../../../bench/interleave.ts';
import type { Measurement } from '../../../bench/load-run.ts';

function measurement(requestsPerSecond: number, wrong = 0): Measurement {
  const zero = { p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0, parentCpuMicros: 0, childrenCpuMicros: 0, clientCpuMicros: 0 };
  const rest = { parentRssBytes: 0, childrenRssBytes: 0, requests: 1, errors: 0, faults: wrong > 0 ? ['swapped'] : [] };
  return { ...zero, ...rest, requestsPerSecond, wrong };
}

describe('interleaved rounds', () => {
  it('measures all in turn and every other round backwards', async () => {
    const order: string[] = [];
    const subject = (name: string) => ({
      name,
      measure: () => {
        order.push(name);
        return Promise.resolve(measurement(order.length));
      },
    });
    const rounds = await interleave([subject('a'), subject('b')], 3, () => undefined);
    assert.deepEqual(order, ['a', 'b', 'b', 'a', 'a', 'b']);
    assert.deepEqual(
      series(rounds, 'a', (each) => each.requestsPerSecond),
      [1, 4, 5],
    );
  });

  it('tells who gave a wrong answer, and nothing when all were right', () => {
    assert.deepEqual(faultsOf(new Map([['a', [measurement(1)]]])), []);
    const faults = faultsOf(
      new Map([
        ['a', [measurement(1)]],
        ['b', [measurement(1, 2), measurement(1, 1)]],
      ]),
    );
    assert.deepEqual(faults, ['b: 3 wrong answers, 0 missing: swapped']);
  });
});
