import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { faultPosition } from '../../../gateway/json-fault.ts';

function positionOf(text: string): number | undefined {
  try {
    JSON.parse(text);
  } catch (error) {
    return faultPosition(text, error instanceof Error ? error.message : '');
  }
  return undefined;
}

describe('faultPosition', () => {
  it('is the first character that cannot be there', () => {
    for (const [text, position] of [
      ['{"a": nope}', 7],
      ['[1,,2]', 3],
      ['{"a" 1}', 5],
      ['', 0],
      ['{"a": "open', 11],
      ['[1] 2', 4],
      ['{"a": tru', 9],
    ] as const) {
      assert.equal(positionOf(text), position, text);
    }
  });

  it('lies where a sign was put into any JSON text outside of its strings and numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1 }), fc.nat(), (list, seed) => {
        const parts = JSON.stringify(list).split(',');
        const at = seed % parts.length;
        const start = parts.slice(0, at + 1).join(',');
        assert.equal(positionOf([`${start}?`, ...parts.slice(at + 1)].join(',')), start.length);
      }),
    );
  });

  it('is not searched for in a long text', () => {
    assert.equal(positionOf(`[${'1,'.repeat(20_000)}x]`), undefined);
  });
});
