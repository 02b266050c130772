import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Metadata, status } from '@grpc/grpc-js';
import { Client, FlowError } from '../../../../client/index.ts';
import { documentsOf, encodeDataRequest, parametersOf } from '../../../../proto/index.ts';
import { CallServer, echo, silence, type StreamAnswer, withCallServer } from './call-server.ts';

const answerTo = (request: Parameters<StreamAnswer>[0], changes: object = {}): Uint8Array =>
  encodeDataRequest({ ...request, ...changes });

const texts = (server: CallServer): unknown[] => server.requests.map((request) => documentsOf(request)[0]?.text);

async function failure(work: PromiseLike<unknown>): Promise<FlowError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof FlowError, String(error));
    return error;
  }
  assert.fail('it was answered');
}

describe('posting documents over gRPC', () => {
  it('sends endpoint, target, parameters and documents as Jina knows them', async () => {
    await withCallServer(echo, async (client, server) => {
      const when = new Date(0);
      const parameters = { limit: 3, when, nothing: undefined };
      const docs = await client.post('/encode', ['a', 'b'], {
        // Parameters are what JSON makes of them, as over HTTP.
        parameters: parameters as never,
        targetExecutor: 'enc.*',
      });
      assert.deepEqual(docs.texts, ['a', 'b']);
      const [request] = server.requests;
      assert.match(request?.header?.request_id ?? '', /^[0-9a-f]{32}$/);
      assert.deepEqual([request?.header?.exec_endpoint, request?.header?.target_executor], ['/encode', 'enc.*']);
      assert.deepEqual(parametersOf(request ?? {}), { limit: 3, when: when.toJSON() });
      assert.equal(request?.header?.timeout, undefined);
    });
  });

  it('puts the requests of a post on one stream, and those of the next on another', async () => {
    await withCallServer(echo, async (client, server) => {
      for (const post of [1, 2]) {
        const docs = await client.post('/encode', ['a', 'b', 'c', 'd'], { requestSize: 1, resultsInOrder: true });
        assert.deepEqual(docs.texts, ['a', 'b', 'c', 'd']);
        assert.equal(server.streams.length, post);
        assert.equal(await server.streams[post - 1]?.left, 'ended');
      }
    });
  });

  it('gives a large request a stream of its own', async () => {
    await withCallServer(echo, async (client, server) => {
      const inputs = [{ text: 'small' }, { blob: new Uint8Array(2 ** 21) }, { text: 'small' }];
      await client.post('/encode', inputs, { requestSize: 1 });
      assert.deepEqual(server.streams.map(({ requests }) => requests.length).sort(), [1, 2]);
    });
  });

  it('sends and takes messages of 64 MiB', async () => {
    await withCallServer(echo, async (client) => {
      const blob = new Uint8Array(2 ** 26 - 200).fill(7);
      const [doc] = await client.post('/encode', { blob });
      assert.ok(Buffer.from(blob.buffer).equals(doc?.blob ?? new Uint8Array()));
    });
  });

  it('matches answers by their id, in whichever order they come', async () => {
    const held: (() => void)[] = [];
    const backwards: StreamAnswer = (request, stream) => {
      held.unshift(() => echo(request, stream));
      if (held.length === 3) for (const answer of held) answer();
    };
    await withCallServer(backwards, async (client) => {
      const inputs = ['a', 'b', 'c'];
      const docs = await client.post('/encode', inputs, { requestSize: 1, resultsInOrder: true });
      assert.deepEqual(docs.texts, inputs);
      held.length = 0;
      assert.deepEqual((await client.post('/encode', inputs, { requestSize: 1 })).texts, ['c', 'b', 'a']);
    });
  });

  it('tells headers, priority and trace once for the stream, and the time limit with each request', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await withCallServer(
      echo,
      async (client, server) => {
        await client.post('/encode', 'a', { priority: 5, traceparent, timeoutMs: 20_000 });
        const [stream] = server.streams;
        const keys = ['authorization', 'x-sluice-priority', 'traceparent'];
        assert.deepEqual(
          keys.map((key) => stream?.metadata.get(key)[0]),
          ['token', '5', traceparent],
        );
        const limitMs = stream?.requests[0]?.header?.timeout ?? 0;
        assert.ok(limitMs > 10_000 && limitMs <= 20_000, String(limitMs));
      },
      { headers: { Authorization: 'token' } },
    );
  });

  for (const compression of ['gzip', 'deflate'] as const) {
    it(`compresses with ${compression} when it is told to`, async () => {
      await withCallServer(
        echo,
        async (client, server) => {
          assert.deepEqual((await client.post('/encode', 'a'.repeat(1000))).texts, ['a'.repeat(1000)]);
          assert.equal(texts(server).length, 1);
        },
        { compression },
      );
    });
  }

  it('refuses compression where the protocol has none', () => {
    assert.throws(() => new Client({ host: 'http://localhost:1', compression: 'gzip' }), {
      reason: 'invalid_argument',
      message: 'compression: expected a host of grpc:// or grpcs://, got http://',
    });
  });

  it('says which header cannot be sent', async () => {
    await withCallServer(
      echo,
      async (client) => {
        const error = await failure(client.post('/encode', 'a'));
        assert.equal(error.reason, 'invalid_argument');
        assert.match(error.message, /^headers: gRPC cannot carry them: .*ä/);
      },
      { headers: { ä: 'x' } },
    );
  });
});

describe('leaving and losing a stream', () => {
  it('cancels the stream of a post whose signal aborts, and no other', async () => {
    await withCallServer(silence, async (client, server) => {
      const abort = new AbortController();
      const aborted = failure(client.post('/encode', ['a', 'b'], { requestSize: 1, signal: abort.signal }));
      const other = client.post('/encode', 'c').then((docs) => docs.texts);
      await server.received(3);
      abort.abort();
      assert.equal((await aborted).reason, 'cancelled');
      const [first, second] = server.streams;
      const [mine, kept] = first?.requests.length === 2 ? [first, second] : [second, first];
      assert.equal(await mine?.left, 'cancelled');
      const [request] = kept?.requests ?? [];
      assert.ok(request !== undefined && kept !== undefined);
      kept.answer(answerTo(request));
      assert.deepEqual(await other, ['c']);
    });
  });

  it('gives up at the time limit of a request, and takes no late answer for another', async () => {
    const late: StreamAnswer = (request, stream) => {
      if (documentsOf(request)[0]?.text !== 'slow') {
        const [slow] = stream.requests;
        if (slow !== undefined) stream.answer(answerTo(slow));
        echo(request, stream);
      }
    };
    await withCallServer(late, async (client) => {
      const error = await failure(client.post('/encode', 'slow', { timeoutMs: 100 }));
      assert.equal(error.reason, 'deadline_exceeded');
      assert.deepEqual((await client.post('/encode', 'next')).texts, ['next']);
    });
  });

  it('fails what was on a stream that breaks, and sends nothing of it again', async () => {
    const answer: StreamAnswer = (_request, stream) => {
      if (stream.requests.length === 2) stream.fail(status.UNAVAILABLE, 'going down');
    };
    await withCallServer(answer, async (client, server) => {
      const error = await failure(client.post('/write', ['a', 'b'], { requestSize: 1 }));
      assert.equal(error.reason, 'connection_failed');
      assert.match(error.message, /going down/);
      assert.equal(server.requests.length, 2);
    });
  });

  it('sends it again on a new stream when the post asks for retries', async () => {
    const answer: StreamAnswer = (request, stream) => {
      if (server.streams.length === 1) stream.fail(status.UNAVAILABLE, 'going down');
      else echo(request, stream);
    };
    const server = await CallServer.start(answer);
    const client = new Client({ host: server.url });
    try {
      assert.deepEqual((await client.post('/read', 'a', { retries: 1 })).texts, ['a']);
      assert.equal(server.streams.length, 2);
    } finally {
      await client.close();
      server.stop();
    }
  });

  it('finds a gateway again that was restarted', async () => {
    const first = await CallServer.start();
    const client = new Client({ host: first.url });
    try {
      assert.deepEqual((await client.post('/encode', 'a')).texts, ['a']);
      first.stop();
      assert.equal((await failure(client.post('/encode', 'b'))).reason, 'connection_failed');
      const second = await CallServer.start(echo, Number(new URL(first.url).port));
      assert.deepEqual((await client.post('/encode', 'c', { retries: 5 })).texts, ['c']);
      second.stop();
    } finally {
      await client.close();
    }
  });

  it('fails with what is left open when the client is closed', async () => {
    await withCallServer(silence, async (client, server) => {
      const open = failure(client.post('/encode', 'a'));
      await server.received(1);
      await client.close();
      assert.equal((await open).reason, 'cancelled');
    });
  });

  it('sends more than the connection takes at once, on one stream', async () => {
    await withCallServer(echo, async (client, server) => {
      const inputs = Array.from({ length: 64 }, (_, index) => String(index).padEnd(500_000));
      const answered = await client.post('/encode', inputs, { requestSize: 1, resultsInOrder: true });
      assert.deepEqual(answered.texts, inputs);
      assert.equal(server.streams.length, 1);
    });
  });
});

describe('what is no answer', () => {
  it('is told as such: bytes that are no message, and an answer without an id', async () => {
    for (const bytes of [Uint8Array.of(255, 255, 255), encodeDataRequest({ parameters: null })]) {
      await withCallServer(
        (_request, stream) => stream.answer(bytes),
        async (client) => assert.equal((await failure(client.post('/encode', 'a'))).reason, 'protocol_error'),
      );
    }
  });

  it('is told as a broken connection when the gateway ends the stream without it', async () => {
    await withCallServer(
      (_request, stream) => stream.end(),
      async (client) => {
        const error = await failure(client.post('/encode', 'a'));
        assert.equal(error.reason, 'connection_failed');
        assert.equal(error.message, 'the gateway ended the stream before the answer');
      },
    );
  });

  const byStatus: Record<string, [reason: string, details: object]> = {
    CANCELLED: ['cancelled', {}],
    UNKNOWN: ['connection_failed', { status: 500 }],
    INVALID_ARGUMENT: ['invalid_argument', {}],
    DEADLINE_EXCEEDED: ['deadline_exceeded', {}],
    NOT_FOUND: ['connection_failed', { status: 404 }],
    ALREADY_EXISTS: ['connection_failed', { status: 409 }],
    PERMISSION_DENIED: ['connection_failed', { status: 403 }],
    RESOURCE_EXHAUSTED: ['connection_failed', { status: 429 }],
    FAILED_PRECONDITION: ['connection_failed', { status: 400 }],
    ABORTED: ['connection_failed', { status: 409 }],
    OUT_OF_RANGE: ['connection_failed', { status: 400 }],
    UNIMPLEMENTED: ['connection_failed', { status: 501 }],
    INTERNAL: ['connection_failed', { status: 500 }],
    UNAVAILABLE: ['connection_failed', {}],
    DATA_LOSS: ['connection_failed', { status: 500 }],
    UNAUTHENTICATED: ['connection_failed', { status: 401 }],
  };

  it('is told by the status of the call, as the same thing is over HTTP', async () => {
    const names = Object.keys(status).filter((name) => Number.isNaN(Number(name)) && name !== 'OK');
    assert.deepEqual(Object.keys(byStatus).sort(), names.sort());
    for (const [name, [reason, details]] of Object.entries(byStatus)) {
      await withCallServer(
        (_request, stream) => stream.fail(status[name as keyof typeof status], 'said by a proxy'),
        async (client) => {
          const error = await failure(client.post('/encode', 'a'));
          assert.deepEqual([error.reason, error.details], [reason, details], name);
          assert.match(error.message, /said by a proxy/);
        },
      );
    }
  });

  it('is told by the reason where the gateway names one', async () => {
    const metadata = new Metadata();
    metadata.set('x-sluice-reason', 'executor_unavailable');
    await withCallServer(
      (_request, stream) => stream.fail(status.UNAVAILABLE, 'no worker is running', metadata),
      async (client) => {
        const error = await failure(client.post('/encode', 'a'));
        assert.deepEqual([error.reason, error.message], ['executor_unavailable', 'no worker is running']);
      },
    );
  });
});

describe('asking a gateway over gRPC', () => {
  it('is not ready while the gateway says so', async () => {
    await withCallServer(echo, async (client) => assert.equal(await client.isReady(), false));
  });

  it('says what to check when nothing listens', async () => {
    const server = await CallServer.start();
    server.stop();
    const client = new Client({ host: server.url });
    const error = await failure(client.status());
    assert.equal(error.reason, 'connection_failed');
    assert.match(error.message, /^nothing listens on 127\.0\.0\.1:\d+: check that the gateway is running there/);
    assert.equal(await client.isReady(), false);
    await client.close();
  });
});
