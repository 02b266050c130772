import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../../core/index.ts';
import { parametersOf } from '../../../runtime/node-parameters.ts';

describe('the parameters an executor sees', () => {
  const cases: [string, JsonObject, JsonObject][] = [
    ['plain keys', { k: 1 }, { k: 1 }],
    ['its own keys, which win', { k: 0, enc__k: 1 }, { k: 1 }],
    ['not those of others', { other__k: 2, k: 0 }, { k: 0 }],
    ['an object under its name, merged and kept', { enc: { k: 3 } }, { enc: { k: 3 }, k: 3 }],
    ['keys that begin or end with a double underscore', { __results__: {}, x__: 1 }, { __results__: {}, x__: 1 }],
    ['with several double underscores the last piece', { e__nc__k: 4 }, { k: 4 }],
  ];
  for (const [name, parameters, expected] of cases) {
    it(`are ${name}`, () => {
      assert.deepEqual(parametersOf(parameters, 'enc'), expected);
    });
  }

  it('are the request’s own object when nothing is targeted', () => {
    const parameters = { k: 1 };
    assert.equal(parametersOf(parameters, 'enc'), parameters);
  });
});
