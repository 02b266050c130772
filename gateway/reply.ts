import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

export const jsonHeaders: OutgoingHttpHeaders = { 'content-type': 'application/json' };

/** How long a client that is refused may go on sending its body, so that it gets to read the answer. */
const lingerMs = 2000;

/** Sends a whole answer; nothing if the caller has gone away. */
export function send(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | Buffer = '',
): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/**
 * Sends an answer after which the connection is closed.
 *
 * A connection that is closed while its client still sends is reset, and the answer is lost on the way: what comes is
 * thrown away for a while first.
 */
export function sendAndClose(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string,
): void {
  if (request.complete) {
    send(response, status, { ...headers, connection: 'close' }, body);
    return;
  }
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { ...headers, connection: 'close', 'content-length': Buffer.byteLength(body) });
  response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once('end', end).once('close', end).resume();
}
