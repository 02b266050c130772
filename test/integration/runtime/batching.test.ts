import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type RunningRuntime, startRuntime } from '../../fixtures/running-runtime.ts';

describe('dynamic batching through a worker process', () => {
  let running: RunningRuntime;
  before(async () => {
    running = await startRuntime([{ file: 'echo.ts', name: 'echo' }]);
  });
  after(async () => {
    await running.stop();
  });

  const together = async (count: number, endpoint: string, parameters = {}) =>
    Promise.all(
      Array.from({ length: count }, async (_item, index) =>
        running.post(endpoint, [`text ${index}`], { parameters: { ...parameters, mine: index } }),
      ),
    );

  it('joins requests of different callers and gives each its own documents back', async () => {
    const responses = await together(10, '/batched');
    assert.deepEqual(
      responses.map(({ docs }) => docs.texts),
      Array.from({ length: 10 }, (_item, index) => [`text ${index}`]),
    );
    assert.ok(responses.some(({ docs }) => Number(docs[0]?.tags?.['requests']) > 1));
  });

  it('delivers per-request parameters with the rows of their request', async () => {
    const responses = await together(10, '/batched');
    assert.deepEqual(
      responses.map(({ docs }) => docs[0]?.tags?.['mine']),
      Array.from({ length: 10 }, (_item, index) => index),
    );
  });

  it('never joins requests whose shared parameters differ', async () => {
    const [left, right] = await Promise.all([
      together(5, '/batched', { side: 'left' }),
      together(5, '/batched', { side: 'right' }),
    ]);
    for (const { docs } of left) assert.equal(docs[0]?.tags?.['side'], 'left');
    for (const { docs } of right) assert.equal(docs[0]?.tags?.['side'], 'right');
  });

  it('splits a request that is larger than a batch and answers it once, in order', async () => {
    const texts = Array.from({ length: 100 }, (_item, index) => `row ${index}`);
    const { docs } = await running.post('/batched', texts);
    assert.deepEqual(docs.texts, texts);
    for (const doc of docs) assert.ok(Number(doc.tags?.['batch']) <= 32);
  });

  it('waits for company up to the time-out, and no longer once the batch is complete', async () => {
    const four = await Promise.all(Array.from({ length: 4 }, async () => running.post('/timed', ['x'])));
    assert.deepEqual(
      four.map(({ docs }) => docs[0]?.tags?.['batch']),
      [4, 4, 4, 4],
    );
    const two = await Promise.all(Array.from({ length: 2 }, async () => running.post('/timed', ['x'])));
    assert.deepEqual(
      two.map(({ docs }) => docs[0]?.tags?.['batch']),
      [2, 2],
    );
  });

  it('answers a request without documents on a batching endpoint', async () => {
    const { docs, error } = await running.post('/batched', []);
    assert.equal(error, undefined);
    assert.equal(docs.length, 0);
  });

  it('carries an embedding block through the worker and back exactly', async () => {
    const { docs } = await running.post('/hash', ['a', 'bb', 'ccc']);
    assert.deepEqual([...docs.embeddings.data], [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    assert.deepEqual(docs.embeddings.shape, [3, 4]);
  });

  it('carries a body of several MiB in pieces', async () => {
    const text = 'x'.repeat(5_000_000);
    const blob = new Uint8Array(9_000_000).map((_byte, index) => index % 251);
    const [large, small] = await Promise.all([
      running.post('/x', [{ text, blob }]),
      running.post('/batched', ['small']),
    ]);
    assert.equal(large.docs[0]?.text, text);
    assert.ok(Buffer.from(blob).equals(large.docs[0].blob ?? new Uint8Array()));
    assert.equal(small.error, undefined);
  });

  it('puts what an endpoint returns as an object under __results__ and leaves the documents', async () => {
    const { parameters, docs } = await running.post('/values', ['a', 'b']);
    assert.deepEqual(parameters['__results__'], { 'echo/rep-0': { count: 2 } });
    assert.deepEqual(docs.texts, ['a', 'b']);
  });
});
