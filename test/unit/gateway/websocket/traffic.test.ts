import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Document } from '../../../../core/index.ts';
import { SocketClient } from '../../../fixtures/socket-client.ts';
import { FakeClock } from '../../client/fake-clock.ts';
import { streamer } from '../golden-executors.ts';
import { Gate } from '../gate.ts';
import type { InProcessExecutor } from '../in-process-runtime.ts';
import { echo, runGateway, withGateway } from '../running-gateway.ts';
import { listeners, message, named, standstill, until, withClient } from './connected-client.ts';

describe('a stream over WebSocket', () => {
  const header = { request_id: 's', metadata: { accept: 'text/event-stream' } };

  it('is one message for each document, and an answer with routes as the last', async () => {
    await withClient({ executors: [streamer] }, 'json', async (client) => {
      client.sendJson({ header, data: [{ text: 'hello' }], execEndpoint: '/stream', parameters: { k: 1 } });
      for (const text of ['hello 0', 'hello 1', 'hello 2']) {
        const part = await client.nextJson();
        assert.deepEqual([part.header.request_id, part.routes, part.data[0]?.text], ['s', undefined, text]);
      }
      const last = await client.nextJson();
      assert.deepEqual([last.header.status, last.data, last.parameters], [undefined, [], { k: 1 }]);
      assert.equal(last.routes?.[0]?.executor, 'gateway');
    });
  });

  it('tells an error by its last message', async () => {
    const broken: InProcessExecutor = {
      name: 'broken',
      className: 'Broken',
      endpoints: {},
      streams: {
        '/broken': async function* () {
          yield new Document({ text: 'first' });
          await Promise.resolve();
          throw new RangeError('out of tokens');
        },
      },
    };
    await withClient({ executors: [broken] }, 'json', async (client) => {
      client.sendJson({ header, execEndpoint: '/broken' });
      assert.equal((await client.nextJson()).data[0]?.text, 'first');
      const last = await client.nextJson();
      assert.equal(last.header.status?.description, "RangeError('out of tokens')");
      assert.ok(last.routes);
    });
  });

  it('is not made faster than it is read, and ends when its reader goes away', async () => {
    const source = new EndlessSource();
    await withClient({ executors: [source.executor] }, 'json', async (client, { store }) => {
      client.sendJson({ header, execEndpoint: '/endless' });
      await client.nextJson();
      client.socket.pause();
      // The buffers of both sides fill up; then nothing is made any more.
      await standstill(() => source.yielded);
      assert.ok(source.yielded * source.documentBytes < 32 * 2 ** 20, `${source.yielded} documents`);
      client.socket.terminate();
      await until(() => source.isEnded);
      await until(() => store.read('sluice_requests_total').some(({ labels }) => labels.includes('cancelled')));
    });
  });

  it('is cancelled by a frame that names it, and others go on', async () => {
    const source = new EndlessSource();
    await withClient({ executors: [source.executor, echo] }, 'json', async (client) => {
      client.sendJson({ header, execEndpoint: '/endless' });
      await client.nextJson();
      client.sendJson({ cancel: 'other' });
      client.sendJson({ cancel: 's' });
      let last = await client.nextJson();
      while (last.routes === undefined) last = await client.nextJson();
      assert.equal(last.header.status?.exception.name, 'cancelled');
      assert.ok(source.isEnded);
      client.sendJson(named('r', '/encode'));
      assert.equal((await client.nextJson()).header.request_id, 'r');
    });
  });
});

/** A stream that goes on while somebody takes its documents. */
class EndlessSource {
  readonly documentBytes = 100_000;
  yielded = 0;
  isEnded = false;

  readonly executor: InProcessExecutor = {
    name: 'source',
    className: 'Source',
    endpoints: {},
    streams: { '/endless': (_docs, { signal }) => this.#endless(signal) },
  };

  async *#endless(signal: AbortSignal) {
    try {
      while (!signal.aborted) {
        this.yielded++;
        yield new Document({ text: 'x'.repeat(this.documentBytes) });
        await new Promise(setImmediate);
      }
    } finally {
      this.isEnded = true;
    }
  }
}

describe('a client that does not keep up', () => {
  it('has no more requests in flight than the flow allows, and gets every answer', async () => {
    const gate = new Gate();
    const fixture = { executors: [gate.executor], plan: { prefetch: 3 } };
    await withClient(fixture, 'json', async (client, { runtime }) => {
      for (let index = 0; index < 200; index++) client.sendJson(named(`r${index}`, '/wait'));
      await gate.arrived(3);
      // What came behind them was read into the same piece, and waits.
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      assert.equal(runtime.requests.length, 3);
      gate.open();
      const ids = new Set<string>();
      for (let index = 0; index < 200; index++) ids.add((await client.nextJson()).header.request_id);
      assert.equal(ids.size, 200);
    });
  });

  it('is not read from while it does not read its answers', async () => {
    const text = 'x'.repeat(200_000);
    await withClient({}, 'json', async (client, { runtime }) => {
      client.socket.pause();
      for (let index = 0; index < 200; index++) client.sendJson(named(`r${index}`, '/encode', { data: [{ text }] }));
      await until(() => runtime.requests.length > 0);
      const taken = await standstill(() => runtime.requests.length);
      assert.ok(taken < 150, `${taken} of 200 requests were taken`);
      client.socket.resume();
      for (let index = 0; index < 200; index++) await client.next();
      assert.equal(runtime.requests.length, 200);
    });
  });
});

describe('a connection without traffic', () => {
  it('is pinged, and cut when its client does not answer', async () => {
    const clock = new FakeClock();
    await withGateway({ plan: { listeners }, clock }, async ({ url }) => {
      const alive = await SocketClient.open(url, 'json');
      const dead = await SocketClient.open(url, 'json', { autoPong: false });
      const pings = { alive: 0, dead: 0 };
      alive.socket.on('ping', () => pings.alive++);
      dead.socket.on('ping', () => pings.dead++);
      for (let beat = 1; beat <= 2; beat++) {
        clock.advance(20_000);
        await until(() => pings.alive === beat && pings.dead === beat);
        // The pong travels back.
        alive.sendJson(named('r', '/encode'));
        await alive.nextJson();
      }
      clock.advance(20_000);
      assert.equal((await dead.closed).code, 1006);
      await until(() => pings.alive === 3);
      assert.equal(alive.socket.readyState, alive.socket.OPEN);
      alive.socket.terminate();
    });
  });
});

describe('a reader that lags behind', () => {
  it('is cut when it takes nothing for five minutes, and not before', async () => {
    const clock = new FakeClock();
    const source = new EndlessSource();
    await withClient({ executors: [source.executor], clock }, 'json', async (client) => {
      const metadata = { accept: 'text/event-stream', 'x-sluice-timeout': '1h' };
      client.sendJson({ header: { request_id: 's', metadata }, execEndpoint: '/endless' });
      const waitUnread = async (beats: number): Promise<void> => {
        client.socket.pause();
        await standstill(() => source.yielded);
        for (let beat = 0; beat < beats; beat++) clock.advance(20_000);
      };
      await waitUnread(15);
      client.socket.resume();
      const before = source.yielded;
      await until(() => source.yielded > before + 10);
      await waitUnread(15);
      assert.equal(source.isEnded, false);
      await waitUnread(2);
      await until(() => source.isEnded);
      client.socket.resume();
      assert.equal((await client.closed).code, 1006);
    });
  });
});

describe('a gateway that stops', () => {
  it('answers what it accepted over WebSocket, refuses what comes, and closes', async () => {
    const gate = new Gate();
    const { gateway, url } = await runGateway({ executors: [gate.executor], plan: { listeners } });
    const idle = await SocketClient.open(url, 'bytes');
    const clients = [await SocketClient.open(url, 'json'), await SocketClient.open(url, 'bytes')] as const;
    const [json, bytes] = clients;
    json.sendJson(named('r', '/wait'));
    bytes.sendMessage(message('r', '/wait'));
    await gate.arrived(2);
    const stopped = gateway.stop();
    assert.deepEqual(await idle.closed, { code: 1001, reason: 'the service is shutting down' });
    await assert.rejects(SocketClient.open(url, 'json'), /503/);
    json.sendJson(named('late', '/now'));
    const refused = await json.nextJson();
    assert.deepEqual([refused.header.request_id, refused.header.status?.exception.name], ['late', 'draining']);
    gate.open();
    assert.equal((await json.nextJson()).header.request_id, 'r');
    assert.equal((await bytes.nextMessage()).header?.request_id, 'r');
    for (const client of clients) assert.equal((await client.closed).code, 1001);
    await stopped;
  });

  it('closes with 1011 where it refused a request that nobody reads messages about, after its last answer', async () => {
    const gate = new Gate();
    const { gateway, url } = await runGateway({ executors: [gate.executor], plan: { listeners } });
    const client = await SocketClient.open(url, 'bytes');
    client.sendMessage(message('r', '/wait'));
    await gate.arrived(1);
    const stopped = gateway.stop();
    client.sendMessage(message('late', '/now'));
    // The pong comes behind the message.
    client.socket.ping();
    await new Promise((resolve) => client.socket.once('pong', resolve));
    gate.open();
    assert.equal((await client.nextMessage()).header?.request_id, 'r');
    const { code, reason } = await client.closed;
    assert.equal(code, 1011);
    assert.match(reason, /shutting down; send the request again/);
    await stopped;
  });

  it('cuts a client that does not take its close', async () => {
    const { gateway, url } = await runGateway({ plan: { listeners } });
    const client = await SocketClient.open(url, 'json');
    client.socket.pause();
    await gateway.stop();
    client.socket.resume();
    assert.equal((await client.closed).code, 1001);
  });
});
