import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Gateway, startGateway } from '../../gateway/index.ts';
import { prepareRuntime, type RunningRuntime } from '../fixtures/running-runtime.ts';

interface Answer {
  readonly header: { status: null | { description: string; exception: { name: string; executor: string } } };
  readonly parameters: Record<string, unknown>;
  readonly routes: { executor: string; endTime: string | null; status: null | { code: number } }[];
  readonly data: { id: string; text: string; tags: Record<string, unknown>; embedding: number[] }[];
}

interface Served {
  readonly running: RunningRuntime;
  readonly gateway: Gateway;
  readonly url: string;
}

/** A worker that hangs is ended soon, so that the test ends soon. */
const hangGraceMs = 100;

/** A gateway over workers that are not started yet. */
async function serve(executors: Parameters<typeof prepareRuntime>[0]): Promise<Served> {
  const running = prepareRuntime(executors, hangGraceMs);
  const { runtime, instrument, live } = running;
  const metricsPage = () => Promise.resolve({ contentType: 'text/plain', body: '' });
  const gateway = await startGateway({ plan: runtime.plan, runtime, instrument, live, metricsPage });
  return { running, gateway, url: gateway.urls[0] ?? '' };
}

async function close({ running, gateway, url }: Served): Promise<void> {
  await gateway.stop();
  await running.stop();
  await assert.rejects(fetch(url));
}

async function post(url: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function answerOf(response: Response, status = 200): Promise<Answer> {
  assert.equal(response.status, status, await response.clone().text());
  return (await response.json()) as Answer;
}

describe('HTTP gateway over worker processes', () => {
  let served: Served;
  let url = '';

  before(async () => {
    served = await serve([
      { file: 'echo.ts', name: 'echo', dynamicBatching: { '/hash': { timeoutMs: 50 } } },
      { file: 'faults.ts', name: 'faults', needs: ['echo'] },
    ]);
    ({ url } = served);
  });
  after(async () => close(served));

  it('says that it starts, and is ready when every worker is', async () => {
    const starting = await post(`${url}/hash`, { data: [{ text: 'a' }] });
    assert.equal(starting.status, 503);
    assert.match(await starting.text(), /not_ready/);
    const probe = await fetch(`${url}/health/ready`);
    assert.equal(probe.status, 503);
    assert.match(await probe.text(), /executor echo is not ready/);
    await served.running.runtime.start();
    assert.equal((await fetch(`${url}/health/ready`)).status, 200);
    const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> };
    for (const path of ['/hash', '/throw', '/post']) assert.ok(paths[path], path);
    assert.equal(paths['/default'], undefined);
  });

  it('joins requests of different callers and gives each its own answer', async () => {
    const texts = Array.from({ length: 16 }, (_, index) => 'x'.repeat(index + 1));
    const answers = await Promise.all(
      texts.map(async (text) => answerOf(await post(`${url}/hash`, { data: [{ id: text, text }] }))),
    );
    answers.forEach(({ data }, index) => {
      assert.deepEqual(
        data.map(({ id }) => id),
        [texts[index]],
      );
      assert.deepEqual(data[0]?.embedding, new Array(4).fill(index + 1));
    });
    const batches = served.running.store.read('sluice_batches_total').filter(({ labels }) => labels.includes('/hash'));
    assert.ok(batches.reduce((sum, { value }) => sum + value, 0) < texts.length);
  });

  it("carries an executor's values in parameters", async () => {
    const { parameters } = await answerOf(await post(`${url}/values`, { data: [{}, {}], parameters: { k: 1 } }));
    assert.equal(parameters['k'], 1);
    assert.match(JSON.stringify(parameters['__results__']), /"count":2/);
  });

  it("shows an executor's exception with its class names, in its route too", async () => {
    const { header, routes } = await answerOf(await post(`${url}/post`, { data: [{}], execEndpoint: '/throw' }));
    assert.equal(header.status?.description, "RangeError('intentional failure')");
    assert.equal(header.status.exception.executor, 'Faults');
    assert.equal(routes.find(({ executor }) => executor === 'faults')?.status?.code, 1);
    assert.equal((await post(`${url}/throw`, { data: [{}] })).status, 500);
  });

  it('cancels at the deadline', async () => {
    const { header } = await answerOf(await post(`${url}/hang`, { data: [{}] }, { 'x-sluice-timeout': '100ms' }), 504);
    assert.equal(header.status?.exception.name, 'deadline_exceeded');
  });

  it('refuses a target that matches nobody', async () => {
    const { header } = await answerOf(await post(`${url}/hash`, { data: [], targetExecutor: 'nobody' }), 404);
    assert.equal(header.status?.exception.name, 'unknown_target');
  });
});

describe('event streams of worker processes', () => {
  let served: Served;
  let url = '';

  before(async () => {
    served = await serve([{ file: 'streaming.ts', name: 'streaming' }]);
    ({ url } = served);
    await served.running.runtime.start();
  });
  after(async () => close(served));

  it('streams, tells an error in the middle, and asks for a stream where one is needed', async () => {
    const whole = await (await fetch(`${url}/count?text=go`)).text();
    assert.deepEqual(
      [...whole.matchAll(/"text":"([^"]*)"/g)].map(([, text]) => text),
      ['go 0', 'go 1', 'go 2'],
    );
    assert.ok(whole.endsWith('event: end\r\n\r\n'));
    const broken = await (await post(`${url}/count`, { data: [{}], parameters: { failAt: 1 } })).text();
    assert.match(broken, /event: error\r\ndata: \{[^\r]*RangeError\('failed at 1'\)/);
    const { header } = await answerOf(await post(`${url}/post`, { data: [{}], execEndpoint: '/count' }), 400);
    assert.equal(header.status?.exception.name, 'streaming_endpoint');
  });

  it('ends the generator in the worker when the reader goes away', async () => {
    const abort = new AbortController();
    const response = await fetch(`${url}/count`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ data: [{}], parameters: { until: 1e9 } }),
      signal: abort.signal,
    });
    await response.body?.getReader().read();
    const ended = () => served.running.logs.filter(({ msg }) => msg === 'the generator has ended').length;
    const before = ended();
    abort.abort();
    await served.running.until(() => ended() > before);
  });
});
