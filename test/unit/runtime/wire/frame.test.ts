import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from '../../../../runtime/wire/frame.ts';
import { connectedLinks } from '../../../fixtures/links.ts';

describe('frames', () => {
  it('arrive as they were sent, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string(), fc.uint8Array({ maxLength: 300 })), { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 64 })),
        async (messages, sizes) => {
          const bytes = await bytesOf(messages);
          const reader = new FrameReader();
          const frames = [];
          for (let offset = 0; offset < bytes.length;) {
            const size = sizes.next().value as number;
            frames.push(...reader.push(bytes.subarray(offset, offset + size)));
            offset += size;
          }
          assert.equal(frames.length, messages.length);
          frames.forEach(({ header, payload }, index) => {
            const [text = '', body = new Uint8Array()] = messages[index] ?? [];
            assert.deepEqual(JSON.parse(header), { type: 'test', text });
            assert.deepEqual(Buffer.from(payload.subarray(0, body.length)), Buffer.from(body));
            assert.equal(payload.byteOffset % 8, 0);
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  it('never crash, hang or grow on bytes that are none: they are refused or wait for more', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          assert.ok(Array.isArray(new FrameReader().push(Buffer.from(bytes))));
        } catch (error) {
          assert.equal((error as { reason?: string }).reason, 'protocol_error');
        }
      }),
    );
  });

  it('refuse a piece of a stream that never began', () => {
    const frame = Buffer.alloc(17);
    frame.writeUInt32LE(1, 0);
    frame.writeUInt32LE(2, 12);
    assert.throws(() => new FrameReader().push(frame), { message: /which never began/ });
  });
});

/** What a link writes for these messages. */
async function bytesOf(messages: readonly (readonly [string, Uint8Array])[]): Promise<Buffer> {
  const { left, right, close } = await connectedLinks();
  const chunks: Buffer[] = [];
  right.socket.removeAllListeners('data');
  right.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (const [text, body] of messages) {
    const padded = new Uint8Array(Math.ceil(body.length / 64) * 64);
    padded.set(body);
    left.link.send({ type: 'test', text }, { parts: [padded], bytes: padded.length });
  }
  left.link.end();
  await new Promise((resolve) => right.socket.once('end', resolve));
  close();
  return Buffer.concat(chunks);
}

describe('a link', () => {
  it('lets a short message overtake a long one, and delivers both whole', async () => {
    const { left, right, close } = await connectedLinks();
    const body = new Uint8Array(64 << 20).fill(7);
    left.link.send({ type: 'test', text: 'long' }, { parts: [body], bytes: body.length });
    left.link.send({ type: 'test', text: 'short' });
    const first = await right.next();
    const second = await right.next();
    assert.equal(first.message.text, 'short');
    assert.equal(second.message.text, 'long');
    assert.ok(Buffer.from(second.payload).equals(Buffer.from(body)));
    close();
  });

  it('tells once that the other side is gone', async () => {
    const { left, right } = await connectedLinks();
    left.link.destroy();
    await right.closed;
    right.link.send({ type: 'test', text: 'into the void' });
  });

  it('closes with a protocol error on a header that is no message', async () => {
    const { left, right } = await connectedLinks();
    left.socket.write(Buffer.from([2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x5b, 0x5d]));
    const error = await right.closed;
    assert.equal(error?.reason, 'protocol_error');
    await left.closed;
  });
});
