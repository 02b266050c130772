import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type RunningRuntime, startRuntime } from '../../fixtures/running-runtime.ts';

describe('an executor with hooks', () => {
  let running: RunningRuntime;
  before(async () => {
    running = await startRuntime([{ file: 'hooks.ts', name: 'hooks' }]);
  });
  after(async () => {
    await running.stop();
  });

  it('is initialised and warmed up once, before its first request', async () => {
    await running.post('/lengths', ['x']);
    const { docs } = await running.post('/lengths', ['x']);
    assert.deepEqual(docs[0]?.tags?.['trail'], ['init', 'warmup']);
  });

  it('gets what `pre` prepared, and hands its result to `post`', async () => {
    const { docs } = await running.post('/lengths', ['a', 'four']);
    assert.deepEqual(
      docs.map(({ tags }) => [tags?.['length'], tags?.['finished']]),
      [
        [1, true],
        [4, true],
      ],
    );
  });

  it('has each of its phases measured', async () => {
    await running.post('/lengths', ['x']);
    const measured = running.store.read('sluice_phase_seconds').map(({ labels }) => labels.join(' '));
    for (const phase of ['queue', 'send', 'pre', 'run', 'post', 'receive'])
      assert.ok(measured.includes(`${phase} hooks`), phase);
  });

  it('has a monitored method timed under the name it was given', async () => {
    assert.equal((await running.post('/timed', ['x'])).error, undefined);
    // A worker reports once a second.
    await running.until(() =>
      running.store.read('sluice_executor_method_seconds').some(({ labels }) => labels.join() === 'hooks,timed_method'),
    );
  });
});

describe('a queue that is full', () => {
  it('refuses what comes, naming its bound, and answers what it took', async () => {
    const running = await startRuntime([
      { file: 'faults.ts', name: 'faults', queue: { requests: 2, bytes: 1_000_000 } },
    ]);
    try {
      const slow = Array.from({ length: 6 }, async () => running.post('/slow', ['x'], { parameters: { ms: 50 } }));
      const errors = (await Promise.all(slow)).map(({ error }) => error);
      const refused = errors.filter((error) => error !== undefined);
      assert.ok(refused.length >= 3);
      for (const error of refused) {
        assert.equal(error.reason, 'queue_full');
        assert.equal(error.details['limit'], 2);
      }
      assert.ok(errors.includes(undefined));
    } finally {
      await running.stop();
    }
  });
});
