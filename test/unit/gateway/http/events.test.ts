import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { Document } from '../../../../core/index.ts';
import { FakeClock } from '../../client/fake-clock.ts';
import { streamer } from '../golden-executors.ts';
import type { InProcessExecutor } from '../in-process-runtime.ts';
import { postJson, type RunningGateway, sendRaw, withGateway } from '../running-gateway.ts';

/** Streams that end when the test says so. */
class Source {
  yielded = 0;
  isEnded = false;
  go: () => void = () => undefined;
  readonly #gone = new Promise<void>((resolve) => {
    this.go = resolve;
  });

  readonly executor: InProcessExecutor = {
    name: 'source',
    className: 'Source',
    endpoints: {},
    streams: {
      '/endless': (_docs, { signal }) => this.#endless(signal),
      '/broken': async function* (docs) {
        if (docs[0]?.text !== 'at once') yield new Document({ text: 'first' });
        await Promise.resolve();
        throw new RangeError('out of tokens');
      },
      '/quiet': () => this.#quiet(),
    },
  };

  async *#endless(signal: AbortSignal) {
    try {
      while (!signal.aborted) {
        this.yielded++;
        yield new Document({ text: 'x'.repeat(10_000) });
        await new Promise(setImmediate);
      }
    } finally {
      this.isEnded = true;
    }
  }

  async *#quiet() {
    await this.#gone;
    yield new Document({ text: 'late' });
  }
}

interface Event {
  readonly name: string;
  readonly data: Record<string, unknown>;
}

function eventsOf(body: string): Event[] {
  const blocks = body.split('\r\n\r\n');
  assert.equal(blocks.pop(), '');
  return blocks.map((block) => {
    const [name = '', data = 'data: {}', ...more] = block.split('\r\n');
    assert.deepEqual(more, []);
    assert.match(name, /^event: /);
    assert.match(data, /^data: /);
    return { name: name.slice(7), data: JSON.parse(data.slice(6)) as Record<string, unknown> };
  });
}

function textsOf(events: readonly Event[]): unknown[] {
  return events.map(({ name, data }) => (name === 'update' ? data['text'] : name));
}

const expected = ['hello 0', 'hello 1', 'hello 2', 'end'];

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

describe('server-sent events', () => {
  it('carry each document, then the end, in the form that Jina clients read', () =>
    withGateway({ executors: [streamer] }, async ({ url }) => {
      const response = await fetch(`${url}/stream?text=hello`);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
      assert.equal(response.headers.get('cache-control'), 'no-cache');
      assert.equal(response.headers.get('x-accel-buffering'), 'no');
      assert.match(response.headers.get('x-request-id') ?? '', /^[0-9a-f]{32}$/);
      assert.deepEqual(textsOf(eventsOf(await response.text())), expected);
    }));

  it('take the document alone as a body of GET, as a body of POST, or in a request', () =>
    withGateway({ executors: [streamer] }, async ({ url, port, runtime }) => {
      const body = '{"text": "hello", "id": "x"}';
      const head = `GET /stream HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ${body.length}\r\n`;
      const raw = await sendRaw(port, `${head}content-type: application/json\r\n\r\n${body}`);
      assert.equal(raw.status, 200);
      assert.equal(raw.body.split('event: update\r\n').length, 4);
      assert.equal(runtime.requests[0]?.docs[0]?.id, 'x');
      const alone = await postJson(`${url}/stream`, { text: 'hello' });
      assert.deepEqual(textsOf(eventsOf(await alone.text())), expected);
      const request = await postJson(`${url}/stream`, { data: [{ text: 'hello' }], parameters: { k: 1 } });
      assert.deepEqual(textsOf(eventsOf(await request.text())), expected);
      assert.deepEqual(runtime.requests[2]?.parameters, { k: 1 });
    }));

  it('do not contain the text at which clients cut', () =>
    withGateway({ executors: [streamer] }, async ({ url }) => {
      const text = 'an event: of note';
      const body = await (await postJson(`${url}/stream`, { text })).text();
      assert.equal(body.split('event: ').length, 5);
      assert.equal(eventsOf(body)[0]?.data['text'], `${text} 0`);
    }));

  it('tell an error before the end', () => {
    const source = new Source();
    return withGateway({ executors: [source.executor] }, async ({ url, store }) => {
      const response = await postJson(`${url}/broken`, { text: 'late' });
      const [first, second, third] = eventsOf(await response.text());
      assert.equal(first?.data['text'], 'first');
      assert.equal(second?.name, 'error');
      assert.equal(second.data['description'], "RangeError('out of tokens')");
      assert.equal(third?.name, 'end');
      assert.deepEqual(
        store.read('sluice_requests_total').map(({ labels }) => labels),
        [['http', '/broken', 'executor_error']],
      );
    });
  });

  it('give way to a status where the endpoint fails before the first document', () => {
    const source = new Source();
    return withGateway({ executors: [source.executor] }, async ({ url }) => {
      const response = await postJson(`${url}/broken`, { text: 'at once' });
      assert.equal(response.status, 500);
      assert.match(await response.text(), /RangeError\('out of tokens'\)/);
      assert.equal((await postJson(`${url}/broken`, 'x')).status, 422);
      assert.equal((await fetch(`${url}/broken?weight=x`)).status, 422);
    });
  });

  it('stop being made while nobody reads', () => {
    const source = new Source();
    return withGateway({ executors: [source.executor] }, async ({ port }) => {
      const socket = net.connect(port, '127.0.0.1').pause();
      socket.write('GET /endless HTTP/1.1\r\nhost: a\r\n\r\n');
      let last = -1;
      // The buffers between the two take some megabytes, then the source must stand still.
      for (let quietTurns = 0; quietTurns < 1000; quietTurns++) {
        if (source.yielded !== last) quietTurns = 0;
        last = source.yielded;
        await new Promise(setImmediate);
      }
      assert.ok(source.yielded > 0 && source.yielded < 5000, `${source.yielded} documents`);
      socket.resume();
      await until(() => source.yielded > last);
      socket.destroy();
      await until(() => source.isEnded);
    });
  });

  it('are cancelled when the reader goes away', () => {
    const source = new Source();
    return withGateway({ executors: [source.executor] }, async ({ port, runtime }: RunningGateway) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.write('GET /endless HTTP/1.1\r\nhost: a\r\n\r\n');
      await once(socket, 'data');
      socket.destroy();
      await until(() => source.isEnded);
      assert.equal(runtime.cancelled[0]?.reason, 'cancelled');
    });
  });

  it('are kept alive by a comment every 15 s', () => {
    const clock = new FakeClock();
    const source = new Source();
    return withGateway({ clock, executors: [source.executor], plan: { timeoutMs: 1e6 } }, async ({ url }) => {
      const answer = fetch(`${url}/quiet`);
      await until(() => clock.timerCount === 2);
      clock.advance(15_000);
      const response = await answer;
      clock.advance(15_000);
      source.go();
      const blocks = (await response.text()).split('\r\n\r\n');
      assert.match(blocks[0] ?? '', /^: ping - \d{4}-/);
      assert.match(blocks[1] ?? '', /^: ping - \d{4}-/);
      assert.deepEqual(textsOf(eventsOf(blocks.slice(2).join('\r\n\r\n'))), ['late', 'end']);
      assert.equal(clock.timerCount, 1, 'only the one that watches deadlines');
    });
  });

  it('end at the deadline', () => {
    const clock = new FakeClock();
    const source = new Source();
    return withGateway({ clock, executors: [source.executor] }, async ({ url, runtime }) => {
      const response = await fetch(`${url}/endless`, { headers: { 'x-sluice-timeout': '1s' } });
      clock.advance(1000);
      const events = eventsOf(await response.text());
      assert.deepEqual(
        events.slice(-2).map(({ name }) => name),
        ['error', 'end'],
      );
      assert.equal(runtime.cancelled[0]?.reason, 'deadline_exceeded');
    });
  });
});
