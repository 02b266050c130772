import type { Socket as NetSocket } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import { type Socket, type SocketOptions, subProtocol } from './socket.ts';

/** V8 has no longer strings. */
const largestMessageBytes = 0x1fffffe8;

/** Over the `ws` package; starts to connect at once. */
export function openSocket({ url, headers, onOpen, onMessage, onEnd }: SocketOptions): Socket {
  const socket = new WebSocket(url, subProtocol, {
    headers: { ...headers },
    maxPayload: largestMessageBytes,
    // Base64 of floats hardly shrinks, and costs more than the network that it saves.
    perMessageDeflate: false,
  });
  let connection: NetSocket | undefined;
  let isHolding = true;
  let cause: unknown;
  const hold = (): void => {
    if (isHolding) connection?.ref();
    else connection?.unref();
  };
  socket.on('upgrade', (response) => {
    connection = response.socket;
    hold();
  });
  socket.on('open', onOpen);
  socket.on('message', (data) => onMessage(textOf(data)));
  socket.on('error', (error) => (cause ??= error));
  socket.on('close', (code, reason) => onEnd({ code, reason: reason.toString(), cause }));
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (text) => socket.send(text),
    setReading(isReading) {
      if (isReading) socket.resume();
      else socket.pause();
    },
    setHolding(value) {
      isHolding = value;
      hold();
    },
    close: () => socket.terminate(),
  };
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}
