import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { FakeClock } from '../client/fake-clock.ts';
import { Gate } from './gate.ts';
import { parseAnswer, postJson, runGateway } from './running-gateway.ts';

const waitRequest = 'POST /wait HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}';
const nowRequest = waitRequest.replace('/wait', '/now');

describe('a gateway that stops', () => {
  it('answers what it accepted, refuses what comes, closes idle connections, and then the port', async () => {
    const gate = new Gate();
    const { gateway, port, url } = await runGateway({ executors: [gate.executor] });
    const idle = net.connect(port, '127.0.0.1');
    idle.write(nowRequest);
    await once(idle, 'data');
    const waiting = Array.from({ length: 20 }, () => postJson(`${url}/wait`, { data: [{ id: 'a' }] }));
    await gate.arrived(20);

    const stopped = gateway.stop();
    await once(idle, 'close');
    const refused = await postJson(`${url}/now`, {});
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('connection'), 'close');
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.match(await refused.text(), /"name":"draining"/);
    assert.equal((await fetch(`${url}/health/ready`)).status, 503);
    assert.equal((await fetch(`${url}/health/live`)).status, 200);

    gate.open();
    for (const answer of await Promise.all(waiting)) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('connection'), 'close');
      assert.match(await answer.text(), /"id":"a"/);
    }
    await stopped;
    await assert.rejects(fetch(`${url}/`));
  });

  it('loses no answer under load', async () => {
    const gate = new Gate();
    const { gateway, url } = await runGateway({ executors: [gate.executor] });
    const statuses: number[] = [];
    const failures: unknown[] = [];
    let isStopping = false;
    const caller = async (): Promise<void> => {
      while (!isStopping || statuses.length === 0) {
        try {
          statuses.push((await postJson(`${url}/now`, { data: [{}] })).status);
        } catch (error) {
          if (!isStopping) failures.push(error);
        }
      }
    };
    const callers = Array.from({ length: 8 }, caller);
    while (statuses.length < 200) await new Promise(setImmediate);
    isStopping = true;
    await gateway.stop();
    await Promise.all(callers);
    assert.deepEqual(failures, []);
    assert.deepEqual(
      [...new Set(statuses)].filter((status) => status !== 200 && status !== 503),
      [],
    );
  });

  it('takes the rest of a body that had begun', async () => {
    const gate = new Gate();
    const { gateway, port, url } = await runGateway({ executors: [gate.executor] });
    const socket = net.connect(port, '127.0.0.1');
    socket.write(nowRequest.slice(0, -1));
    while (!(await (await fetch(`${url}/metrics`)).text()).includes('inflight_requests{protocol="http"} 1')) {
      await new Promise(setImmediate);
    }
    const stopped = gateway.stop();
    socket.write('}');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    assert.equal(parseAnswer(chunk.toString()).status, 200);
    await stopped;
  });

  it('cuts off what is not answered within the time of the plan', async () => {
    const clock = new FakeClock();
    const gate = new Gate();
    const { gateway, url, runtime } = await runGateway({ clock, executors: [gate.executor] });
    const answer = postJson(`${url}/wait`, {});
    await gate.arrived(1);
    const stopped = gateway.stop();
    clock.advance(4999);
    assert.equal(runtime.cancelled.length, 0);
    clock.advance(1);
    const response = await answer;
    assert.equal(response.status, 503);
    assert.match(await response.text(), /"name":"draining"/);
    await stopped;
    assert.equal(runtime.cancelled[0]?.message, 'the service stopped before the answer was ready (5000 ms)');
  });

  it('stops once, however often it is told', async () => {
    const { gateway } = await runGateway();
    await Promise.all([gateway.stop(), gateway.stop()]);
    await gateway.stop();
  });
});
