import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Client } from '../../../client/index.ts';
import {
  type Answer,
  answerTo,
  collect,
  echo,
  Gate,
  sendJson,
  silence,
  WireServer,
  withServer,
} from './wire-server.ts';

/** An endless source that counts what is taken from it and knows whether it was closed. */
class CountingSource {
  private count = 0;
  isClosed = false;

  pulled(): number {
    return this.count;
  }

  async *read(limit = Infinity): AsyncGenerator<string> {
    try {
      while (this.count < limit) yield await Promise.resolve(`text ${this.count++}`);
    } finally {
      this.isClosed = true;
    }
  }
}

describe('flow control of a post', () => {
  it('reads no more of the inputs than requests may be on their way', async () => {
    const gate = new Gate();
    await withServer(
      async (request, response) => {
        if (request.method === 'POST') await gate.pass();
        await echo(request, response);
      },
      async (client, server) => {
        const source = new CountingSource();
        const reading = collect(client.post('/encode', source.read(40), { requestSize: 2, prefetch: 3 }));
        await server.received(3);
        await client.isReady();
        assert.equal(source.pulled(), 6);
        gate.release();
        assert.equal((await reading).length, 40);
      },
    );
  });

  it('stops reading the inputs while nobody reads the results', async () => {
    await withServer(echo, async (client, server) => {
      const source = new CountingSource();
      const results = client.post('/encode', source.read(), { requestSize: 2, prefetch: 3 }).responses();
      await results.next();
      await server.received(4);
      await client.isReady();
      // One answer is read, three wait for their reader.
      assert.equal(source.pulled(), 8);
      await results.next();
      await server.received(5);
      await results.return?.();
      assert.ok(source.pulled() <= 12, `${source.pulled()}`);
    });
  });

  it('never has more than prefetch requests on their way', async () => {
    let running = 0;
    let most = 0;
    await withServer(
      async (request, response) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        sendJson(response, 200, answerTo(request));
      },
      async (client) => {
        await client.post('/encode', new CountingSource().read(60), { requestSize: 1, prefetch: 4 });
        assert.ok(most <= 4, `${most}`);
      },
    );
  });

  it('closes the inputs and cancels what is in flight when the reader leaves', async () => {
    await withServer(
      async (request, response) => {
        if (request.body.data[0]?.['text'] === 'text 0') sendJson(response, 200, answerTo(request));
        else await silence(request, response);
      },
      async (client, server) => {
        const source = new CountingSource();
        for await (const doc of client.post('/encode', source.read(), { requestSize: 1, prefetch: 3 })) {
          assert.equal(doc.text, 'text 0');
          await server.received(4);
          break;
        }
        assert.equal(source.isClosed, true);
        const posts = server.requests.filter(({ path }) => path === '/post');
        await Promise.all(posts.map(({ closed }) => closed));
        assert.deepEqual(
          posts.map((request) => request.isComplete()),
          [true, false, false, false],
        );
        assert.equal(source.pulled(), 4);
      },
    );
  });

  it('destroys a stream that has nothing to give when the reader leaves', async () => {
    await withServer(echo, async (client) => {
      const stream = new Readable({ objectMode: true, read: () => undefined });
      stream.push('a');
      for await (const doc of client.post('/encode', stream, { requestSize: 1 })) {
        assert.equal(doc.text, 'a');
        break;
      }
      assert.equal(stream.destroyed, true);
    });
  });

  it('leaves at once when the reader returns while an answer is awaited', async () => {
    await withServer(silence, async (client, server) => {
      const results = client.post('/encode', ['a']).responses();
      const pending = results.next();
      await server.received(1);
      const [first] = await Promise.allSettled([pending, results.return?.()]);
      assert.equal(first.status, 'rejected');
      await server.requests[0]?.closed;
    });
  });

  it('ends at once when the signal aborts, also while the inputs have nothing to give', async () => {
    await withServer(silence, async (client, server) => {
      const source = async function* (): AsyncGenerator<string> {
        yield 'a';
        await new Promise(() => undefined);
      };
      const abort = new AbortController();
      const reason = new Error('user pressed stop');
      const done = assert.rejects(
        async () => client.post('/encode', source, { requestSize: 1, retries: 5, signal: abort.signal }),
        { reason: 'cancelled', message: 'the caller cancelled the request', cause: reason },
      );
      await server.received(1);
      abort.abort(reason);
      await done;
      await server.requests[0]?.closed;
      assert.equal(server.requests.length, 1);
    });
  });

  it('sends nothing when the signal has aborted before', async () => {
    await withServer(echo, async (client, server) => {
      const source = new CountingSource();
      const post = client.post('/encode', source.read(), { signal: AbortSignal.abort() });
      await assert.rejects(async () => post, { reason: 'cancelled' });
      assert.equal(server.requests.length, 0);
      assert.equal(source.pulled(), 0);
    });
  });

  it('fails what is still running when the client is closed', async () => {
    const server = await WireServer.start(silence);
    const client = new Client({ host: server.url });
    const done = assert.rejects(async () => client.post('/encode', 'a'), {
      reason: 'cancelled',
      message: 'the client was closed',
    });
    await server.received(1);
    await client.close();
    await done;
    await assert.rejects(async () => client.post('/encode', 'a'), { reason: 'cancelled' });
    assert.equal(await client.isReady(), false);
    await server.stop();
  });

  it('keeps no listener on a signal that outlives the post', async () => {
    await withServer(echo, async (client) => {
      const abort = new AbortController();
      const listeners = new Set<unknown>();
      const { signal } = abort;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      signal.addEventListener = (type: string, listener: () => void) => {
        listeners.add(listener);
        add(type, listener);
      };
      signal.removeEventListener = (type: string, listener: () => void) => {
        listeners.delete(listener);
        remove(type, listener);
      };
      await client.post('/encode', Array.from('abc'), { requestSize: 1, signal });
      assert.equal(listeners.size, 0);
    });
  });

  it('carries a thousand requests at once without a warning', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    await withServer(echo, async (client) => {
      const docs = await client.post('/encode', new CountingSource().read(2000), { requestSize: 1, prefetch: 1000 });
      assert.equal(docs.length, 2000);
    });
    process.off('warning', note);
    assert.deepEqual(warnings, []);
  });

  it('sends ten thousand documents in the memory of those on their way', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const bytes = 8000;
    await withServer(echoNothing, async (client, server) => {
      let count = 0;
      const inputs = function* (): Generator<{ blob: Uint8Array }> {
        for (; count < 10_000; count++) yield { blob: new Uint8Array(bytes) };
      };
      let answers = 0;
      let most = 0;
      const onDone = (): void => {
        server.requests.length = 0;
        if (answers++ % 100 !== 0) return;
        collectGarbage();
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        most = Math.max(most, heapUsed + arrayBuffers - before);
      };
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      const before = heapUsed + arrayBuffers;
      await client.post('/index', inputs, { requestSize: 10, prefetch: 4, onDone });
      assert.equal(count, 10_000);
      // All documents together are 80 MB, and 107 MB more in base64.
      assert.ok(most < 20e6, `${most} bytes more than before`);
    });
  });
});

const echoNothing: Answer = (request, response) => sendJson(response, 200, answerTo(request, { data: [] }));
