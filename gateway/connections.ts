import http from 'node:http';
import type { Socket } from 'node:net';

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
