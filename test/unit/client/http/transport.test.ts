import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Client } from '../../../../client/index.ts';
import { createExchange as createFetchExchange } from '../../../../client/http/exchange-browser.ts';
import { createExchange as createPoolExchange } from '../../../../client/http/exchange-node.ts';
import { HttpTransport } from '../../../../client/http/transport.ts';
import { parseRetryAfter } from '../../../../client/http/status.ts';
import { DocumentArray } from '../../../../core/index.ts';
import { type Answer, answerTo, collect, echo, sendJson, silence, WireServer, withServer } from '../wire-server.ts';

const request = {
  requestId: '0'.repeat(32),
  endpoint: '/encode',
  parameters: {},
  docs: DocumentArray.fromInputs(['a']),
  priority: 0,
  trace: {},
};

for (const [name, createExchange] of [
  ['the connection pool', createPoolExchange],
  ['fetch', createFetchExchange],
] as const) {
  describe(`HTTP transport over ${name}`, () => {
    async function withTransport(
      answer: Answer,
      use: (transport: HttpTransport, server: WireServer) => Promise<void>,
    ): Promise<void> {
      const server = await WireServer.start(answer);
      const transport = new HttpTransport({ url: new URL(server.url), headers: {}, createExchange });
      try {
        await use(transport, server);
      } finally {
        await transport.close();
        await server.stop();
      }
    }

    function limits(): { signal: AbortSignal; deadline: number } {
      return { signal: new AbortController().signal, deadline: Infinity };
    }

    it('sends a request and reads its answer', async () => {
      await withTransport(echo, async (transport) => {
        const { docs, error } = await transport.send(request, limits());
        assert.deepEqual([docs.texts, error], [['a'], undefined]);
      });
    });

    it('ends with the reason of its signal, and closes the connection', async () => {
      await withTransport(silence, async (transport, server) => {
        const abort = new AbortController();
        const sent = assert.rejects(transport.send(request, { signal: abort.signal, deadline: Infinity }), {
          reason: 'cancelled',
        });
        await server.received(1);
        abort.abort(new Error('enough'));
        await sent;
        await server.requests[0]?.closed;
      });
    });

    it('says that a connection broke in the middle of an answer', async () => {
      const broken: Answer = (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"data": [', () => response.destroy());
      };
      await withTransport(broken, async (transport, server) => {
        await assert.rejects(transport.send(request, limits()), {
          reason: 'connection_failed',
          message: `the connection to 127.0.0.1:${server.port} broke before the answer was complete`,
        });
      });
    });

    it('names the place where nothing listens, and what to check', async () => {
      const server = await WireServer.start(echo);
      const { url, port } = server;
      await server.stop();
      const transport = new HttpTransport({ url: new URL(url), headers: {}, createExchange });
      await assert.rejects(transport.send(request, limits()), {
        reason: 'connection_failed',
        message:
          `nothing listens on 127.0.0.1:${port}: check that the gateway is running there (sluice up) ` +
          'and that host and port are right',
      });
      await transport.close();
    });

    it('streams documents while they come, and closes the connection when the reader leaves', async () => {
      const endless: Answer = (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
        response.write('event: update\r\ndata: {"text": "one"}\r\n\r\nevent: upd');
        response.write('ate\r\ndata: {"text": "two"}\r\n\r\n');
      };
      await withTransport(endless, async (transport, server) => {
        const texts: unknown[] = [];
        for await (const doc of transport.stream(request, limits())) {
          texts.push(doc.text);
          if (texts.length === 2) break;
        }
        assert.deepEqual(texts, ['one', 'two']);
        await server.requests[0]?.closed;
      });
    });

    it('fails what is in flight when it is closed', async () => {
      await withTransport(silence, async (transport, server) => {
        const sent = assert.rejects(transport.send(request, limits()), { reason: 'connection_failed' });
        await server.received(1);
        await transport.close();
        await sent;
      });
    });
  });
}

describe('answers that are not a gateway’s', () => {
  const cases: [string, Answer, { reason: string; message: RegExp }][] = [
    [
      'another page',
      (_request, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>hello'),
      {
        reason: 'protocol_error',
        message: /^POST http:\/\/127.0.0.1:\d+\/post: expected a gateway's JSON, got text\/html: "<html>hello"$/,
      },
    ],
    [
      'half an answer that looks complete',
      (_request, response) => void response.end('{"data": [{"te'),
      { reason: 'protocol_error', message: /got no content type: "{\\"data\\": \[{\\"te"/ },
    ],
    [
      'a document that is none',
      (sent, response) => sendJson(response, 200, answerTo(sent, { data: [{ text: 5 }] })),
      { reason: 'protocol_error', message: /data\[0\]\.text: expected text, got the number 5/ },
    ],
    [
      'data that is no list',
      (sent, response) => sendJson(response, 200, answerTo(sent, { data: 'cat' })),
      { reason: 'protocol_error', message: /data: expected a list of documents, got the text "cat"/ },
    ],
    [
      'a wrong path',
      (_request, response) => sendJson(response, 404, { detail: 'Not Found' }),
      { reason: 'connection_failed', message: /was answered with HTTP 404: "{\\"detail\\":\\"Not Found\\"}"/ },
    ],
    [
      'a proxy without its server',
      (_request, response) => void response.writeHead(502).end(),
      { reason: 'connection_failed', message: /was answered with HTTP 502: an empty body/ },
    ],
    [
      'another place',
      (_request, response) => void response.writeHead(307, { location: 'https://elsewhere/' }).end(),
      { reason: 'connection_failed', message: /HTTP 307 \(to https:\/\/elsewhere\/\)/ },
    ],
    [
      'faults of the request',
      (_request, response) =>
        sendJson(response, 422, { detail: [{ loc: ['body', 'data', 0], msg: 'expected a document', type: 'x' }] }),
      { reason: 'invalid_argument', message: /^body\.data\.0: expected a document$/ },
    ],
  ];
  for (const [name, answer, expected] of cases) {
    it(`says what came: ${name}`, async () => {
      await withServer(answer, async (client) => {
        await assert.rejects(async () => client.post('/encode', 'a'), expected);
      });
    });
  }

  it('says that the other side speaks no HTTP', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.resume();
      socket.end('SSH-2.0-OpenSSH_9.6\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const client = new Client({ host: `127.0.0.1:${typeof address === 'object' ? address?.port : ''}` });
    await assert.rejects(async () => client.post('/encode', 'a'), {
      reason: 'protocol_error',
      message: /^127.0.0.1:\d+ sent something that is not HTTP/,
    });
    await client.close();
    server.close();
    await once(server, 'close');
  });

  it('reads both spellings, a status by name, and an answer without a header', async () => {
    const answers: unknown[] = [
      { header: { request_id: 'abc', status: { code: 'SUCCESS' } }, data: [{ text: 'x' }] },
      { header: { status: { code: 'ERROR', description: 'no' } }, data: null },
      { data: [{ text: 'x' }], parameters: { n: 1 } },
    ];
    await withServer(
      (_request, response) => sendJson(response, 200, answers.shift()),
      async (client) => {
        const got = [];
        for (let count = 0; count < 3; count++) {
          got.push(...(await collect(client.post('/e', 'a', { continueOnError: true }).responses())));
        }
        const [first, second, third] = got;
        assert.equal(first?.requestId, 'abc');
        assert.equal(first.error, undefined);
        assert.deepEqual([second?.error?.reason, second?.error?.message], ['executor_error', 'no']);
        assert.equal(second?.docs.length, 0);
        assert.deepEqual(third?.parameters, { n: 1 });
        assert.deepEqual(third.docs.texts, ['x']);
      },
    );
  });
});

describe('what a gateway says about itself', () => {
  it('is ready when every executor is, and never throws', async () => {
    let status = 200;
    await withServer(
      (_request, response) => sendJson(response, status, {}),
      async (client, server) => {
        assert.equal(await client.isReady(), true);
        assert.equal(server.requests[0]?.path, '/health/ready');
        status = 503;
        assert.equal(await client.isReady(), false);
      },
    );
    const client = new Client({ host: 'http://127.0.0.1:1' });
    assert.equal(await client.isReady(), false);
    assert.equal(await client.isReady({ signal: AbortSignal.abort() }), false);
    await client.close();
  });

  it('gives its status', async () => {
    await withServer(
      (_request, response) => sendJson(response, 200, { jina: {}, envs: {} }),
      async (client, server) => {
        assert.deepEqual(await client.status(), { jina: {}, envs: {} });
        assert.equal(server.requests[0]?.path, '/status');
      },
    );
  });

  it('throws when the status takes too long', async () => {
    await withServer(silence, async (client) => {
      await assert.rejects(client.status({ timeoutMs: 30 }), { reason: 'deadline_exceeded' });
    });
  });
});

describe('Retry-After', () => {
  it('is seconds or a date', () => {
    const now = Date.parse('2026-11-21T05:00:00Z');
    assert.equal(parseRetryAfter('3', now), 3000);
    assert.equal(parseRetryAfter('Sat, 21 Nov 2026 05:00:10 GMT', now), 10_000);
    assert.equal(parseRetryAfter('Sat, 21 Nov 2026 04:00:00 GMT', now), 0);
    assert.equal(parseRetryAfter('soon', now), undefined);
    assert.equal(parseRetryAfter(undefined, now), undefined);
  });
});
