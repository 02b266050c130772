import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readEvents, type ServerEvent } from '../../../../client/http/event-stream.ts';
import { collect } from '../wire-server.ts';

function* cutAt(bytes: Uint8Array, places: readonly number[]): Generator<Uint8Array> {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...sorted, bytes.length]) {
    yield bytes.subarray(start, end);
    start = end;
  }
}

async function* later(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

function events(text: string, places: readonly number[] = []): Promise<ServerEvent[]> {
  return collect(readEvents(later(cutAt(new TextEncoder().encode(text), places))));
}

describe('server-sent events', () => {
  it('reads the same events however the bytes are cut, with either line end', async () => {
    const text = fc.string({ unit: 'binary' }).map((value) => JSON.stringify({ text: `event: end ${value}` }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { maxLength: 6 }),
        fc.constantFrom('\r\n', '\n'),
        fc.constantFrom('', 'data:'),
        fc.array(fc.nat(), { maxLength: 30 }),
        async (texts, line, endData, places) => {
          const ping = `: ping - now${line}${line}`;
          const updates = texts.map((data) => `event: update${line}data: ${data}${line}${line}`);
          const end = `event: end${line}${endData === '' ? '' : endData + line}${line}`;
          const read = await events(updates.join(ping) + end, places);
          assert.deepEqual(
            read,
            texts.map((data) => ({ name: 'update', data })),
          );
        },
      ),
    );
  });

  it('ends at the end event, whatever would follow', async () => {
    assert.deepEqual(await events('event: end\r\ndata: \r\n\r\nevent: update\r\ndata: 1\r\n\r\n'), []);
  });

  it('says that a stream without end event broke', async () => {
    for (const text of ['', 'event: update\r\ndata: {"a": "event: end"}\r\n\r\n', 'event: update\r\ndata: 1']) {
      await assert.rejects(events(text), { reason: 'connection_failed', message: /ended without its "end" event/ });
    }
  });
});
