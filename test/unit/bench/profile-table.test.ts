import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { selfTimes } from '../../../bench/profile-table.ts';

const frame = (
  functionName: string,
  url = '',
  lineNumber = 0,
): { functionName: string; url: string; lineNumber: number } => ({
  functionName,
  url,
  lineNumber,
});

describe('self times of a CPU profile', () => {
  const root = new URL('../../../', import.meta.url).href;
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('decode', `${root}gateway/body.ts`, 4) },
      { id: 3, callFrame: frame('', `${root}gateway/body.ts`, 9) },
      { id: 4, callFrame: frame('parse', 'file:///anywhere/node_modules/yaml/dist/index.js', 0) },
      { id: 5, callFrame: frame('writev') },
    ],
    samples: [2, 2, 1, 3, 4, 5],
    timeDeltas: [1_000, 10, 20, 400, 5, 7, 3],
  };

  it('gives each sample the time until the next one and leaves idle time out', () => {
    const { functions, totalMicros } = selfTimes(profile);
    assert.equal(totalMicros, 10 + 20 + 5 + 7 + 3);
    assert.deepEqual(functions, [
      { name: 'decode gateway/body.ts:5', micros: 30 },
      { name: 'parse yaml/dist/index.js:1', micros: 7 },
      { name: '(anonymous) gateway/body.ts:10', micros: 5 },
      { name: 'writev', micros: 3 },
    ]);
  });

  it('adds the functions of a file up', () => {
    assert.deepEqual(selfTimes(profile).files, [
      { name: 'gateway/body.ts', micros: 35 },
      { name: 'yaml/dist/index.js', micros: 7 },
      { name: '(native)', micros: 3 },
    ]);
  });
});
