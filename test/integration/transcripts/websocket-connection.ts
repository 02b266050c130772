import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';

/** What came from the server: a frame, or that the connection ended. */
export interface Received {
  readonly opcode: 'text' | 'binary' | 'close' | 'ended' | 'nothing';
  readonly payload: Buffer;
}

const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const acceptGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A WebSocket of which every frame is seen, also where a library would end the connection: RFC 6455 without extensions. */
export class WebSocketConnection {
  readonly #socket: net.Socket;
  readonly #key = randomBytes(16).toString('base64');
  #bytes = Buffer.alloc(0);
  #isEnded = false;
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.#socket = net.connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    const end = (): void => {
      this.#isEnded = true;
      this.#wake();
    };
    this.#socket.on('error', end).on('end', end).on('close', end);
  }

  /** Sends the handshake and fulfils with the head of the answer: its line and headers. */
  async open(line: string, headers: readonly (readonly [string, string])[]): Promise<string[]> {
    const own = [['Host', 'gateway'], ...headers, ['Sec-WebSocket-Key', this.#key]].map((header) => header.join(': '));
    this.#socket.write(`${[line, ...own].join('\r\n')}\r\n\r\n`);
    await this.#until(() => this.#bytes.includes('\r\n\r\n'), Infinity);
    const end = this.#bytes.indexOf('\r\n\r\n');
    const head = this.#bytes.subarray(0, end).toString('latin1').split('\r\n');
    this.#bytes = this.#bytes.subarray(end + 4);
    return head;
  }

  /** What `Sec-WebSocket-Accept` must say. */
  get accept(): string {
    return createHash('sha1')
      .update(this.#key + acceptGuid)
      .digest('base64');
  }

  send(opcode: keyof typeof opcodes, payload: Buffer): void {
    const mask = randomBytes(4);
    const { length } = payload;
    const size = Buffer.alloc(length < 126 ? 1 : 3);
    size[0] = 0x80 | Math.min(length, 126);
    if (size.length === 3) size.writeUInt16BE(length, 1);
    const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
    this.#socket.write(Buffer.concat([Buffer.from([0x80 | opcodes[opcode]]), size, mask, masked]));
  }

  /** The next frame but for pings, or how the connection ended; `nothing` when neither comes within the time. */
  async receive(timeoutMs = Infinity): Promise<Received> {
    for (;;) {
      await this.#until(() => this.#frameBytes() !== undefined, timeoutMs);
      const frame = this.#frameBytes();
      if (frame === undefined) return { opcode: this.#isEnded ? 'ended' : 'nothing', payload: Buffer.alloc(0) };
      const code = (this.#bytes[0] ?? 0) & 0x0f;
      const payload = this.#bytes.subarray(...frame);
      this.#bytes = this.#bytes.subarray(frame[1]);
      if (code === opcodes.close || code === opcodes.text || code === opcodes.binary) {
        return { opcode: code === opcodes.text ? 'text' : code === opcodes.binary ? 'binary' : 'close', payload };
      }
      if (code === opcodes.ping) this.send('pong', payload);
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Where the payload of a whole frame is; servers do not split what these tests ask for. */
  #frameBytes(): [start: number, end: number] | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const short = (bytes[1] ?? 0) & 0x7f;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return undefined;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    return bytes.length < start + length ? undefined : [start, start + length];
  }

  async #until(isTrue: () => boolean, timeoutMs: number): Promise<void> {
    const late = { isSo: false };
    const timer = setTimeout(
      () => {
        late.isSo = true;
        this.#wake();
      },
      Math.min(timeoutMs, 20_000),
    );
    while (!isTrue() && !this.#isEnded && !late.isSo) await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
  }
}
