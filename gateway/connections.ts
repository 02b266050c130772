import http from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A client that sends its headers or its body slower is cut off; connections are looked at every 5 s. */
const defaultLimits = {
  headersTimeout: 20_000,
  requestTimeout: 300_000,
  connectionsCheckingInterval: 5_000,
  // Longer than the 60 s of common load balancers, so that they close an idle connection first.
  keepAliveTimeout: 75_000,
} as const;

export type ConnectionLimits = { readonly [Name in keyof typeof defaultLimits]: number };

/**
 * Node's HTTP server for connections that a listener hands in; it never listens itself.
 *
 * @param maxBodyBytes a body that is announced larger is not asked for (`Expect: 100-continue`)
 */
export function createConnectionServer(
  listener: http.RequestListener,
  maxBodyBytes: number,
  limits: ConnectionLimits = defaultLimits,
): http.Server {
  const server = http.createServer(limits, listener);
  server.on('checkContinue', (request: http.IncomingMessage, response: http.ServerResponse) => {
    if (Number(request.headers['content-length'] ?? 0) <= maxBodyBytes) response.writeContinue();
    server.emit('request', request, response);
  });
  // Node starts its checks for slow clients when a server begins to listen.
  server.emit('listening');
  return server;
}

/**
 * Gives a request back to the server that took it for a change of protocol, without that wish: HTTP lets a server go on
 * as if it had not been uttered, as it must for `Upgrade: h2c`.
 */
export function declineUpgrade(server: http.Server, request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/${request.httpVersion}`];
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (!hopHeaders.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  const wishes = (request.headers.connection ?? '').split(',').map((wish) => wish.trim());
  const kept = wishes.filter((wish) => wish !== '' && !hopHeaders.has(wish.toLowerCase()));
  if (kept.length > 0) lines.push(`Connection: ${kept.join(', ')}`);
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

/** What belongs to the change of protocol and to nothing else. */
const hopHeaders = new Set(['connection', 'upgrade', 'http2-settings']);

/** The answer to bytes that are no HTTP request, to headers that are too long and to requests that are too slow. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = statusOf(error.code);
  const text = http.STATUS_CODES[status] ?? '';
  const body = JSON.stringify({ detail: text });
  socket.end(
    `HTTP/1.1 ${status} ${text}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function statusOf(code: string | undefined): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}
