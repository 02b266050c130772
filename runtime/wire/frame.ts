import { FlowError } from '../../core/index.ts';

/** Bytes before each frame: body length u32, header length u32, stream u32, kind u8, three zero bytes; little endian. */
export const prefixBytes = 16;
/** Payloads begin at a multiple of this, counted from the start of the body. */
export const payloadAlignment = 64;
/** Bodies above this travel in pieces, so that a ping or a cancel never waits behind them. */
export const pieceBytes = 1 << 20;
/** Largest body that a reader accepts; more is a fault of the other side. */
export const maxBodyBytes = 0x7fff_ffff;

/** `whole`: the body follows. `begin`: a body of that length will follow in pieces. `piece`: the next part of a stream. */
export const frameKinds = { whole: 0, begin: 1, piece: 2 } as const;

/** A message as it arrived: header text, and the payload in memory of its own, aligned. */
export interface Frame {
  readonly header: string;
  readonly payload: Uint8Array;
}

const emptyPayload = new Uint8Array(0);

/** `length` rounded up to the payload alignment. */
export function aligned(length: number): number {
  return Math.ceil(length / payloadAlignment) * payloadAlignment;
}

export function writePrefix(
  target: Buffer,
  kind: number,
  bodyBytes: number,
  headerBytes: number,
  stream: number,
): void {
  target.writeUInt32LE(bodyBytes, 0);
  target.writeUInt32LE(headerBytes, 4);
  target.writeUInt32LE(stream, 8);
  target.writeUInt32LE(kind, 12);
}

interface Assembly {
  readonly body: Buffer;
  readonly headerBytes: number;
  filled: number;
}

/** Cuts a byte stream into frames. Keeps at most one incomplete frame and the bodies that are being assembled. */
export class FrameReader {
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  /** Bytes needed before parsing can go on. */
  private needed = prefixBytes;
  private readonly assemblies = new Map<number, Assembly>();

  /**
   * Frames completed by `chunk`, in order.
   *
   * @throws `protocol_error` when the bytes are no frames; the connection cannot be used any more.
   */
  push(chunk: Buffer): Frame[] {
    this.pending.push(chunk);
    this.pendingBytes += chunk.length;
    const frames: Frame[] = [];
    if (this.pendingBytes < this.needed) return frames;
    const buffer = this.pending.length === 1 ? chunk : Buffer.concat(this.pending, this.pendingBytes);
    let offset = 0;
    this.needed = prefixBytes;
    while (buffer.length - offset >= prefixBytes) {
      const bodyBytes = buffer.readUInt32LE(offset);
      const headerBytes = buffer.readUInt32LE(offset + 4);
      const kind = buffer.readUInt32LE(offset + 12);
      checkPrefix(kind, bodyBytes, headerBytes);
      const here = kind === frameKinds.begin ? 0 : bodyBytes;
      if (buffer.length - offset < prefixBytes + here) {
        this.needed = prefixBytes + here;
        break;
      }
      const body = buffer.subarray(offset + prefixBytes, offset + prefixBytes + here);
      const frame = this.accept(kind, body, bodyBytes, headerBytes, buffer.readUInt32LE(offset + 8));
      if (frame !== undefined) frames.push(frame);
      offset += prefixBytes + here;
    }
    this.pending = offset === buffer.length ? [] : [buffer.subarray(offset)];
    this.pendingBytes = buffer.length - offset;
    return frames;
  }

  private accept(
    kind: number,
    body: Buffer,
    bodyBytes: number,
    headerBytes: number,
    stream: number,
  ): Frame | undefined {
    if (kind === frameKinds.whole) {
      // A copy: the chunk holds other frames too, and is not aligned.
      const payload =
        bodyBytes > aligned(headerBytes) ? new Uint8Array(body.subarray(aligned(headerBytes))) : emptyPayload;
      return { header: body.toString('utf8', 0, headerBytes), payload };
    }
    if (kind === frameKinds.begin) {
      if (this.assemblies.has(stream)) throw new FlowError('protocol_error', `stream ${stream} began twice`);
      this.assemblies.set(stream, { body: Buffer.allocUnsafeSlow(bodyBytes), headerBytes, filled: 0 });
      return undefined;
    }
    const assembly = this.assemblies.get(stream);
    if (assembly === undefined) throw new FlowError('protocol_error', `a piece of stream ${stream}, which never began`);
    if (assembly.filled + body.length > assembly.body.length) {
      throw new FlowError(
        'protocol_error',
        `stream ${stream} is longer than the ${assembly.body.length} bytes announced`,
      );
    }
    assembly.body.set(body, assembly.filled);
    assembly.filled += body.length;
    if (assembly.filled < assembly.body.length) return undefined;
    this.assemblies.delete(stream);
    return {
      header: assembly.body.toString('utf8', 0, assembly.headerBytes),
      payload: payloadOf(assembly),
    };
  }
}

function payloadOf({ body, headerBytes }: Assembly): Uint8Array {
  const start = Math.min(aligned(headerBytes), body.length);
  return new Uint8Array(body.buffer, body.byteOffset + start, body.length - start);
}

function checkPrefix(kind: number, bodyBytes: number, headerBytes: number): void {
  if (kind > frameKinds.piece) throw new FlowError('protocol_error', `expected a frame of kind 0 to 2, got ${kind}`);
  if (bodyBytes > maxBodyBytes || (kind !== frameKinds.piece && headerBytes > bodyBytes)) {
    throw new FlowError('protocol_error', `a frame of ${bodyBytes} bytes with a header of ${headerBytes} cannot be`);
  }
  if (kind === frameKinds.begin && bodyBytes <= pieceBytes) {
    throw new FlowError('protocol_error', `a body of ${bodyBytes} bytes must travel whole, not in pieces`);
  }
}
