import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dynamicBatching, Executor, monitor, requests } from '../../../../executors/sdk/index.ts';
import type { ExecutorType } from '../../../../runtime/worker/load.ts';
import { readBindings } from '../../../../runtime/worker/manifest.ts';
import type { ExecutorData } from '../../../../runtime/wire/index.ts';

class Base extends Executor {
  @requests(['/a', '/b'], { effect: 'read' })
  @dynamicBatching({ preferredBatchSize: 8, timeoutMs: 5 })
  both(): void {
    this.context.count('both');
  }

  @requests()
  @monitor()
  rest(): void {
    this.context.count('rest');
  }
}

class Derived extends Base {
  @requests('/c')
  override rest(): void {
    this.context.count('derived');
  }
}

class Table extends Executor {
  static override readonly endpoints = { '/t': { method: 'run', effect: 'upsert' } } as const;
  run(): void {
    this.context.count('run');
  }
}

class Yields extends Executor {
  @requests('/y')
  async *generate(): AsyncGenerator<never> {
    await Promise.resolve();
    yield* [];
  }
}

function bindingsOf(type: unknown, changes: Partial<ExecutorData> = {}) {
  const data = { name: 'x', requests: {}, dynamicBatching: {}, replicas: 1, ...changes } as ExecutorData;
  return readBindings(type as ExecutorType, data);
}

describe('the endpoints of an executor class', () => {
  it('are those of its decorators, with their settings', () => {
    const { manifest, monitors } = bindingsOf(Base);
    assert.deepEqual(manifest.endpoints.map(({ name }) => name).sort(), ['/a', '/b', '/default']);
    const [a] = manifest.endpoints;
    assert.equal(a?.effect, 'read');
    assert.deepEqual(a.dynamicBatching, { preferredBatchSize: 8, timeoutMs: 5, flushAll: false });
    assert.deepEqual([...monitors], [['rest', 'rest']]);
  });

  it('are inherited, and a method decorated again has its new ones alone', () => {
    const names = bindingsOf(Derived).manifest.endpoints.map(({ name }) => name);
    assert.deepEqual(names.sort(), ['/a', '/b', '/c']);
    assert.deepEqual(
      bindingsOf(Base)
        .manifest.endpoints.map(({ name }) => name)
        .sort(),
      ['/a', '/b', '/default'],
    );
  });

  it('may be a static table', () => {
    const { manifest } = bindingsOf(Table);
    assert.deepEqual(
      manifest.endpoints.map(({ name, effect, cost }) => [name, effect, cost]),
      [['/t', 'upsert', 'items']],
    );
  });

  it('write unless they say otherwise', () => {
    const rest = bindingsOf(Base).manifest.endpoints.find(({ name }) => name === '/default');
    assert.equal(rest?.effect, 'write');
  });

  it('are bound anew by the flow file, in place of the method’s own', () => {
    const { manifest } = bindingsOf(Base, { requests: { '/x': 'both' } });
    assert.deepEqual(manifest.endpoints.map(({ name }) => name).sort(), ['/default', '/x']);
    assert.equal(manifest.endpoints.find(({ name }) => name === '/x')?.effect, 'read');
  });

  it('batch as the flow file says, the endpoint’s word before the method’s, over the decorator’s', () => {
    const { manifest } = bindingsOf(Base, {
      dynamicBatching: { both: { preferredBatchSize: 2, timeoutMs: 1 }, '/a': { timeoutMs: 9 } },
    });
    const batching = Object.fromEntries(manifest.endpoints.map(({ name, dynamicBatching: entry }) => [name, entry]));
    assert.deepEqual(batching['/a'], { preferredBatchSize: 2, timeoutMs: 9, flushAll: false });
    assert.deepEqual(batching['/b'], { preferredBatchSize: 2, timeoutMs: 1, flushAll: false });
  });

  it('stop batching where the flow file switches it off', () => {
    const { manifest } = bindingsOf(Base, { dynamicBatching: { '/a': { useDynamicBatching: false } } });
    assert.equal(manifest.endpoints.find(({ name }) => name === '/a')?.dynamicBatching, undefined);
  });

  const faults: [string, unknown, Partial<ExecutorData>, RegExp][] = [
    ['a method that is not there', Base, { requests: { '/x': 'nope' } }, /binds \/x to nope, which is no method/],
    ['a name without a slash', Base, { requests: { x: 'both' } }, /an endpoint begins with a slash, got "x"/],
    ['a batch of zero', Base, { dynamicBatching: { '/a': { preferredBatchSize: 0 } } }, /at least 1 .* got 0/],
    ['batches of a generator', Yields, { dynamicBatching: { '/y': {} } }, /\/y yields documents/],
    ['no endpoint at all', class Empty extends Executor {}, {}, /Empty binds no endpoint/],
  ];
  for (const [name, type, changes, message] of faults) {
    it(`refuse ${name}`, () => {
      assert.throws(() => bindingsOf(type, changes), { reason: 'invalid_executor', message });
    });
  }
});
