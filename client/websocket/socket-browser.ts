import { FlowError } from '../../core/index.ts';
import { type Socket, type SocketOptions, subProtocol } from './socket.ts';

/** Over the platform's WebSocket: takes the place of socket-node.ts in browsers; starts to connect at once. */
export function openSocket({ url, headers, onOpen, onMessage, onEnd }: SocketOptions): Socket {
  const [name] = Object.keys(headers);
  if (name !== undefined) {
    throw new FlowError(
      'invalid_argument',
      `headers: expected none, browsers send no headers with a WebSocket, got ${name}: use http:// or https://`,
    );
  }
  const socket = new WebSocket(url, subProtocol);
  socket.onopen = onOpen;
  socket.onmessage = ({ data }: { readonly data: unknown }) => onMessage(typeof data === 'string' ? data : '');
  socket.onclose = ({ code, reason }) => onEnd({ code, reason });
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (text) => socket.send(text),
    setReading: () => undefined,
    setHolding: () => undefined,
    close: () => socket.close(),
  };
}
