import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client, Document, type PostOptions, Tensor } from '../../../client/index.ts';
import { answerTo, collect, echo, faultTo, Gate, sendJson, withServer } from './wire-server.ts';

const letters = Array.from('abcdefg');

describe('posting documents', () => {
  it("writes the request as Jina's client does", async () => {
    await withServer(echo, async (client, server) => {
      await client.post('/encode', ['a cat'], { parameters: { limit: 3 }, targetExecutor: 'enc.*' });
      const [request] = server.requests;
      assert.ok(request !== undefined);
      assert.equal(`${request.method} ${request.path}`, 'POST /post');
      const { header, parameters, data, ...rest } = request.body;
      assert.match(header['request_id'] ?? '', /^[0-9a-f]{32}$/);
      assert.equal(header['exec_endpoint'], '/encode');
      assert.equal(header['target_executor'], 'enc.*');
      assert.deepEqual(rest, { exec_endpoint: '/encode', target_executor: 'enc.*' });
      assert.deepEqual(parameters, { limit: 3 });
      assert.equal(data[0]?.['text'], 'a cat');
      assert.equal(request.headers['content-type'], 'application/json');
      assert.equal(request.headers.accept, 'application/json;tensors=base64');
    });
  });

  it('sends headers, time limit, priority and trace where they were given, and nothing where not', async () => {
    await withServer(
      echo,
      async (client, server) => {
        const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        await client.post('/encode', 'a', { timeoutMs: 5000, priority: -2, traceparent });
        await client.post('/encode', 'a');
        const [first, second] = server.requests.map(({ headers }) => headers);
        assert.equal(first?.authorization, 'Bearer x');
        const timeoutMs = Number(first['x-sluice-timeout']);
        assert.ok(timeoutMs > 0 && timeoutMs <= 5000, `${timeoutMs}`);
        assert.equal(first['x-sluice-priority'], '-2');
        assert.equal(first['traceparent'], traceparent);
        for (const name of ['x-sluice-timeout', 'x-sluice-priority', 'traceparent']) {
          assert.equal(second?.[name], undefined);
        }
      },
      { headers: { Authorization: 'Bearer x' } },
    );
  });

  it('cuts inputs into requests of requestSize documents; 0 puts all in one', async () => {
    await withServer(echo, async (client, server) => {
      await client.post('/encode', letters, { requestSize: 3, prefetch: 1 });
      await client.post('/encode', letters, { requestSize: 0 });
      assert.deepEqual(server.texts, [['a', 'b', 'c'], ['d', 'e', 'f'], ['g'], letters]);
    });
  });

  it('sends one request without documents for nothing, none for an iterator without items', async () => {
    await withServer(echo, async (client, server) => {
      assert.equal((await client.post('/encode')).length, 0);
      assert.equal((await client.post('/encode', [])).length, 0);
      assert.equal((await client.post('/encode', new Set<string>())).length, 0);
      assert.deepEqual(server.texts, [[], []]);
    });
  });

  it('gives all documents when awaited, one by one when iterated, and answers from responses()', async () => {
    await withServer(echo, async (client) => {
      const options = { requestSize: 3, resultsInOrder: true };
      assert.deepEqual((await client.post('/encode', letters, options)).texts, letters);
      const docs = await collect(client.post('/encode', letters, options));
      assert.deepEqual(
        docs.map((doc) => doc.text),
        letters,
      );
      const responses = await collect(client.post('/encode', letters, options).responses());
      assert.deepEqual(
        responses.map(({ docs }) => docs.length),
        [3, 3, 1],
      );
      const [route] = responses[0]?.routes ?? [];
      assert.equal(route?.executor, 'gateway');
      assert.equal(route.startMs, Date.parse('2026-11-21T05:02:10.256Z') + 0.072);
    });
  });

  it('gives the same array to everybody who awaits one result, and refuses to be iterated again', async () => {
    await withServer(echo, async (client, server) => {
      const result = client.post('/encode', letters);
      const [first, second] = await Promise.all([result, result]);
      assert.equal(first, second);
      assert.equal(server.requests.length, 1);
      assert.throws(() => result.responses(), { reason: 'invalid_argument', message: /can be read once/ });
    });
  });

  it('gives answers in completion order unless the order of the inputs is asked for', async () => {
    for (const resultsInOrder of [false, true]) {
      const gate = new Gate();
      await withServer(
        async (request, response) => {
          if (request.body.data[0]?.['text'] === 'a') await gate.pass();
          else response.once('finish', () => gate.release());
          sendJson(response, 200, answerTo(request));
        },
        async (client) => {
          const docs = await client.post('/encode', Array.from('abcd'), { requestSize: 2, resultsInOrder });
          assert.deepEqual(docs.texts, resultsInOrder ? Array.from('abcd') : Array.from('cdab'));
        },
      );
    }
  });

  it('sends nothing before the result is read', async () => {
    await withServer(echo, async (client, server) => {
      let isRead = false;
      client.post('/encode', () => {
        isRead = true;
        return letters;
      });
      await client.post('/other');
      assert.equal(isRead, false);
      assert.equal(server.requests.length, 1);
    });
  });

  it('posts to the endpoints that have a method of their own', async () => {
    await withServer(echo, async (client, server) => {
      await client.index('a');
      await client.search('a');
      await client.update('a');
      await client.delete('a');
      assert.deepEqual(
        server.requests.map(({ body }) => body.exec_endpoint),
        ['/index', '/search', '/update', '/delete'],
      );
    });
  });

  it('keeps text of every script and tensors to the last bit', async () => {
    await withServer(echo, async (client) => {
      const bits = Uint32Array.of(0x7fc00001, 0xffc12345, 0x7f800000, 0x80000000);
      const sent = new Document({
        text: '黑猫 🐈‍⬛ \u0000 \ud800 "quoted" \u2028',
        tensor: new Tensor('int64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n)),
        embedding: new Tensor('float32', [4], new Float32Array(bits.buffer)),
        blob: Uint8Array.of(0, 255, 128),
        tags: { ключ: ['значение', 1, null] },
      });
      const [got] = await client.post('/encode', sent);
      assert.ok(got !== undefined);
      assert.equal(got.id, sent.id);
      assert.equal(got.text, sent.text);
      assert.deepEqual(got.tags, sent.tags);
      assert.deepEqual(got.blob, sent.blob);
      assert.equal(got.tensor?.dtype, 'int64');
      assert.deepEqual(got.tensor.data, sent.tensor?.data);
      assert.deepEqual(got.embedding?.bytes, sent.embedding?.bytes);
    });
  });

  it('reads an answer of many megabytes', async () => {
    const text = 'é'.repeat(1_000_000);
    const documents = 20;
    await withServer(
      (request, response) => {
        const data = Array.from({ length: documents }, (_, index) => ({ id: `${index}`, text }));
        sendJson(response, 200, answerTo(request, { data }));
      },
      async (client) => {
        const docs = await client.post('/encode', 'a');
        assert.equal(docs.length, documents);
        assert.ok(docs.every((doc) => doc.text === text));
      },
    );
  });

  it('draws its progress on a terminal when it is asked to', async (t) => {
    let drawn = '';
    t.mock.method(process.stderr, 'write', (text: string) => {
      drawn += text;
      return true;
    });
    const { isTTY } = process.stderr;
    process.stderr.isTTY = true;
    await withServer(echo, async (client) => {
      await client.post('/encode', letters, { requestSize: 3, showProgress: true });
      assert.match(drawn, /\/encode \d documents, .* of 7/);
      drawn = '';
      await client.post('/encode', letters);
      assert.equal(drawn, '');
    });
    process.stderr.isTTY = isTTY;
  });

  it('says which option makes no sense', () => {
    const client = new Client({ host: 'localhost:1' });
    const cases: [PostOptions, RegExp][] = [
      [{ prefetch: 0 }, /prefetch: expected an integer above 0, got the number 0/],
      [{ timeoutMs: -1 }, /timeoutMs: expected milliseconds above 0, got the number -1/],
      [{ requestSize: 1.5 }, /requestSize: expected an integer/],
      [{ retries: -1 }, /retries: expected an integer of 0 or more/],
      [{ priority: NaN }, /priority: expected an integer/],
    ];
    for (const [options, message] of cases) assert.throws(() => client.post('/encode', 'a', options), message);
  });

  it('says which host it cannot speak to', () => {
    assert.throws(() => new Client({ host: 'ftp://localhost:1' }), {
      reason: 'invalid_argument',
      message: 'host: expected http://, https://, grpc://, grpcs://, ws://, wss://, got ftp:// in ftp://localhost:1',
    });
    assert.throws(() => new Client({ host: '' }), /host: expected an address such as http:\/\/localhost:51000/);
  });

  it('puts the path of its host before every path', async () => {
    await withServer(echo, async (_client, server) => {
      const client = new Client({ host: `${server.url}/models/` });
      await client.post('/encode', 'a');
      await client.close();
      assert.equal(server.requests[0]?.path, '/models/post');
    });
  });
});

describe('errors and callbacks of a post', () => {
  const failSecond: Parameters<typeof withServer>[0] = (request, response) => {
    const isSecond = request.body.data[0]?.['text'] === 'b';
    sendJson(response, 200, isSecond ? faultTo(request, 'TypeError', 'bad text') : answerTo(request));
  };

  async function run(
    options: PostOptions,
    callbacks: readonly ('onDone' | 'onError' | 'onAlways')[],
  ): Promise<{ calls: string[]; texts: string[] | undefined; failure: unknown }> {
    const calls: string[] = [];
    let texts: string[] | undefined;
    let failure: unknown;
    await withServer(failSecond, async (client) => {
      const recorded = Object.fromEntries(
        callbacks.map((name) => [
          name,
          ({ docs }: { docs: { texts: string[] } }) => calls.push(name + docs.texts.join()),
        ]),
      );
      const every = { requestSize: 1, prefetch: 1, resultsInOrder: true };
      try {
        texts = (await client.post('/encode', Array.from('abc'), { ...every, ...options, ...recorded })).texts;
      } catch (error) {
        failure = error;
      }
    });
    return { calls, texts, failure };
  }

  it("throws an answer's error and drops the rest when nobody takes it", async () => {
    const { calls, texts, failure } = await run({}, ['onDone', 'onAlways']);
    assert.deepEqual(calls, ['onDonea', 'onAlwaysa']);
    assert.equal(texts, undefined);
    assert.ok(failure instanceof Error);
    assert.equal(failure.message, 'bad text');
    assert.deepEqual(Reflect.get(failure, 'exception'), { name: 'TypeError', args: ['bad text'], executor: 'Encoder' });
    assert.equal(Reflect.get(failure, 'reason'), 'executor_error');
  });

  it('gives the error to onError, then to onAlways, and throws nothing', async () => {
    const { calls, failure } = await run({}, ['onDone', 'onError', 'onAlways']);
    assert.equal(failure, undefined);
    assert.deepEqual(calls, ['onDonea', 'onAlwaysa', 'onErrorb', 'onAlwaysb', 'onDonec', 'onAlwaysc']);
  });

  it('counts the documents of a failed answer as results', async () => {
    assert.deepEqual((await run({}, ['onError'])).texts, Array.from('abc'));
    assert.deepEqual((await run({ continueOnError: true }, [])).texts, Array.from('abc'));
  });

  it('goes on after an error with continueOnError', async () => {
    const { calls, failure } = await run({ continueOnError: true }, ['onDone', 'onAlways']);
    assert.equal(failure, undefined);
    assert.deepEqual(calls, ['onDonea', 'onAlwaysa', 'onAlwaysb', 'onDonec', 'onAlwaysc']);
  });

  it('collects no documents for the one who awaits when onDone or onAlways takes them', async () => {
    assert.deepEqual((await run({ continueOnError: true }, ['onDone'])).texts, []);
    assert.deepEqual((await run({ continueOnError: true }, ['onAlways'])).texts, []);
  });

  it('waits for one callback before it makes the next', async () => {
    await withServer(echo, async (client) => {
      let running = 0;
      const onDone = async (): Promise<void> => {
        assert.equal(++running, 1);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      };
      await client.post('/encode', letters, { requestSize: 1, onDone });
    });
  });

  it('throws what a callback throws, as the cause', async () => {
    const broken = new RangeError('my bug');
    await withServer(echo, async (client) => {
      const onDone = (): never => {
        throw broken;
      };
      await assert.rejects(async () => client.post('/encode', 'a', { onDone }), {
        reason: 'callback_failed',
        message: /^onDone failed for request [0-9a-f]{32}: my bug$/,
        cause: broken,
      });
    });
  });

  it('writes what a callback throws to the log with continueOnError, and goes on', async (t) => {
    const warn = t.mock.method(console, 'warn', () => undefined);
    await withServer(echo, async (client) => {
      let calls = 0;
      const onDone = (): never => {
        throw new RangeError(`bug ${++calls}`);
      };
      await client.post('/encode', letters, { requestSize: 4, onDone, continueOnError: true });
    });
    assert.equal(warn.mock.callCount(), 2);
    assert.match(String(warn.mock.calls[0]?.arguments[0]), /onDone failed for request .*: bug 1/);
  });

  it('throws when a request got no answer, and calls nobody', async () => {
    await withServer(
      (_request, response) => void response.destroy(),
      async (client) => {
        const calls: string[] = [];
        const note = (name: string) => () => calls.push(name);
        const callbacks = { onDone: note('done'), onError: note('error'), onAlways: note('always') };
        await assert.rejects(async () => client.post('/encode', 'a', { ...callbacks, continueOnError: true }), {
          reason: 'connection_failed',
        });
        assert.deepEqual(calls, []);
      },
    );
  });

  it('keeps a reason of ours as the reason', async () => {
    await withServer(
      (request, response) => sendJson(response, 404, faultTo(request, 'unknown_endpoint', 'no executor binds /x')),
      async (client) => {
        await assert.rejects(async () => client.post('/x', 'a'), {
          reason: 'unknown_endpoint',
          code: 'not_found',
          message: 'no executor binds /x',
          details: { status: 404 },
        });
      },
    );
  });

  it('answers what was read before the inputs failed, then throws', async () => {
    await withServer(echo, async (client) => {
      const seen: string[] = [];
      const inputs = function* (): Generator<string> {
        yield* 'ab';
        throw new RangeError('no more');
      };
      await assert.rejects(
        async () => {
          for await (const doc of client.post('/encode', inputs, { requestSize: 1 })) seen.push(doc.text ?? '');
        },
        { reason: 'invalid_argument', message: 'reading the inputs failed: no more' },
      );
      assert.deepEqual(seen.sort(), ['a', 'b']);
    });
  });
});
