import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { type Gateway, startGateway } from '../../gateway/index.ts';
import { type ExecutorFixture, prepareRuntime, type RunningRuntime } from '../fixtures/running-runtime.ts';
import { SocketClient } from '../fixtures/socket-client.ts';

/** A worker that hangs is ended soon, so that the test ends soon. */
const hangGraceMs = 100;

/** Workers behind a gateway that speaks every protocol on one port. */
class Served {
  readonly running: RunningRuntime;
  readonly gateway: Gateway;
  readonly url: string;

  private constructor(running: RunningRuntime, gateway: Gateway) {
    this.running = running;
    this.gateway = gateway;
    this.url = gateway.urls[0] ?? '';
  }

  /** The workers are not started yet. */
  static async prepare(executors: readonly ExecutorFixture[]): Promise<Served> {
    const running = prepareRuntime(executors, hangGraceMs);
    const { runtime, instrument } = running;
    const listeners = [{ port: 0, protocols: ['http', 'grpc', 'websocket'] as const }];
    const plan = { ...runtime.plan, gateway: { ...runtime.plan.gateway, listeners } };
    const metricsPage = () => Promise.resolve({ contentType: 'text/plain', body: '' });
    return new Served(running, await startGateway({ plan, runtime, instrument, metricsPage }));
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.running.stop();
    await assert.rejects(SocketClient.open(this.url));
  }

  /** Whether a worker has logged a text. */
  hasLogged(text: string): boolean {
    return this.running.logs.some((line) => JSON.stringify(line).includes(text));
  }
}

const named = (id: string, endpoint: string, more: object = {}): object => ({
  header: { request_id: id },
  data: [{ id: 'd', text: 'hello' }],
  execEndpoint: endpoint,
  ...more,
});

describe('WebSocket gateway over worker processes', () => {
  let served: Served;
  before(async () => {
    served = await Served.prepare([
      { file: 'echo.ts', name: 'echo', dynamicBatching: { '/hash': { timeoutMs: 50 } } },
      { file: 'faults.ts', name: 'faults', needs: ['echo'] },
    ]);
  });
  after(() => served.stop());

  const session = async (protocol: 'json' | 'bytes', test: (client: SocketClient) => Promise<void>): Promise<void> => {
    const client = await SocketClient.open(served.url, protocol);
    try {
      await test(client);
    } finally {
      client.socket.terminate();
    }
  };
  const failureOf = async (client: SocketClient, id: string, endpoint: string, more = {}): Promise<string> => {
    client.sendJson(named(id, endpoint, more));
    const { header } = await client.nextJson();
    assert.equal(header.request_id, id);
    return header.status?.exception.name ?? 'none';
  };

  it('says that it starts, and is ready when every worker is', async () => {
    await session('json', async (client) => {
      assert.equal(await failureOf(client, 'r', '/hash'), 'not_ready');
      const probe = await SocketClient.open(`${served.url}/dry_run`, 'bytes');
      assert.equal((await probe.closed).code, 1011);
      await served.running.runtime.start();
      assert.equal(await failureOf(client, 's', '/hash'), 'none');
      const again = await SocketClient.open(`${served.url}/dry_run`, 'bytes');
      assert.equal((await again.closed).code, 1000);
    });
  });

  it('joins requests of one connection and gives each its own answer, in both forms', async () => {
    await session('json', async (client) => {
      for (let index = 1; index <= 16; index++) {
        client.sendJson(named(`r${index}`, '/hash', { data: [{ text: 'x'.repeat(index) }] }));
      }
      const seen = new Set<string>();
      for (let index = 1; index <= 16; index++) {
        const { header, data } = await client.nextJson();
        seen.add(header.request_id);
        assert.deepEqual(data[0]?.embedding, new Array(4).fill(Number(header.request_id.slice(1))));
      }
      assert.equal(seen.size, 16);
    });
    const batches = served.running.store.read('sluice_batches_total').filter(({ labels }) => labels.includes('/hash'));
    assert.ok(batches.reduce((sum, { value }) => sum + value, 0) < 16);
    await session('bytes', async (client) => {
      const data = { docs: { docs: [{ id: 'a', text: 'abc' }] } };
      client.sendMessage({ header: { request_id: 'b', exec_endpoint: '/hash' }, data });
      const answer = await client.nextMessage();
      assert.equal(answer.header?.request_id, 'b');
      assert.deepEqual(answer.data?.docs?.docs?.[0]?.embedding?.dense?.shape, [4]);
      client.socket.send(Buffer.of(0));
      assert.equal((await client.closed).code, 1000);
    });
  });

  it('tells each failure to the request that has it, and serves on', async () => {
    await session('json', async (client) => {
      assert.equal(await failureOf(client, 'throw', '/throw'), 'RangeError');
      assert.equal(await failureOf(client, 'count', '/drop'), 'wrong_count');
      assert.equal(await failureOf(client, 'result', '/garbage'), 'invalid_result');
      assert.equal(await failureOf(client, 'target', '/hash', { targetExecutor: 'nobody' }), 'unknown_target');
      const limit = { header: { request_id: 'late', timeout: 100 } };
      assert.equal(await failureOf(client, 'late', '/hang', limit), 'deadline_exceeded');
      assert.equal(await failureOf(client, 'fine', '/ok'), 'none');
    });
  });

  it('tells that a worker died, and goes on with the next one', async () => {
    await session('json', async (client) => {
      assert.equal(await failureOf(client, 'crash', '/exit-write'), 'worker_crashed');
      assert.equal(await failureOf(client, 'fine', '/ok'), 'none');
    });
    await session('bytes', async (client) => {
      client.sendMessage({ header: { request_id: 'crash', exec_endpoint: '/exit-write' } });
      assert.equal((await client.nextMessage()).header?.status?.exception?.name, 'worker_crashed');
    });
  });

  it('frees the worker of a client that goes away', async () => {
    const client = await SocketClient.open(served.url, 'json');
    client.sendJson(named('r', '/hang'));
    await served.running.until(() => served.hasLogged('hangs in /hang'));
    client.socket.terminate();
    await served.running.until(() =>
      served.running.store
        .read('sluice_requests_total')
        .some(({ labels }) => labels.includes('websocket') && labels.includes('/hang') && labels.includes('cancelled')),
    );
    await session('json', async (next) => assert.equal(await failureOf(next, 'fine', '/ok'), 'none'));
  });
});

describe('a full queue', () => {
  it('is told to the requests that find it so', async () => {
    const queue = { requests: 1, bytes: 1e6 };
    const served = await Served.prepare([{ file: 'faults.ts', name: 'faults', queue }]);
    try {
      await served.running.runtime.start();
      const client = await SocketClient.open(served.url, 'json');
      const count = 8;
      for (let index = 0; index < count; index++) client.sendJson(named(`r${index}`, '/slow'));
      const outcomes = new Map<string, number>();
      for (let index = 0; index < count; index++) {
        const { header } = await client.nextJson();
        const outcome = header.status?.exception.name ?? 'answered';
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      assert.deepEqual([...outcomes.keys()].sort(), ['answered', 'queue_full']);
      await client.close();
    } finally {
      await served.stop();
    }
  });
});

describe('streams of worker processes over WebSocket', () => {
  const header = { request_id: 's', metadata: { accept: 'text/event-stream' } };
  let served: Served;
  before(async () => {
    served = await Served.prepare([{ file: 'streaming.ts', name: 'streaming' }]);
    await served.running.runtime.start();
  });
  after(() => served.stop());

  it('come document by document, and tell an error in the middle', async () => {
    const client = await SocketClient.open(served.url, 'json');
    client.sendJson({ header, data: [{ text: 'go' }], execEndpoint: '/count', parameters: { until: 2 } });
    for (const text of ['go 0', 'go 1']) assert.equal((await client.nextJson()).data[0]?.text, text);
    assert.ok((await client.nextJson()).routes);
    client.sendJson({ header, data: [{}], execEndpoint: '/count', parameters: { failAt: 1 } });
    await client.nextJson();
    assert.equal((await client.nextJson()).header.status?.description, "RangeError('failed at 1')");
    client.sendJson(named('one', '/count'));
    assert.equal((await client.nextJson()).header.status?.exception.name, 'streaming_endpoint');
    await client.close();
  });

  it('end in the worker when their reader goes away, or cancels them', async () => {
    const ended = (): number => served.running.logs.filter(({ msg }) => msg === 'the generator has ended').length;
    for (const leave of [
      (client: SocketClient) => client.socket.terminate(),
      (client: SocketClient) => client.sendJson({ cancel: 's' }),
    ]) {
      const before = ended();
      const client = await SocketClient.open(served.url, 'json');
      client.sendJson({ header, data: [{}], execEndpoint: '/count', parameters: { until: 1e9 } });
      await client.next();
      leave(client);
      await served.running.until(() => ended() > before);
      client.socket.terminate();
    }
  });
});

describe('a flow that stops', () => {
  it('answers what its WebSocket clients were promised', async () => {
    const served = await Served.prepare([{ file: 'faults.ts', name: 'faults' }]);
    await served.running.runtime.start();
    const client = await SocketClient.open(served.url, 'json');
    client.sendJson(named('r', '/slow', { parameters: { ms: 500 } }));
    client.socket.ping();
    await once(client.socket, 'pong');
    const stopped = served.stop();
    const { header } = await client.nextJson();
    assert.deepEqual([header.request_id, header.status], ['r', undefined]);
    assert.equal((await client.closed).code, 1001);
    await stopped;
  });
});
