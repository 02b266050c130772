import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DocumentArray } from '../../../../core/index.ts';
import { parseAccessPaths } from '../../../../executors/kit/index.ts';

const roots = DocumentArray.fromInputs([
  {
    id: 'r0',
    chunks: DocumentArray.fromInputs([{ id: 'c0' }, { id: 'c1' }, { id: 'c2' }]),
    matches: DocumentArray.fromInputs([{ id: 'm0', chunks: DocumentArray.fromInputs([{ id: 'mc0' }]) }]),
  },
  { id: 'r1', chunks: DocumentArray.fromInputs([{ id: 'c3' }, { id: 'c4' }]) },
]);

describe('parseAccessPaths', () => {
  for (const [text, ids] of [
    ['@r', 'r0 r1'],
    ['@c', 'c0 c1 c2 c3 c4'],
    ['@m', 'm0'],
    ['@mc', 'mc0'],
    ['@r,m', 'r0 r1 m0'],
    ['@r, r', 'r0 r1'],
    ['@c[0:2]', 'c0 c1 c3 c4'],
    ['@c[1]', 'c1 c4'],
    ['@c[-1]', 'c2 c4'],
    ['@c[-2:]', 'c1 c2 c3 c4'],
    ['@c[::2]', 'c0 c2 c3'],
    ['@c[:]', 'c0 c1 c2 c3 c4'],
    ['@r[0]c[:1]', 'c0'],
    ['@c[9]', ''],
  ] as const) {
    it(`finds ${ids === '' ? 'nothing' : ids} at ${text}`, () => {
      const found = parseAccessPaths(text)(roots).map(({ id }) => id);
      assert.equal(found.join(' '), ids);
    });
  }

  for (const text of ['', 'r', '@', '@x', '@r,', '@c[', '@c[a]', '@c[::0]', '@c[1:2:3:4]', '@r r']) {
    it(`refuses "${text}"`, () => {
      assert.throws(() => parseAccessPaths(text), { reason: 'invalid_argument', message: /expected paths such as @r/ });
    });
  }
});
