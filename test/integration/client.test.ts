import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client, Document, Tensor } from '../../client/index.ts';
import { parseFlow } from '../../flows/index.ts';
import { type RunningFlow, startFlow } from '../../index.ts';
import { createLogger } from '../../observability/index.ts';

const root = path.join(import.meta.dirname, '..', '..');

const flowText = `
jtype: Flow
with: { port: 0 }
executors:
  - name: echo
    uses: test/fixtures/executors/echo.ts
  - name: faults
    uses: test/fixtures/executors/faults.ts
  - name: counter
    uses: test/fixtures/executors/streaming.ts
`;

describe('the client and a running flow', () => {
  let flow: RunningFlow;
  let client: Client;

  before(async () => {
    // What fails here is meant to; nobody reads the log.
    const logger = createLogger({ name: 'flow', level: 'warn', destination: { write: () => undefined } });
    flow = await startFlow(parseFlow(flowText, { path: path.join(root, 'flow.yml') }), { logger });
    client = new Client({ host: flow.urls[0] ?? '' });
  });
  after(async () => {
    await client.close();
    await flow.stop();
  });

  it('knows that the flow is ready', async () => {
    assert.equal(await client.isReady(), true);
    assert.ok('jina' in (await client.status()));
  });

  it('gets every document back, in the order of the inputs, with what the executor made', async () => {
    const texts = Array.from({ length: 2500 }, (_, index) => `text ${index} 猫`);
    const docs = await client.post('/hash', texts, { resultsInOrder: true });
    assert.deepEqual(docs.texts, texts);
    assert.ok(docs.every((doc) => doc.embedding?.data[0] === doc.text?.length));
    assert.deepEqual(docs.embeddings.shape, [2500, 4]);
  });

  it('keeps tensors to the last bit on the way there and back', async () => {
    const bits = Uint32Array.of(0x7fc00001, 0xff800000, 0x80000000, 0x00000001);
    const sent = new Document({
      tensor: new Tensor('int64', [1, 2], BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n)),
      embedding: new Tensor('float32', [4], new Float32Array(bits.buffer)),
      blob: Uint8Array.of(0, 255),
    });
    const [got] = await client.post('/echo', sent, { targetExecutor: 'echo' });
    assert.deepEqual(got?.tensor?.shape, [1, 2]);
    assert.deepEqual(got.tensor.data, sent.tensor?.data);
    assert.deepEqual(got.embedding?.bytes, sent.embedding?.bytes);
    assert.deepEqual(got.blob, sent.blob);
  });

  it('gets what executors return beside documents, and the way the request took', async () => {
    for await (const response of client.post('/values', ['a', 'b'], { targetExecutor: 'echo' }).responses()) {
      assert.deepEqual(response.parameters['__results__'], { 'echo/rep-0': { count: 2 } });
      const executors = response.routes.map(({ executor }) => executor);
      assert.ok(executors.includes('gateway') && executors.includes('echo'), executors.join());
      assert.ok(response.routes.every(({ startMs }) => Math.abs((startMs ?? 0) - Date.now()) < 60_000));
    }
  });

  it("throws an executor's own error, and a reason of ours as such", async () => {
    await assert.rejects(async () => client.post('/throw', 'a', { targetExecutor: 'faults' }), {
      reason: 'executor_error',
      exception: { name: 'RangeError', args: ['intentional failure'], executor: 'Faults' },
    });
    await assert.rejects(async () => client.post('/nowhere', 'a', { targetExecutor: 'faults' }), {
      reason: 'unknown_endpoint',
    });
    await assert.rejects(async () => client.post('/echo', 'a', { targetExecutor: 'nobody' }), {
      reason: 'unknown_target',
    });
  });

  it('goes on after failed requests when somebody takes the errors', async () => {
    const reasons: unknown[] = [];
    await client.post('/throw', ['a', 'b', 'c'], {
      requestSize: 1,
      targetExecutor: 'faults',
      onError: ({ error }) => reasons.push(error?.reason),
    });
    assert.deepEqual(reasons, ['executor_error', 'executor_error', 'executor_error']);
  });

  it('gives up at its time limit, and a cancelled request does not hold the next one up', async () => {
    const slow = { targetExecutor: 'faults', parameters: { ms: 30_000 } };
    await assert.rejects(async () => client.post('/slow', 'a', { ...slow, timeoutMs: 300 }), {
      reason: 'deadline_exceeded',
    });
    const abort = new AbortController();
    const cancelled = assert.rejects(async () => client.post('/slow', 'a', { ...slow, signal: abort.signal }), {
      reason: 'cancelled',
    });
    await client.isReady();
    abort.abort();
    await cancelled;
    const docs = await client.post('/ok', 'a', { targetExecutor: 'faults', timeoutMs: 20_000 });
    assert.equal(docs.length, 1);
  });

  it('streams documents while the executor makes them, and stops it when the reader leaves', async () => {
    const texts: unknown[] = [];
    for await (const doc of client.stream('/count', 'step', { parameters: { until: 4 }, targetExecutor: 'counter' })) {
      texts.push(doc.text);
    }
    assert.deepEqual(texts, ['step 0', 'step 1', 'step 2', 'step 3']);
    for await (const doc of client.stream('/count', 'step', {
      parameters: { until: 1e9 },
      targetExecutor: 'counter',
    })) {
      if (doc.text === 'step 2') break;
    }
    // Its only worker is free again.
    const again = client.stream('/count', 'again', { targetExecutor: 'counter', timeoutMs: 20_000 });
    assert.equal((await again.next()).value?.text, 'again 0');
    await again.return?.();
  });

  it('throws the error of a stream after the documents before it', async () => {
    const texts: unknown[] = [];
    const parameters = { until: 4, failAt: 2 };
    await assert.rejects(
      async () => {
        for await (const doc of client.stream('/count', 'step', { parameters, targetExecutor: 'counter' })) {
          texts.push(doc.text);
        }
      },
      { reason: 'executor_error', exception: { name: 'RangeError', args: ['failed at 2'], executor: 'Streaming' } },
    );
    assert.deepEqual(texts, ['step 0', 'step 1']);
  });
});
