import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { FlowError, type Json, type JsonObject } from '../../../../core/index.ts';
import { splitParameters } from '../../../../runtime/batching/index.ts';

const key = (parameters: JsonObject, perRequest: string[] = []) => splitParameters(parameters, perRequest).key;

describe('splitParameters', () => {
  it('gives equal keys to equal parameters in any order', () => {
    assert.equal(key({ a: 1, b: { c: [1, 2], d: null } }), key({ b: { d: null, c: [1, 2] }, a: 1 }));
  });

  it('gives different keys to different values, types and names', () => {
    const all = [{}, { a: 1 }, { a: '1' }, { a: true }, { a: null }, { a: [1] }, { a: { b: 1 } }, { b: 1 }];
    assert.equal(new Set(all.map((each) => key(each))).size, all.length);
  });

  it('joins a caller without parameters with one whose client sends the empty __results__', () => {
    assert.deepEqual(splitParameters({ __results__: {} }, []), { shared: {}, own: undefined, key: '{}' });
    assert.deepEqual(splitParameters({}, []), { shared: {}, own: undefined, key: '{}' });
  });

  it('keeps what executors before have returned with its request, out of the key', () => {
    const results = { 'encoder/rep-0': { seen: 3 } };
    assert.deepEqual(splitParameters({ top: 5, __results__: results }, []), {
      shared: { top: 5 },
      own: { __results__: results },
      key: '{"top":5}',
    });
  });

  it('gives each request its own values of the parameters that are declared per request', () => {
    const one = splitParameters({ limit: 5, model: 'small', filter: { kind: 'cat' } }, ['limit', 'filter']);
    const two = splitParameters({ limit: 9, model: 'small' }, ['limit', 'filter']);
    assert.deepEqual(one, { shared: { model: 'small' }, own: { limit: 5, filter: { kind: 'cat' } }, key: two.key });
    assert.deepEqual(two.own, { limit: 9 });
  });

  it('does not copy parameters that are all shared', () => {
    const parameters = { a: 1 };
    assert.equal(splitParameters(parameters, ['limit']).shared, parameters);
  });

  it('treats __proto__ as a key like any other', () => {
    const parameters = JSON.parse('{"__proto__": {"a": 1}, "limit": 3}') as JsonObject;
    const { shared, key: found } = splitParameters(parameters, ['limit']);
    assert.deepEqual(Object.keys(shared), ['__proto__']);
    assert.equal(Object.getPrototypeOf(shared), Object.prototype);
    assert.equal(found, '{"__proto__":{"a":1}}');
  });

  it('refuses parameters that are nested deeper than can be compared', () => {
    let deep: Json = 1;
    for (let depth = 0; depth < 200_000; depth++) deep = [deep];
    assert.throws(
      () => splitParameters({ deep }, []),
      (error) => error instanceof FlowError && error.reason === 'invalid_argument',
    );
  });

  it('loses nothing and gives each name to one side', () => {
    const names = fc.constantFrom<string>('a', 'b', 'c', 'limit', 'filter');
    fc.assert(
      fc.property(fc.dictionary(names, fc.jsonValue()), fc.array(names), (parameters, perRequest) => {
        const { shared, own } = splitParameters(parameters as JsonObject, perRequest);
        assert.deepEqual({ ...shared, ...own }, { ...parameters });
        for (const name in shared) assert.ok(!perRequest.includes(name));
        for (const name in own) assert.ok(perRequest.includes(name));
      }),
    );
  });
});
