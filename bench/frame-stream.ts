/** Splits a byte stream into frames: 4 bytes length, little endian, then that many bytes. */
export class FrameStream {
  private rest: Buffer = Buffer.alloc(0);
  private readonly onFrame: (frame: Buffer) => void;

  constructor(onFrame: (frame: Buffer) => void) {
    this.onFrame = onFrame;
  }

  push(bytes: Buffer): void {
    let data = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    while (data.length >= 4) {
      const end = 4 + data.readUInt32LE(0);
      if (data.length < end) break;
      this.onFrame(data.subarray(4, end));
      data = data.subarray(end);
    }
    this.rest = data;
  }
}

/** A value as one frame of JSON. */
export function jsonFrame(value: unknown): Buffer {
  const text = JSON.stringify(value);
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(4 + length);
  frame.writeUInt32LE(length, 0);
  frame.write(text, 4);
  return frame;
}
