import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type RunningRuntime, startRuntime } from '../../fixtures/running-runtime.ts';

describe('a flow that fans out and in', () => {
  let running: RunningRuntime;
  before(async () => {
    running = await startRuntime([
      { file: 'node.ts', name: 'first' },
      { file: 'node.ts', name: 'left', needs: ['first'] },
      { file: 'node.ts', name: 'right', needs: ['first'] },
      { file: 'node.ts', name: 'join', needs: ['left', 'right'] },
      { file: 'node.ts', name: 'apart', needs: ['left', 'right', 'join'], noReduce: true },
    ]);
  });
  after(async () => {
    await running.stop();
  });

  it('runs each executor once, after all it needs', async () => {
    const { routes, error } = await running.post('/visit', ['x']);
    assert.equal(error, undefined);
    const order = routes.map(({ executor }) => executor);
    assert.deepEqual([...order].sort(), ['apart', 'first', 'join', 'left', 'right']);
    assert.equal(order[0], 'first');
    assert.deepEqual(order.slice(3), ['join', 'apart']);
  });

  it('merges branches by document id, the first of `needs` leading, field by field', async () => {
    const { docs } = await running.post('/mark', [{ id: 'a' }], { targetExecutor: 'left|right' });
    assert.equal(docs[0]?.id, 'a');
    assert.equal(docs[0].text, 'left');
    assert.equal(docs[0].uri, 'right');
  });

  it('hands the branches over apart where they are not merged', async () => {
    const { docs } = await running.post('/branches', ['x', 'y'], { targetExecutor: 'apart' });
    assert.deepEqual(docs[0]?.tags?.['branches'], { left: 2, right: 2, join: 2 });
  });

  it('skips executors that the target does not name, and leaves their route without an end', async () => {
    const { routes } = await running.post('/visit', ['x'], { targetExecutor: 'left' });
    const ended = routes.filter(({ endMs }) => endMs !== undefined).map(({ executor }) => executor);
    assert.deepEqual(ended, ['left']);
    assert.equal(routes.length, 5);
  });

  it('matches a target from the start of the name, as Jina does', async () => {
    const { routes } = await running.post('/visit', ['x'], { targetExecutor: 'l' });
    assert.ok(routes.some(({ executor, endMs }) => executor === 'left' && endMs !== undefined));
  });

  it('gives each executor its own parameters', async () => {
    const { docs } = await running.post('/parameters', ['x'], {
      parameters: { k: 0, left__k: 1, other__k: 2, left: { extra: true } },
      targetExecutor: 'left',
    });
    assert.deepEqual(docs[0]?.tags?.['parameters'], { k: 1, extra: true, left: { extra: true } });
  });

  it('does not call what comes after a failure, and answers what the failing executor had received', async () => {
    const { routes, error, docs } = await running.post('/fail', ['x'], { parameters: { at: 'left' } });
    assert.equal(error?.exception?.args[0], 'failed in left');
    assert.deepEqual(docs[0]?.tags?.['path'], ['first']);
    assert.ok(!routes.some(({ executor }) => executor === 'apart'));
  });
});

describe('an executor with replicas that take several calls at once', () => {
  it('gets calls spread over its workers', async () => {
    const running = await startRuntime([{ file: 'faults.ts', name: 'faults', replicas: 2, concurrency: 4 }]);
    try {
      const calls = Array.from({ length: 8 }, async () => running.post('/slow', ['x'], { parameters: { ms: 300 } }));
      await running.until(
        () => running.runtime.status().executors[0]?.workers.every(({ state }) => state === 'busy') ?? false,
      );
      await Promise.all(calls);
      const states = running.store
        .read('sluice_worker_state')
        .filter(({ value }) => value === 1)
        .map(({ labels }) => labels.join(' '));
      assert.deepEqual(states.sort(), ['faults 0 ready', 'faults 1 ready']);
    } finally {
      await running.stop();
    }
  });
});

describe('a stream behind an executor that takes everything', () => {
  it('comes from the executor that yields', async () => {
    const running = await startRuntime([
      { file: 'echo.ts', name: 'echo' },
      { file: 'streaming.ts', name: 'counter' },
    ]);
    try {
      const texts: (string | undefined)[] = [];
      for await (const docs of running.stream('/count', ['n']).documents) texts.push(docs[0]?.text);
      assert.deepEqual(texts, ['n 0', 'n 1', 'n 2']);
    } finally {
      await running.stop();
    }
  });
});
