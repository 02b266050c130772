import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, collect, echo, sendJson, silence, withServer } from './wire-server.ts';

function update(text: string): string {
  return `event: update\r\ndata: ${JSON.stringify({ id: 'd', text })}\r\n\r\n`;
}

function stream(...parts: string[]): Answer {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.end(parts.join(''));
  };
}

const end = 'event: end\r\n\r\n';

describe('streaming endpoints', () => {
  it('asks for events with the document and its parameters', async () => {
    await withServer(stream(update('a'), ': ping - now\r\n\r\n', update('b'), end), async (client, server) => {
      const docs = await collect(client.stream('/generate', { text: 'Once' }, { parameters: { n: 2 }, priority: 3 }));
      assert.deepEqual(
        docs.map((doc) => doc.text),
        ['a', 'b'],
      );
      const [request] = server.requests;
      assert.equal(`${request?.method} ${request?.path}`, 'POST /generate');
      assert.equal(request?.headers.accept, 'text/event-stream;tensors=base64');
      assert.equal(request.headers['x-sluice-priority'], '3');
      assert.equal(request.headers['x-sluice-timeout'], undefined);
      assert.deepEqual(request.body.parameters, { n: 2 });
      assert.equal(request.body.data[0]?.['text'], 'Once');
    });
  });

  it('throws the error of an error event after the documents before it', async () => {
    const status = {
      code: 1,
      description: 'no more words',
      exception: { name: 'RangeError', args: ['no more words'] },
    };
    const forms = [status, { header: { status } }];
    for (const form of forms) {
      await withServer(
        stream(update('a'), `event: error\r\ndata: ${JSON.stringify(form)}\r\n\r\n`, end),
        async (client) => {
          const texts: unknown[] = [];
          await assert.rejects(
            async () => {
              for await (const doc of client.stream('/generate', 'Once')) texts.push(doc.text);
            },
            { reason: 'executor_error', message: 'no more words' },
          );
          assert.deepEqual(texts, ['a']);
        },
      );
    }
  });

  it('throws what the gateway says instead of a stream', async () => {
    const exception = { name: 'unknown_endpoint', args: [], stacks: [], executor: '' };
    await withServer(
      (_request, response) =>
        sendJson(response, 404, { header: { status: { code: 1, description: 'no /generate', exception } } }),
      async (client) => {
        await assert.rejects(collect(client.stream('/generate', 'Once')), {
          reason: 'unknown_endpoint',
          message: 'no /generate',
          details: { status: 404 },
        });
      },
    );
  });

  it('says what came instead of a stream', async () => {
    await withServer(
      (_request, response) => sendJson(response, 200, { hello: 1 }),
      async (client) => {
        await assert.rejects(collect(client.stream('/generate', 'Once')), {
          reason: 'protocol_error',
          message: /POST http:.*\/generate: expected server-sent events, got application\/json: "{\\"hello\\":1}"/,
        });
      },
    );
  });

  it('says that an endpoint which answers once is no stream', async () => {
    await withServer(echo, async (client) => {
      await assert.rejects(collect(client.stream('/encode', 'Once')), {
        reason: 'streaming_endpoint',
        message: '/encode answers once, not with a stream: call it with post',
      });
    });
  });

  it('says that an update holds no document', async () => {
    await withServer(stream('event: update\r\ndata: half{\r\n\r\n'), async (client) => {
      await assert.rejects(collect(client.stream('/generate', 'Once')), { reason: 'protocol_error' });
    });
  });

  it('says that a stream broke', async () => {
    await withServer(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(update('a'), () => response.destroy());
      },
      async (client) => {
        await assert.rejects(collect(client.stream('/generate', 'Once')), { reason: 'connection_failed' });
      },
    );
  });

  it('cancels the request when the reader leaves, when the signal aborts and when the time is over', async () => {
    const open: Answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(update('a'));
    };
    await withServer(open, async (client, server) => {
      for await (const doc of client.stream('/generate', 'Once')) {
        assert.equal(doc.text, 'a');
        break;
      }
      const abort = new AbortController();
      const documents = client.stream('/generate', 'Once', { signal: abort.signal });
      await documents.next();
      abort.abort();
      await assert.rejects(documents.next(), { reason: 'cancelled' });
      await assert.rejects(collect(client.stream('/generate', 'Once', { timeoutMs: 60 })), {
        reason: 'deadline_exceeded',
      });
      await Promise.all(server.requests.map(({ closed }) => closed));
      assert.equal(server.requests.length, 3);
    });
  });

  it('returns while the next document is awaited', async () => {
    await withServer(silence, async (client, server) => {
      const documents = client.stream('/generate', 'Once');
      const pending = assert.rejects(documents.next(), { reason: 'cancelled' });
      await server.received(1);
      await documents.return?.();
      await pending;
    });
  });

  it('lets the connection fill up while nobody reads', async () => {
    let written = 0;
    let stall = (): void => undefined;
    const stalled = new Promise<void>((resolve) => {
      stall = resolve;
    });
    const chunk = update('x'.repeat(50_000));
    const endless: Answer = async (request, response) => {
      if (request.method === 'GET') return echo(request, response);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      while (!response.closed) {
        written += chunk.length;
        if (response.write(chunk)) continue;
        stall();
        await Promise.race([request.closed, new Promise((resolve) => response.once('drain', resolve))]);
      }
    };
    await withServer(endless, async (client) => {
      const documents = client.stream('/generate', 'Once');
      await documents.next();
      await stalled;
      await client.isReady();
      assert.ok(written < 30e6, `${written} characters were taken in`);
      await documents.return?.();
    });
  });

  it('sends nothing before the first document is asked for', async () => {
    await withServer(stream(end), async (client, server) => {
      const documents = client.stream('/generate', 'Once');
      await documents.return?.();
      assert.equal(server.requests.length, 0);
    });
  });
});
