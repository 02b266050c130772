import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowError } from '../../../../core/index.ts';
import { postJson, withGateway } from '../running-gateway.ts';

describe('probes', () => {
  it('say ready only while every executor is, and else which one is not and why', () =>
    withGateway({ isLoading: true }, async ({ url, runtime }) => {
      const ready = async () => {
        const response = await fetch(`${url}/health/ready`);
        return [response.status, await response.json()] as const;
      };
      assert.deepEqual(await ready(), [
        503,
        {
          status: 'not_ready',
          reasons: ['executor echo is not ready: replica 0 is loading (50 %): reading weights'],
          executors: [
            {
              name: 'echo',
              is_ready: false,
              workers: [
                { replica: 0, state: 'loading', restarts: 0, device: 'cpu', message: 'reading weights', fraction: 0.5 },
              ],
            },
          ],
        },
      ]);
      assert.equal((await fetch(`${url}/health/live`)).status, 200);
      await runtime.start();
      const [status, body] = await ready();
      assert.equal(status, 200);
      assert.deepEqual((body as { status: string }).status, 'ready');
      runtime.become('failed', new FlowError('executor_load_failed', 'no such model'));
      assert.match(JSON.stringify(await ready()), /replica 0 is failed: executor_load_failed: no such model/);
      assert.equal((await fetch(`${url}/health/live`)).status, 200);
    }));

  it('answer dry_run with 200 always, and the error inside', () =>
    withGateway({ isLoading: true }, async ({ url, runtime }) => {
      const dryRun = async () => {
        const response = await fetch(`${url}/dry_run`);
        assert.equal(response.status, 200);
        return (await response.json()) as { code: number; description: string; exception: { name: string } | null };
      };
      const starting = await dryRun();
      assert.equal(starting.code, 1);
      assert.match(starting.description, /executor echo is not ready/);
      assert.equal(starting.exception?.name, 'not_ready');
      await runtime.start();
      assert.deepEqual(await dryRun(), { code: 0, description: '', exception: null });
    }));

  it('show versions, but nothing of the environment', () =>
    withGateway({}, async ({ url }) => {
      const page = (await (await fetch(`${url}/status`)).json()) as { jina: Record<string, string>; envs: object };
      assert.deepEqual(page.envs, {});
      assert.ok(Object.values(page.jina).every((value) => typeof value === 'string'));
      assert.match(page.jina['sluice'] ?? '', /^\d+\.\d+\.\d+/);
    }));
});

describe('a flow that is starting', () => {
  it('answers requests with 503 until it knows its endpoints, then serves them', () =>
    withGateway({ isLoading: true }, async ({ url, runtime }) => {
      for (const path of ['/post', '/encode', '/nope']) {
        const response = await postJson(url + path, {});
        assert.equal(response.status, 503, path);
        assert.equal(response.headers.get('retry-after'), '1');
        assert.match(await response.text(), /"name":"not_ready"/);
      }
      await runtime.start();
      assert.equal((await postJson(`${url}/encode`, {})).status, 200);
      assert.equal((await postJson(`${url}/nope`, {})).status, 404);
    }));

  it('is not asked for its endpoints again while its workers are busy and ready in turn', () =>
    withGateway({}, async ({ url, runtime }) => {
      runtime.become('ready');
      await postJson(`${url}/encode`, {});
      const before = runtime.statusCalls;
      for (let request = 0; request < 5; request++) {
        runtime.become('busy');
        await postJson(`${url}/encode`, {});
        runtime.become('ready');
      }
      assert.equal(runtime.statusCalls, before);
    }));
});

describe('paths', () => {
  it('lead without a trailing slash, with their query', () =>
    withGateway({}, async ({ url }) => {
      const response = await fetch(`${url}/encode/?a=1`, { method: 'POST', redirect: 'manual' });
      assert.equal(response.status, 307);
      assert.equal(response.headers.get('location'), `${url}/encode?a=1`);
      assert.equal((await fetch(`${url}/nope/`, { redirect: 'manual' })).status, 404);
    }));

  it('name the methods they take', () =>
    withGateway({}, async ({ url }) => {
      for (const [path, method, allow] of [
        ['/encode', 'GET', 'POST'],
        ['/encode', 'PATCH', 'POST'],
        ['/delete', 'POST', 'DELETE'],
        ['/', 'POST', 'GET'],
        ['/encode', 'HEAD', 'POST'],
      ] as const) {
        const response = await fetch(url + path, { method });
        assert.equal(response.status, 405, path);
        assert.equal(response.headers.get('allow'), allow);
      }
    }));

  it('answer HEAD like GET without the body', () =>
    withGateway({}, async ({ url }) => {
      const response = await fetch(`${url}/dry_run`, { method: 'HEAD' });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-length'), '44');
      assert.equal(await response.text(), '');
    }));

  it('may be percent-encoded, wrongly so, and long', () =>
    withGateway({}, async ({ url }) => {
      assert.equal((await postJson(`${url}/enc%6Fde`, {})).status, 200);
      assert.equal((await postJson(`${url}/%zz`, {})).status, 404);
      assert.equal((await postJson(`${url}/${'x'.repeat(3000)}`, {})).status, 404);
    }));
});

describe('CORS', () => {
  const preflight = {
    method: 'OPTIONS',
    headers: {
      origin: 'http://a.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-a',
    },
  };

  it('lets pages of any origin in where the flow says so', () =>
    withGateway({ plan: { cors: true } }, async ({ url }) => {
      const asked = await fetch(`${url}/post`, preflight);
      assert.equal(asked.status, 200);
      assert.equal(await asked.text(), 'OK');
      assert.equal(asked.headers.get('access-control-allow-origin'), 'http://a.example');
      assert.equal(asked.headers.get('access-control-allow-headers'), 'x-a');
      assert.equal(asked.headers.get('access-control-max-age'), '600');
      assert.match(asked.headers.get('access-control-allow-methods') ?? '', /\bPUT\b/);
      const answer = await postJson(`${url}/encode`, {}, { origin: 'http://a.example' });
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
      assert.equal(answer.headers.get('access-control-allow-credentials'), 'true');
      const personal = await postJson(`${url}/encode`, {}, { origin: 'http://a.example', cookie: 'a=1' });
      assert.equal(personal.headers.get('access-control-allow-origin'), 'http://a.example');
      const plain = await postJson(`${url}/encode`, {});
      assert.equal(plain.headers.get('access-control-allow-origin'), null);
    }));

  it('has no headers where the flow does not', () =>
    withGateway({}, async ({ url }) => {
      assert.equal((await fetch(`${url}/post`, preflight)).status, 405);
      const answer = await postJson(`${url}/encode`, {}, { origin: 'http://a.example' });
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
    }));
});

describe('API page', () => {
  it('loads all it needs from the gateway itself', () =>
    withGateway({}, async ({ url }) => {
      const response = await fetch(`${url}/docs`);
      const page = await response.text();
      assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'self'/);
      const sources = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(
        ([, source]) => new URL(source ?? '', `${url}/docs`),
      );
      assert.equal(sources.length, 3);
      for (const source of sources) {
        assert.equal(source.origin, url);
        const file = await fetch(source);
        assert.equal(file.status, 200, source.href);
        assert.match(
          file.headers.get('content-type') ?? '',
          source.href.endsWith('.css') ? /^text\/css/ : /^text\/javascript/,
        );
        assert.ok((await file.arrayBuffer()).byteLength > 0);
      }
      assert.equal((await fetch(`${url}/redoc`)).url, `${url}/docs`);
    }));

  it('serves no other file', () =>
    withGateway({}, async ({ url }) => {
      for (const path of ['/docs/package.json', '/docs/..%2f..%2fpackage.json', '/docs/swagger-ui.js']) {
        assert.equal((await fetch(url + path)).status, 404, path);
      }
    }));
});
