import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Document, DocumentArray, FlowError, Tensor } from '../../../../core/index.ts';
import type { InProcessExecutor } from '../in-process-runtime.ts';
import { echo, postJson, sendRaw, withGateway } from '../running-gateway.ts';

const jsonType = { 'content-type': 'application/json' };

interface Answer {
  readonly header: { requestId: string; status: null | Record<string, unknown>; execEndpoint: string };
  readonly parameters: Record<string, unknown>;
  readonly routes: { executor: string; startTime: string; endTime: string | null }[];
  readonly data: Record<string, unknown>[];
}

const nested: InProcessExecutor = {
  name: 'nested',
  className: 'Nested',
  endpoints: { '/encode/model': (docs) => docs, '/encode': (docs) => docs },
};

async function answerOf(response: Response): Promise<Answer> {
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Answer;
}

describe('HTTP requests', () => {
  it('reach the endpoint that the path names, nested names too', () =>
    withGateway({ executors: [nested] }, async ({ url, runtime }) => {
      for (const path of ['/encode', '/encode/model']) {
        const answer = await answerOf(await postJson(url + path, { data: [{ text: 'a' }], execEndpoint: '/other' }));
        assert.equal(answer.header.execEndpoint, path);
      }
      assert.deepEqual(
        runtime.requests.map(({ endpoint }) => endpoint),
        ['/encode', '/encode/model'],
      );
    }));

  it('hand on parameters, target and documents in either spelling', () =>
    withGateway({}, async ({ url, runtime }) => {
      const body = {
        data: { docs: [{ text: 'a' }] },
        parameters: { k: 1 },
        target_executor: 'ec',
        exec_endpoint: '/x',
      };
      await answerOf(await postJson(`${url}/post`, body));
      const [request] = runtime.requests;
      assert.equal(request?.endpoint, '/x');
      assert.equal(request.targetExecutor, 'ec');
      assert.deepEqual(request.parameters, { k: 1 });
      assert.deepEqual(request.docs.texts, ['a']);
    }));

  it('get a fresh id, which the answer has in its header too', () =>
    withGateway({}, async ({ url }) => {
      const response = await postJson(`${url}/post`, { data: [], header: { requestId: 'mine' } });
      const answer = await answerOf(response);
      assert.match(answer.header.requestId, /^[0-9a-f]{32}$/);
      assert.equal(response.headers.get('x-request-id'), answer.header.requestId);
    }));

  it("show the gateway's own route first, and never shorter than a millisecond", () =>
    withGateway({}, async ({ url }) => {
      const { routes } = await answerOf(await postJson(`${url}/post`, { data: [{}] }));
      assert.deepEqual(
        routes.map(({ executor }) => executor),
        ['gateway', 'echo'],
      );
      const [start, end] = [routes[0]?.startTime ?? '', routes[0]?.endTime ?? ''];
      assert.match(start, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
      assert.ok(Date.parse(end) - Date.parse(start) >= 1, `${start} to ${end}`);
      assert.ok(Math.abs(Date.parse(start) - Date.now()) < 60_000);
    }));

  it('take their deadline from header, body and plan, the shortest first', () =>
    withGateway({ plan: { timeoutMs: 9000 } }, async ({ url, runtime }) => {
      const waits = async (body: object, headers: Record<string, string> = {}) => {
        await answerOf(await postJson(`${url}/post`, { data: [], ...body }, headers));
        return runtime.requests.at(-1)?.deadline ?? 0;
      };
      const plan = await waits({});
      const header = await waits({}, { 'x-sluice-timeout': '3s' });
      const both = await waits({ header: { timeout: 1000 } }, { 'x-sluice-timeout': '3s' });
      const none = await waits({ header: { timeout: 0 } });
      assert.ok(plan - header > 4000 && plan - header < 6000.1);
      assert.ok(header - both > 1000 && header - both < 2000.1);
      assert.ok(none > plan);
    }));

  it('take priority and trace from HTTP headers, and sooner from header.metadata', () =>
    withGateway({}, async ({ url, runtime }) => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      await answerOf(await postJson(`${url}/post`, { data: [] }, { traceparent, 'x-sluice-priority': '3' }));
      assert.equal(runtime.requests.at(-1)?.priority, 3);
      assert.equal(runtime.requests.at(-1)?.trace?.traceId, '0af7651916cd43dd8448eb211c80319c');
      const metadata = { traceparent: traceparent.replace('0af7', 'aaaa'), 'x-sluice-priority': 5 };
      await answerOf(await postJson(`${url}/post`, { data: [], header: { metadata } }, { 'x-sluice-priority': '3' }));
      assert.equal(runtime.requests.at(-1)?.priority, 5);
      assert.equal(runtime.requests.at(-1)?.trace?.traceId, 'aaaa651916cd43dd8448eb211c80319c');
    }));

  it('get tensors as base64 when they accept that', () =>
    withGateway({}, async ({ url }) => {
      const doc = { id: 'a', embedding: { dtype: 'int8', shape: [2], data: 'AQI=' } };
      const accept = 'application/json;tensors=base64';
      const answer = await answerOf(await postJson(`${url}/post`, { data: [doc] }, { accept }));
      assert.deepEqual(answer.data[0]?.['embedding'], doc.embedding);
      const nestedForm = await answerOf(await postJson(`${url}/post`, { data: [doc] }));
      assert.deepEqual(nestedForm.data[0]?.['embedding'], [1, 2]);
    }));

  it('are read with any JSON content type, and with none', () =>
    withGateway({}, async ({ url, port }) => {
      const types = ['application/json; charset=utf-8', 'application/vnd.api+json', 'APPLICATION/JSON'];
      for (const type of types) await answerOf(await postJson(`${url}/post`, { data: [] }, { 'content-type': type }));
      const raw = await sendRaw(
        port,
        'POST /post HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}',
      );
      assert.equal(raw.status, 200);
    }));

  it('may come in pieces, and after 100 Continue', () =>
    withGateway({}, async ({ url, port }) => {
      const pieces = ['{"data": [{"te', 'xt": "ż', 'ółw"}]}'].map((piece) => Buffer.from(piece));
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          const piece = pieces.shift();
          if (piece === undefined) controller.close();
          else controller.enqueue(piece);
        },
      });
      const response = await fetch(`${url}/post`, { method: 'POST', body, duplex: 'half' });
      assert.equal((await answerOf(response)).data[0]?.['text'], 'żółw');
      const head =
        'POST /post HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n';
      assert.equal((await sendRaw(port, `${head}{}`)).status, 100);
    }));

  it('find exposed paths with their methods, and CRUD paths', () => {
    const exposed = [{ endpoint: '/encode', path: '/v2/embed', methods: ['POST', 'PUT'] }];
    return withGateway({ plan: { exposed } }, async ({ url, runtime }) => {
      for (const [path, method] of [
        ['/v2/embed', 'PUT'],
        ['/index', 'POST'],
        ['/search', 'POST'],
        ['/delete', 'DELETE'],
        ['/update', 'PUT'],
      ] as const) {
        await answerOf(await fetch(url + path, { method, headers: jsonType, body: '{"data":[]}' }));
      }
      const endpoints = runtime.requests.map(({ endpoint }) => endpoint);
      assert.deepEqual(endpoints, ['/encode', '/index', '/search', '/delete', '/update']);
    });
  });

  it('do not find CRUD and debug paths that the flow hides', () =>
    withGateway({ plan: { hasCrudEndpoints: false, hasDebugEndpoints: false, metrics: false } }, async ({ url }) => {
      for (const path of ['/index', '/post']) assert.equal((await postJson(url + path, {})).status, 404, path);
      for (const path of ['/status', '/dry_run', '/metrics']) assert.equal((await fetch(url + path)).status, 404, path);
    }));

  it('are counted with their endpoint where an executor binds it, and timed', () =>
    withGateway({}, async ({ url }) => {
      await answerOf(await postJson(`${url}/encode`, { data: [] }));
      await answerOf(await postJson(`${url}/post`, { data: [], execEndpoint: '/from/a/user' }));
      const page = await (await fetch(`${url}/metrics`)).text();
      assert.match(page, /sluice_requests_total\{protocol="http",endpoint="\/encode",reason="ok"\} 1/);
      assert.match(page, /sluice_requests_total\{protocol="http",endpoint="other",reason="ok"\} 1/);
      assert.match(page, /sluice_inflight_requests\{protocol="http"\} 0/);
      for (const phase of ['decode', 'admit', 'encode']) {
        assert.match(page, new RegExp(`sluice_phase_seconds_count\\{phase="${phase}",executor="gateway"\\} 2`));
      }
      assert.ok(!page.includes('/from/a/user'));
    }));

  it('carry large answers whole', () => {
    const wide: InProcessExecutor = {
      name: 'wide',
      className: 'Wide',
      endpoints: {
        '/wide': () =>
          DocumentArray.fromInputs(
            Array.from(
              { length: 200 },
              () => new Document({ embedding: Tensor.vector(new Float32Array(512).fill(0.25)) }),
            ),
          ),
      },
    };
    return withGateway({ executors: [wide] }, async ({ url }) => {
      const { data } = await answerOf(await postJson(`${url}/wide`, {}));
      assert.equal(data.length, 200);
      assert.deepEqual(new Set(data.map(({ embedding }) => (embedding as number[]).length)), new Set([512]));
    });
  });

  it('use one connection for many', () =>
    withGateway({}, async ({ port }) => {
      const one = 'POST /encode HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}';
      const { body } = await sendRaw(port, one + one + one.replace('\r\nhost', '\r\nconnection: close\r\nhost'));
      assert.equal(body.split('HTTP/1.1 200 OK').length, 3);
    }));
});

describe('HTTP errors', () => {
  const failing: InProcessExecutor = {
    ...echo,
    endpoints: {
      '/fail': () => {
        throw new TypeError('no such thing');
      },
      '/full': () => {
        throw new FlowError('queue_full', 'the queue is full', { details: { retryAfterMs: 4000 } });
      },
    },
  };

  it('of an executor are a 200 for who says header or execEndpoint, and a 500 for all others', () =>
    withGateway({ executors: [failing] }, async ({ url }) => {
      for (const [body, path, status] of [
        [{ execEndpoint: '/fail' }, '/post', 200],
        [{ exec_endpoint: '/fail' }, '/fail', 200],
        [{ header: {} }, '/fail', 200],
        [{}, '/fail', 500],
      ] as const) {
        const response = await postJson(url + path, { data: [{ id: 'a' }], ...body });
        assert.equal(response.status, status);
        const answer = (await response.json()) as Answer;
        assert.deepEqual(answer.header.status, {
          code: 1,
          description: "TypeError('no such thing')",
          exception: { name: 'TypeError', args: ['no such thing'], stacks: [], executor: 'Echo' },
        });
        assert.equal(answer.data[0]?.['id'], 'a');
      }
    }));

  it('say when to come again where a queue is full, and do not send the documents back', () =>
    withGateway({ executors: [failing] }, async ({ url }) => {
      const response = await postJson(`${url}/post`, { data: [{ id: 'a' }], execEndpoint: '/full' });
      assert.equal(response.status, 429);
      assert.equal(response.headers.get('retry-after'), '4');
      const answer = (await response.json()) as Answer;
      assert.equal(answer.data, null);
      assert.deepEqual((answer.header.status?.['exception'] as { name: string }).name, 'queue_full');
    }));

  it('are clear for an endpoint that nobody binds, while / passes', () =>
    withGateway({ executors: [failing] }, async ({ url }) => {
      const response = await postJson(`${url}/post`, { data: [], header: {}, execEndpoint: '/nope' });
      assert.equal(response.status, 404);
      const answer = (await response.json()) as Answer;
      assert.match(String(answer.header.status?.['description']), /no executor binds the endpoint/);
      await answerOf(await postJson(`${url}/post`, { data: [], header: {}, execEndpoint: '/' }));
    }));

  it('name the field that is wrong', () =>
    withGateway({}, async ({ url, runtime }) => {
      for (const [body, loc] of [
        [{ data: [{ id: 'a' }, { chunks: [{ text: 5 }] }] }, ['body', 'data', 1, 'chunks', 0, 'text']],
        [{ data: { docs: [{ embedding: 'x' }] } }, ['body', 'data', 'docs', 0, 'embedding']],
        [{ targetExecutor: 5 }, ['body', 'targetExecutor']],
        [{ header: { timeout: 'long' } }, ['body', 'header', 'timeout']],
        [{ header: { metadata: [] } }, ['body', 'header', 'metadata']],
      ] as const) {
        const response = await postJson(`${url}/post`, body);
        assert.equal(response.status, 422);
        const { detail } = (await response.json()) as { detail: { loc: unknown; ctx?: { error: string } }[] };
        const fault = detail.find(({ ctx }) => ctx !== undefined);
        assert.ok(fault);
        assert.deepEqual(fault.loc, loc);
        assert.match(fault.ctx?.error ?? '', /expected .*, got/);
      }
      assert.equal(runtime.requests.length, 0);
    }));

  it('tell where JSON breaks off, and that it is not UTF-8', () =>
    withGateway({}, async ({ url }) => {
      for (const [body, position] of [
        ['{"data": nope}', 10],
        ['{"data": [1,,2]}', 12],
        ['{"data": ', 9],
      ] as const) {
        const response = await postJson(`${url}/post`, body);
        assert.equal(response.status, 422);
        const { detail } = (await response.json()) as { detail: { loc: unknown; type: string }[] };
        assert.deepEqual([detail[0]?.type, detail[0]?.loc], ['json_invalid', ['body', position]]);
      }
      const latin = await fetch(`${url}/post`, {
        method: 'POST',
        headers: jsonType,
        body: Buffer.from('{"a":"é"}', 'latin1'),
      });
      assert.match(await latin.text(), /not UTF-8/);
    }));

  it('refuse encodings and content types that are not served', () =>
    withGateway({}, async ({ url }) => {
      assert.equal((await postJson(`${url}/post`, {}, { 'content-encoding': 'gzip' })).status, 415);
      for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'nonsense']) {
        assert.equal((await postJson(`${url}/post`, {}, { 'content-type': type })).status, 422, type);
      }
    }));

  it('are counted by their reason', () =>
    withGateway({ executors: [failing] }, async ({ url }) => {
      await (await postJson(`${url}/fail`, {})).text();
      await (await postJson(`${url}/post`, 'x')).text();
      const page = await (await fetch(`${url}/metrics`)).text();
      assert.match(page, /endpoint="\/fail",reason="executor_error"\} 1/);
      assert.match(page, /endpoint="other",reason="malformed_json"\} 1/);
    }));
});
