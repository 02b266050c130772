import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { createConnectionServer } from '../../../gateway/connections.ts';
import { Listener } from '../../../gateway/listener.ts';

const quick = { headersTimeout: 40, requestTimeout: 80, connectionsCheckingInterval: 10, keepAliveTimeout: 30 };

/** What a server with short limits says to a client that sends this and then waits. */
async function sendAndWait(text: string): Promise<string> {
  const server = createConnectionServer(
    (request, response) => {
      request.resume().on('end', () => response.end('whole'));
    },
    1000,
    quick,
  );
  const listener = await Listener.open({
    host: '127.0.0.1',
    port: 0,
    handlers: { http1: (socket) => void server.emit('connection', socket) },
  });
  const socket = net.connect(listener.port, '127.0.0.1');
  let said = '';
  socket.on('data', (chunk) => (said += String(chunk)));
  socket.write(text);
  await once(socket, 'close');
  await listener.close(0);
  server.close();
  return said;
}

describe('a connection that was handed in', () => {
  it('is cut off when its headers come too slowly', async () => {
    assert.match(await sendAndWait('GET / HTTP/1.1\r\nhost: a\r\nx-slow: '), /^HTTP\/1\.1 408 /);
  });

  it('is cut off when its body comes too slowly', async () => {
    assert.match(await sendAndWait('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nslow'), /^HTTP\/1\.1 408 /);
  });

  it('is closed when it is idle for long', async () => {
    assert.match(await sendAndWait('GET / HTTP/1.1\r\nhost: a\r\n\r\n'), /^HTTP\/1\.1 200 [^]*whole$/);
  });
});
