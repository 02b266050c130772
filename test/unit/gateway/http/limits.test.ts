import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { FakeClock } from '../../client/fake-clock.ts';
import { Gate } from '../gate.ts';
import { parseAnswer, postJson, runGateway, type RunningGateway, sendRaw, withGateway } from '../running-gateway.ts';

const plan = { maxBodyBytes: 1000 };

function reasonOf(body: string): unknown {
  const answer = JSON.parse(body) as { header: { status: { exception: { name: string } } } };
  return answer.header.status.exception.name;
}

describe('body limit', () => {
  it('lets the largest body through', () =>
    withGateway({ plan }, async ({ url }) => {
      const body = '{"data":[]}'.padEnd(1000);
      assert.equal((await postJson(`${url}/post`, body)).status, 200);
      assert.equal((await postJson(`${url}/post`, `${body} `)).status, 413);
    }));

  it('refuses a body that is announced too large before any of it came, and closes', () =>
    withGateway({ plan }, async ({ port, runtime }) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.write('POST /post HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999\r\n\r\n{"data": [');
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      const answer = parseAnswer(chunk.toString());
      assert.equal(answer.status, 413);
      assert.equal(answer.headers.get('connection'), 'close');
      assert.equal(reasonOf(answer.body), 'request_too_large');
      assert.match(answer.body, /at most 1000 bytes, got 99999999999/);
      socket.end();
      await once(socket, 'close');
      assert.equal(runtime.requests.length, 0);
    }));

  it('refuses a body without length as soon as it is too large, while its client still sends', () =>
    withGateway({ plan }, async ({ port }) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write('POST /post HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n');
      const piece = `400\r\n${' '.repeat(0x400)}\r\n`;
      const answered = once(socket, 'data').then(([chunk]: Buffer[]) => parseAnswer(String(chunk)));
      const isAnswered = () => Promise.race([answered.then(() => true), new Promise((go) => setImmediate(go, false))]);
      // More than every buffer between the two: only a server that goes on reading answers.
      for (let sent = 0; sent < 8192 && !(await isAnswered()); sent++) {
        if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), answered]);
      }
      const answer = await answered;
      assert.equal(answer.status, 413);
      assert.equal(reasonOf(answer.body), 'request_too_large');
      socket.destroy();
    }));

  it('lets a client that sends all before it reads get its answer', () =>
    withGateway({ plan }, async ({ port }) => {
      const socket = net.connect(port, '127.0.0.1').pause();
      const body = Buffer.alloc(8 * 2 ** 20, ' ');
      socket.write(`POST /post HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`);
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.write(body, () => resolve());
      });
      const [chunk] = (await once(socket.resume(), 'data')) as [Buffer];
      assert.equal(parseAnswer(chunk.toString()).status, 413);
      await once(socket, 'close');
    }));

  it('does not ask for a body that is too large (100-continue)', () =>
    withGateway({ plan }, async ({ port }) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.write('POST /post HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5000\r\n\r\n');
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      assert.equal(parseAnswer(chunk.toString()).status, 413);
      socket.destroy();
    }));

  it('holds the bodies of all open requests to a bound, and lets go of them afterwards', () => {
    const gate = new Gate();
    return withGateway({ plan, executors: [gate.executor] }, async ({ url }) => {
      const body = '{"data":[]}'.padEnd(1000);
      const waiting = Array.from({ length: 8 }, () => postJson(`${url}/wait`, body));
      await gate.arrived(8);
      const refused = await postJson(`${url}/now`, body);
      assert.equal(refused.status, 429);
      assert.equal(refused.headers.get('retry-after'), '1');
      assert.equal(reasonOf(await refused.text()), 'queue_full');
      gate.open();
      for (const { status } of await Promise.all(waiting)) assert.equal(status, 200);
      assert.equal((await postJson(`${url}/now`, body)).status, 200);
    });
  });
});

describe('deadline', () => {
  it('ends a request that has no answer by then', () => {
    const clock = new FakeClock();
    const gate = new Gate();
    return withGateway({ clock, executors: [gate.executor] }, async ({ url, runtime }) => {
      const answer = postJson(`${url}/wait`, {}, { 'x-sluice-timeout': '2s' });
      await gate.arrived(1);
      clock.advance(1999);
      assert.equal(runtime.cancelled.length, 0);
      clock.advance(1);
      const response = await answer;
      assert.equal(response.status, 504);
      assert.equal(reasonOf(await response.text()), 'deadline_exceeded');
      assert.equal(runtime.cancelled[0]?.message, 'no answer within 2000 ms');
    });
  });

  it('is watched by one timer for all requests, and by none when the gateway has stopped', async () => {
    const clock = new FakeClock();
    const { gateway, url } = await runGateway({ clock });
    for (let request = 0; request < 5; request++) {
      assert.equal((await postJson(`${url}/encode`, {})).status, 200);
      assert.equal(clock.timerCount, 1);
    }
    await gateway.stop();
    assert.equal(clock.timerCount, 0);
  });
});

describe('client that goes away', () => {
  const cancelledOnce = async ({ runtime }: RunningGateway): Promise<void> => {
    while (runtime.cancelled.length === 0) await new Promise(setImmediate);
    assert.equal(runtime.cancelled[0]?.reason, 'cancelled');
  };

  it('cancels its request', () => {
    const gate = new Gate();
    return withGateway({ executors: [gate.executor] }, async (running) => {
      const socket = net.connect(running.port, '127.0.0.1');
      socket.write('POST /wait HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}');
      await gate.arrived(1);
      socket.destroy();
      await cancelledOnce(running);
      const page = await (await fetch(`${running.url}/metrics`)).text();
      assert.match(page, /endpoint="\/wait",reason="cancelled"\} 1/);
      assert.match(page, /sluice_inflight_requests\{protocol="http"\} 0/);
    });
  });

  it('in the middle of its body costs nothing further', () =>
    withGateway({}, async ({ port, url, runtime }) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.write('POST /post HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{"data":');
      await once(socket, 'connect');
      const inFlight = async () =>
        (await (await fetch(`${url}/metrics`)).text()).includes('inflight_requests{protocol="http"} 1');
      while (!(await inFlight())) await new Promise(setImmediate);
      socket.destroy();
      while (await inFlight()) await new Promise(setImmediate);
      assert.equal(runtime.requests.length, 0);
    }));
});

describe('broken HTTP', () => {
  it('is answered and closed', () =>
    withGateway({}, async ({ port }) => {
      assert.equal((await sendRaw(port, 'GET / HTTP/9.9\r\n\r\n')).status, 400);
      const large = `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`;
      assert.equal((await sendRaw(port, large)).status, 431);
    }));
});
