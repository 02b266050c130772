import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowError } from '../../../../core/index.ts';
import { SocketClient } from '../../../fixtures/socket-client.ts';
import { FakeClock } from '../../client/fake-clock.ts';
import { encoder } from '../golden-executors.ts';
import { Gate } from '../gate.ts';
import type { InProcessExecutor } from '../in-process-runtime.ts';
import { withGateway } from '../running-gateway.ts';
import { named, message, until, withClient, listeners } from './connected-client.ts';

/** Fails in every way that the runtime knows. */
const failing: InProcessExecutor = {
  name: 'fails',
  className: 'Fails',
  endpoints: Object.fromEntries(
    (['executor_unavailable', 'worker_crashed', 'queue_full', 'wrong_count', 'invalid_argument'] as const).map(
      (reason) => [
        `/${reason}`,
        () => {
          throw new FlowError(reason, `it is ${reason}`);
        },
      ],
    ),
  ),
};

describe('a WebSocket connection', () => {
  it('answers as answers are ready, each with the id of its request', async () => {
    const gate = new Gate();
    await withClient({ executors: [gate.executor] }, 'json', async (client) => {
      client.sendJson(named('late', '/wait'));
      client.sendJson(named('early', '/now'));
      assert.equal((await client.nextJson()).header.request_id, 'early');
      gate.open();
      assert.equal((await client.nextJson()).header.request_id, 'late');
    });
  });

  it('answers what is pending after the end, and then closes', async () => {
    for (const protocol of ['json', 'bytes'] as const) {
      const gate = new Gate();
      await withClient({ executors: [gate.executor] }, protocol, async (client) => {
        if (protocol === 'json') client.sendJson(named('r', '/wait'));
        else client.sendMessage(message('r', '/wait'));
        client.socket.send(protocol === 'json' ? '{}' : Buffer.of(0));
        // Nothing is read behind the end.
        client.socket.send('nonsense');
        await gate.arrived(1);
        gate.open();
        assert.match(String((await client.next()).bytes), /r/);
        assert.deepEqual(await client.closed, { code: 1000, reason: '' });
      });
    }
  });

  it('tells what is wrong with one request and goes on with the next', async () => {
    await withClient({ executors: [failing, encoder] }, 'json', async (client) => {
      const reasons = ['worker_crashed', 'queue_full', 'wrong_count', 'invalid_argument', 'executor_unavailable'];
      for (const reason of reasons) {
        client.sendJson(named(reason, `/${reason}`));
        const { header } = await client.nextJson();
        assert.equal(header.request_id, reason);
        assert.equal(header.status?.exception.name, reason);
      }
      client.sendJson(named('u', '/nope'));
      assert.equal((await client.nextJson()).header.status?.exception.name, 'unknown_endpoint');
      client.sendJson({ ...named('f', '/encode'), data: 5 });
      assert.match((await client.nextJson()).header.status?.description ?? '', /data: expected a list of documents/);
      client.sendJson(named('e', '/encode'));
      assert.equal((await client.nextJson()).data[0]?.embedding?.length, 4);
    });
  });

  it('of protobuf tells a crash and a full queue, and closes where an executor cannot be reached', async () => {
    await withClient({ executors: [failing] }, 'bytes', async (client) => {
      for (const reason of ['worker_crashed', 'queue_full', 'wrong_count', 'invalid_argument']) {
        client.sendMessage(message(reason, `/${reason}`));
        const { header } = await client.nextMessage();
        assert.deepEqual([header?.request_id, header?.status?.exception?.name], [reason, reason]);
      }
      client.sendMessage(message('r', '/executor_unavailable'));
      assert.deepEqual(await client.closed, { code: 1011, reason: 'it is executor_unavailable' });
    });
  });

  it('closes where a request without an id is late by the limit of the flow, not by its own', async () => {
    const gate = new Gate();
    const clock = new FakeClock();
    await withClient({ executors: [gate.executor], clock }, 'bytes', async (client, { runtime }) => {
      client.sendMessage(message('own', '/wait', 1000));
      await until(() => runtime.requests.length === 1);
      clock.advance(1000);
      const { header } = await client.nextMessage();
      assert.deepEqual([header?.request_id, header?.status?.exception?.name], ['own', 'deadline_exceeded']);
      client.sendMessage(message('r', '/wait'));
      await until(() => runtime.requests.length === 2);
      clock.advance(60_000);
      assert.deepEqual(await client.closed, { code: 1011, reason: 'no answer within 60000 ms' });
    });
  });

  it('tells a named request that it is late', async () => {
    const gate = new Gate();
    const clock = new FakeClock();
    await withClient({ executors: [gate.executor], clock }, 'json', async (client, { runtime }) => {
      client.sendJson(named('r', '/wait'));
      await until(() => runtime.requests.length === 1);
      clock.advance(60_000);
      assert.equal((await client.nextJson()).header.status?.exception.name, 'deadline_exceeded');
    });
  });

  it('tells a named request that the flow still starts, and closes for others', async () => {
    const fixture = { isLoading: true };
    await withClient(fixture, 'json', async (client, { url }) => {
      client.sendJson(named('r', '/encode'));
      const { header } = await client.nextJson();
      assert.deepEqual([header.request_id, header.status?.exception.name], ['r', 'not_ready']);
      const other = await SocketClient.open(url, 'bytes');
      other.sendMessage(message('r', '/encode'));
      const { code, reason } = await other.closed;
      assert.equal(code, 1011);
      assert.match(reason, /still starting/);
    });
  });

  it('reads time, priority and trace of a request from its metadata, and from the handshake', async () => {
    const headers = { 'x-sluice-priority': '2', 'x-sluice-timeout': '7s' };
    await withGateway({ plan: { listeners } }, async ({ url, runtime }) => {
      const client = await SocketClient.open(url, 'json', { headers });
      const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
      const metadata = { 'x-sluice-priority': '9', traceparent };
      client.sendJson({ header: { request_id: 'r', timeout: 500, metadata }, execEndpoint: '/encode' });
      await client.nextJson();
      client.sendJson(named('s', '/encode'));
      await client.nextJson();
      const [first, second] = runtime.requests;
      assert.deepEqual([first?.priority, second?.priority], [9, 2]);
      assert.equal(first?.trace?.traceId, 'a'.repeat(32));
      assert.ok(second && first.deadline < second.deadline - 5000);
      client.sendJson({ header: { request_id: 't', metadata: { 'x-sluice-timeout': 'soon' } } });
      assert.match((await client.nextJson()).header.status?.description ?? '', /x-sluice-timeout: expected a duration/);
      client.socket.terminate();
    });
  });

  it('is counted by protocol, message by message, nonsense too', async () => {
    await withClient({}, 'json', async (client, { store }) => {
      client.sendJson(named('r', '/encode'));
      await client.nextJson();
      client.socket.send('{');
      assert.deepEqual((await client.closed).code, 1007);
      const counted = store.read('sluice_requests_total').map(({ labels, value }) => [...labels, value]);
      assert.deepEqual(counted, [
        ['websocket', '/encode', 'ok', 1],
        ['websocket', 'other', 'malformed_json', 1],
      ]);
      const phases = store.read('sluice_phase_seconds').map(({ labels }) => labels.join());
      for (const phase of ['decode', 'admit', 'encode']) assert.ok(phases.includes(`${phase},gateway`), phase);
    });
  });

  it('closes when a message is larger than the limit', async () => {
    await withClient({ plan: { maxBodyBytes: 1000 } }, 'json', async (client, { store }) => {
      client.socket.send('x'.repeat(1001));
      assert.equal((await client.closed).code, 1009);
      assert.ok(store.read('sluice_requests_total').some(({ labels }) => labels.includes('request_too_large')));
    });
  });

  it('refuses what all open requests together hold too much of', async () => {
    const gate = new Gate();
    await withClient({ executors: [gate.executor], plan: { maxBodyBytes: 1000 } }, 'json', async (client) => {
      const data = [{ text: 'x'.repeat(900) }];
      for (let index = 0; index < 9; index++) client.sendJson(named(`r${index}`, '/wait', { data }));
      const { header } = await client.nextJson();
      assert.deepEqual([header.request_id, header.status?.exception.name], ['r8', 'queue_full']);
      gate.open();
    });
  });
});
