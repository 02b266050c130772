import type { Socket } from 'node:net';
import { FlowError } from '../../core/index.ts';
import { aligned, FrameReader, frameKinds, pieceBytes, prefixBytes, writePrefix } from './frame.ts';

/** Bytes handed to the socket before the next piece of a long body waits for it to drain. */
const socketBufferBytes = 2 * pieceBytes;

interface Message {
  readonly type: string;
}

/** A payload: bytes one after another, each part padded to the alignment by who made it. */
export interface Payload {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
}

export const noPayload: Payload = { parts: [], bytes: 0 };

interface LongBody {
  readonly stream: number;
  readonly body: Buffer;
  sent: number;
}

export interface LinkEvents<Incoming extends Message> {
  message(message: Incoming, payload: Uint8Array): void;
  /** Called once, after the last message; `error` is set unless the other side closed in order. */
  closed(error: FlowError | undefined): void;
}

/**
 * One end of the channel between parent and worker: messages out and in, in order.
 *
 * Messages sent within one turn of the event loop leave in one write. Bodies above 1 MiB are cut, and short messages
 * sent later overtake them.
 */
export class Link<Outgoing extends Message, Incoming extends Message> {
  private readonly socket: Socket;
  private readonly reader = new FrameReader();
  private outbox: Uint8Array[] = [];
  private isFlushing = false;
  private readonly longBodies: LongBody[] = [];
  private nextStream = 1;
  private isClosed = false;

  constructor(socket: Socket, events: LinkEvents<Incoming>) {
    this.socket = socket;
    let fault: FlowError | undefined;
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of this.reader.push(chunk))
          events.message(parseHeader(frame.header) as Incoming, frame.payload);
      } catch (error) {
        fault ??= FlowError.from(error, 'protocol_error');
        socket.destroy();
      }
    });
    socket.on('drain', () => {
      this.pump();
    });
    socket.on('error', (error) => {
      fault ??= FlowError.from(error, 'connection_failed', 'the channel broke');
    });
    socket.on('close', () => {
      this.isClosed = true;
      events.closed(fault);
    });
  }

  /** Queues a message; it is lost silently if the channel closes first, which the `closed` event tells. */
  send(message: Outgoing, payload: Payload = noPayload): void {
    if (this.isClosed) return;
    const header = JSON.stringify(message);
    const headerBytes = Buffer.byteLength(header);
    const bodyBytes = payload.bytes === 0 ? headerBytes : aligned(headerBytes) + payload.bytes;
    const isLong = bodyBytes > pieceBytes;
    const frame = Buffer.allocUnsafe(prefixBytes + (isLong ? 0 : bodyBytes));
    const stream = isLong ? this.nextStream++ : 0;
    writePrefix(frame, isLong ? frameKinds.begin : frameKinds.whole, bodyBytes, headerBytes, stream);
    this.outbox.push(frame);
    const body = isLong ? Buffer.allocUnsafeSlow(bodyBytes) : frame.subarray(prefixBytes);
    body.write(header, 0, 'utf8');
    let offset = bodyBytes - payload.bytes;
    for (const part of payload.parts) {
      body.set(part, offset);
      offset += part.length;
    }
    if (isLong) this.longBodies.push({ stream, body, sent: 0 });
    if (!this.isFlushing) {
      this.isFlushing = true;
      process.nextTick(() => {
        this.isFlushing = false;
        this.pump();
      });
    }
  }

  /** Sends what is queued, then closes the channel. */
  end(): void {
    this.pump();
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private pump(): void {
    if (this.isClosed) return;
    const { outbox } = this;
    if (outbox.length > 0) {
      this.outbox = [];
      const [first] = outbox;
      this.socket.write(outbox.length === 1 && first !== undefined ? first : Buffer.concat(outbox));
    }
    while (this.longBodies.length > 0 && this.socket.writableLength < socketBufferBytes) this.sendPiece();
  }

  /** One piece of the body that has waited longest; bodies take turns. */
  private sendPiece(): void {
    const long = this.longBodies.shift();
    if (long === undefined) return;
    const piece = long.body.subarray(long.sent, long.sent + pieceBytes);
    const prefix = Buffer.allocUnsafe(prefixBytes);
    writePrefix(prefix, frameKinds.piece, piece.length, 0, long.stream);
    this.socket.cork();
    this.socket.write(prefix);
    this.socket.write(piece);
    this.socket.uncork();
    long.sent += piece.length;
    if (long.sent < long.body.length) this.longBodies.push(long);
  }
}

function parseHeader(header: string): Message {
  let message: unknown;
  try {
    message = JSON.parse(header);
  } catch (error) {
    throw FlowError.from(error, 'protocol_error', 'the header of a frame is not JSON');
  }
  if (isMessage(message)) return message;
  throw new FlowError('protocol_error', 'expected an object with a type in the header of a frame');
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
