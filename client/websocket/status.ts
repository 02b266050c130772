import { FlowError, type JsonObject, type Reason } from '../../core/index.ts';
import { connectionError, placeOf } from '../connection-error.ts';
import type { SocketEnd } from './socket.ts';

/** What a gateway says by the code that it closes a connection with; any other is a connection that broke. */
const byCloseCode: Readonly<Partial<Record<number, Reason>>> = {
  1001: 'draining',
  1003: 'unsupported_media_type',
  1007: 'invalid_argument',
  1009: 'request_too_large',
};

/** How `ws` words a handshake that was answered with an HTTP status. */
const refusedHandshake = /server response: (\d{3})$/;

/**
 * Why a request on a connection that ended has no answer.
 *
 * @param isOpened whether the connection was ever made
 * @param isLargest whether no other request on it was larger: a message over the limit closes the connection for all
 */
export function closeError(
  { code, reason, cause }: SocketEnd,
  url: URL,
  isOpened: boolean,
  isLargest: boolean,
): FlowError {
  const place = placeOf(url);
  if (!isOpened) return handshakeError(cause, url);
  const known = code === 1009 && !isLargest ? undefined : byCloseCode[code];
  const words = reason === '' ? `it was closed with code ${code}` : `${reason} (code ${code})`;
  if (known === 'request_too_large') {
    return new FlowError(known, `${words}: send fewer documents in one request (requestSize)`);
  }
  if (known !== undefined) return new FlowError(known, words);
  if (cause !== undefined) return connectionError(cause, url);
  const details: JsonObject = code === 1008 ? { status: 403 } : {};
  return new FlowError('connection_failed', `the connection to ${place} ended before the answer: ${words}`, {
    details,
  });
}

function handshakeError(cause: unknown, url: URL): FlowError {
  const place = placeOf(url);
  const status = cause instanceof Error ? refusedHandshake.exec(cause.message)?.[1] : undefined;
  if (status !== undefined) {
    const message = `${place} answered the WebSocket handshake with HTTP ${status}: does the gateway list the protocol websocket?`;
    return new FlowError('connection_failed', message, { details: { status: Number(status) }, cause });
  }
  if (cause !== undefined) return connectionError(cause, url);
  // Browsers do not say why.
  const advice =
    'check that the gateway is running there, lists the protocol websocket, and allows other origins (cors)';
  return new FlowError('connection_failed', `the connection to ${place} could not be made: ${advice}`);
}
