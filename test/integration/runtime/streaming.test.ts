import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FlowError } from '../../../core/index.ts';
import { type RunningRuntime, startRuntime } from '../../fixtures/running-runtime.ts';

describe('a streaming endpoint', () => {
  let running: RunningRuntime;
  before(async () => {
    running = await startRuntime([{ file: 'streaming.ts', name: 'counter' }]);
  });
  after(async () => {
    await running.stop();
  });

  const hasEnded = (): boolean => running.logs.some(({ msg }) => msg === 'the generator has ended');

  it('gives each document as it is yielded, in order', async () => {
    const steps: unknown[] = [];
    for await (const docs of running.stream('/count', ['n'], { parameters: { until: 100 } }).documents) {
      for (const doc of docs) steps.push(doc.tags?.['step']);
    }
    assert.deepEqual(
      steps,
      Array.from({ length: 100 }, (_item, index) => index),
    );
  });

  it('ends with the error of the generator, after the documents before it', async () => {
    const texts: (string | undefined)[] = [];
    await assert.rejects(
      async () => {
        const { documents } = running.stream('/count', ['n'], { parameters: { until: 9, failAt: 2 } });
        for await (const docs of documents) texts.push(docs[0]?.text);
      },
      (error: FlowError) => error.reason === 'executor_error' && error.message.includes('failed at 2'),
    );
    assert.deepEqual(texts, ['n 0', 'n 1']);
  });

  it('stops the generator when nobody reads, and runs its cleanup when the reader leaves', async () => {
    running.logs.length = 0;
    const submission = running.stream('/count', ['n'], { parameters: { until: 1_000_000 } });
    for await (const docs of submission.documents) {
      if (docs[0]?.tags?.['step'] === 20) break;
    }
    // The worker is free again only when the generator's own finally block has run.
    await running.post('/count', ['n']).then(({ error }) => assert.equal(error?.reason, 'streaming_endpoint'));
    for await (const docs of running.stream('/count', ['n']).documents) assert.equal(docs.length, 1);
    assert.ok(hasEnded());
    const steps = running.store.read('sluice_executor_count_total').reduce((sum, { value }) => sum + value, 0);
    assert.ok(steps < 1_000, `the generator ran ${steps} steps ahead of its reader`);
  });

  it('ends with the error it is cancelled with', async () => {
    const submission = running.stream('/count', ['n'], { parameters: { until: 1_000_000 } });
    await assert.rejects(
      async () => {
        for await (const docs of submission.documents) {
          if (docs[0]?.tags?.['step'] === 3) submission.cancel(new FlowError('cancelled', 'the caller left'));
        }
      },
      { reason: 'cancelled' },
    );
  });

  it('is refused for a single answer, and an ordinary endpoint for a stream', async () => {
    const { error } = await running.post('/count', ['n']);
    assert.equal(error?.reason, 'streaming_endpoint');
    await assert.rejects(running.stream('/nope', ['n']).documents[Symbol.asyncIterator]().next(), {
      reason: 'unknown_endpoint',
    });
  });
});

describe('a stop while a stream is open', () => {
  it('does not wait longer than its limit for a reader that takes nothing any more', async () => {
    const running = await startRuntime([{ file: 'streaming.ts', name: 'counter' }]);
    const { documents } = running.stream('/count', ['n'], { parameters: { until: 1_000_000 } });
    await documents[Symbol.asyncIterator]().next();
    await running.runtime.stop(100);
    assert.deepEqual(running.pids(), []);
    await running.stop();
  });
});
