import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { rootCause } from '../../../core/index.ts';
import { prepareRuntime, type RunningRuntime, startRuntime } from '../../fixtures/running-runtime.ts';

describe('an executor that goes wrong in a request', () => {
  let running: RunningRuntime;
  before(async () => {
    running = await startRuntime([{ file: 'faults.ts', name: 'faults' }], 200);
  });
  after(async () => {
    await running.stop();
  });

  it('answers a thrown error with its name, message and class, and lives on', async () => {
    const [pid] = running.pids();
    const { error, docs, routes } = await running.post('/throw', ['kept']);
    assert.equal(error?.reason, 'executor_error');
    assert.deepEqual(error.exception, { name: 'RangeError', args: ['intentional failure'], executor: 'Faults' });
    assert.deepEqual(docs.texts, ['kept']);
    assert.equal(routes[0]?.error, error);
    assert.deepEqual(running.pids(), [pid]);
  });

  it('keeps the reason of a FlowError that the executor throws', async () => {
    const { error } = await running.post('/refuse', ['x']);
    assert.equal(error?.reason, 'invalid_argument');
    assert.match(error.message, /expected a picture/);
  });

  it('names both numbers when the executor returns another number of documents', async () => {
    const { error } = await running.post('/drop', ['a', 'b']);
    assert.equal(error?.reason, 'wrong_count');
    assert.deepEqual(error.details, { expected: 2, returned: 1 });
  });

  it('takes another number of documents from an endpoint that declares it', async () => {
    const { docs } = await running.post('/split', ['a b c']);
    assert.deepEqual(docs.texts, ['a', 'b', 'c']);
  });

  it('refuses a result that is neither documents nor an object', async () => {
    const { error } = await running.post('/garbage', ['x']);
    assert.equal(error?.reason, 'invalid_result');
    assert.match(error.message, /got the text "neither documents nor an object"/);
  });

  it('fails only the request at fault when a joined call throws', async () => {
    const responses = await Promise.all(['a', 'bad', 'b', 'c'].map(async (text) => running.post('/poison', [text])));
    assert.deepEqual(
      responses.map(({ error }) => error?.exception?.name),
      [undefined, 'TypeError', undefined, undefined],
    );
  });

  it('fails only the poison document, whichever worker touches it', async () => {
    const texts = ['a', 'b', 'poison', 'c', 'd'];
    const responses = await Promise.all(texts.map(async (text) => running.post('/poison', [text])));
    assert.deepEqual(
      responses.map(({ error }) => error?.reason),
      [undefined, undefined, 'worker_crashed', undefined, undefined],
    );
    assert.match(responses[2]?.error?.message ?? '', /faults\/rep-0 \(pid \d+\) was ended by SIGKILL/);
  });

  it('answers and starts again when a worker exits in the middle of a request', async () => {
    const { error } = await running.post('/exit', ['x']);
    assert.equal(error?.reason, 'worker_crashed');
    assert.match(error.message, /exited with code 7/);
    assert.equal((await running.post('/ok', ['x'])).error, undefined);
  });

  it('replaces a worker that writes garbage into the channel, and says so', async () => {
    const { error } = await running.post('/corrupt', ['x']);
    assert.equal(error?.reason, 'worker_crashed');
    assert.match(error.message, /expected a frame of kind 0 to 2/);
    assert.equal((await running.post('/ok', ['x'])).error, undefined);
  });

  it('never sends a write a second time', async () => {
    const before = running.runtime.status().executors[0]?.workers[0]?.restarts ?? 0;
    const { error } = await running.post('/exit-write', ['x']);
    assert.equal(error?.reason, 'worker_crashed');
    await running.until(() => running.runtime.status().isReady);
    assert.equal(running.runtime.status().executors[0]?.workers[0]?.restarts, before + 1);
  });

  it('says what was thrown when nobody caught it', async () => {
    const { error } = await running.post('/uncaught', ['x']);
    assert.equal(error?.reason, 'worker_crashed');
    assert.match(error.message, /thrown where nobody catches/);
  });

  it('answers at the deadline when an endpoint never returns, and replaces the worker', async () => {
    const { error } = await running.post('/hang', ['x'], { timeoutMs: 100 });
    assert.equal(error?.reason, 'deadline_exceeded');
    assert.equal((await running.post('/ok', ['x'])).error, undefined);
  });

  it('answers at the deadline when an endpoint blocks its event loop, and replaces the worker', async () => {
    const { error } = await running.post('/block', ['x'], { timeoutMs: 100 });
    assert.equal(error?.reason, 'deadline_exceeded');
    assert.equal((await running.post('/ok', ['x'])).error, undefined);
  });

  it('drops a request whose deadline passes in the queue before it is computed', async () => {
    const busy = running.post('/slow', ['x'], { parameters: { ms: 300 } });
    const late = await running.post('/ok', ['x'], { timeoutMs: 50 });
    assert.equal(late.error?.reason, 'deadline_exceeded');
    assert.equal((await busy).error, undefined);
  });

  it('tells the executor when the caller has left', async () => {
    const submission = running.submit('/slow', ['x'], { parameters: { ms: 60_000 } });
    await running.until(() => running.runtime.status().executors[0]?.workers[0]?.state === 'busy');
    submission.cancel(new (await import('../../../core/index.ts')).FlowError('cancelled', 'the caller left'));
    assert.equal((await submission.response).error?.reason, 'cancelled');
    assert.equal((await running.post('/ok', ['x'])).error, undefined);
  });

  it('names the endpoints there are when an unknown one is asked for', async () => {
    const { error } = await running.post('/nope', ['x']);
    assert.equal(error?.reason, 'unknown_endpoint');
    assert.match(error.message, /\/ok/);
  });

  it('refuses a target that matches no executor, naming them', async () => {
    const { error } = await running.post('/ok', ['x'], { targetExecutor: 'nobody' });
    assert.equal(error?.reason, 'unknown_target');
    assert.match(error.message, /faults/);
  });

  it('lets / pass whoever binds it', async () => {
    const { error, docs } = await running.post('/', ['x']);
    assert.equal(error, undefined);
    assert.deepEqual(docs.texts, ['x']);
  });
});

describe('an executor that runs out of memory', () => {
  it('fails its own request and is started again', async () => {
    const running = await startRuntime([
      { file: 'faults.ts', name: 'faults', env: { NODE_OPTIONS: '--max-old-space-size=64' } },
    ]);
    try {
      const { error } = await running.post('/grow', ['x']);
      assert.equal(error?.reason, 'worker_crashed');
      assert.match(String(rootCause(error)), /heap/i);
      assert.equal((await running.post('/ok', ['x'])).error, undefined);
    } finally {
      await running.stop();
    }
  });
});

describe('an executor that cannot start', () => {
  const startError = async (file: string, changes = {}): Promise<Error> => {
    const running = prepareRuntime([{ file, name: 'broken', ...changes }]);
    try {
      await running.runtime.start();
    } catch (error) {
      return error as Error;
    } finally {
      await running.stop();
    }
    throw new assert.AssertionError({ message: 'it started' });
  };

  it('gives the error of the import as the root cause', async () => {
    const error = await startError('throws-at-import.ts');
    assert.match(error.message, /broken: cannot import .*libmissing is not there/);
  });

  it('gives the error of init as the root cause', async () => {
    assert.match((await startError('throws-in-init.ts')).message, /the weights are not there/);
  });

  it('refuses replicas of an executor that owns its state', async () => {
    const error = await startError('exclusive.ts', { replicas: 2 });
    assert.match(error.message, /owns its state .* cannot have 2 replicas/);
  });

  it('names the classes there are when the one asked for is missing', async () => {
    assert.match((await startError('echo.ts', { className: 'Ecko' })).message, /no executor class Ecko.*Echo/);
  });

  it('refuses batching on an endpoint that yields', async () => {
    const error = await startError('streaming.ts', { dynamicBatching: { '/count': { preferredBatchSize: 4 } } });
    assert.match(error.message, /\/count yields documents .* cannot be batched/);
  });

  it('refuses a second opener of a workspace, and starts once the first is gone', async () => {
    const first = await startRuntime([{ file: 'exclusive.ts', name: 'store' }]);
    try {
      const error = await startError('exclusive.ts', { name: 'store', workspace: first.workspace });
      assert.match(error.message, /another process works in/);
    } finally {
      await first.stop();
    }
  });
});
