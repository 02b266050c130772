/** Wire types of protobuf, in the low three bits of a tag. */
const lengthDelimited = 2;

/** Writes protobuf messages, one after another, into one growing buffer. Field numbers up to 15 only. */
export class ProtobufWriter {
  private bytes: Buffer;
  private used = 0;

  constructor(capacity = 1 << 16) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.used;
  }

  /** What was written so far, not copied: gone with the next {@link reset}. */
  get written(): Buffer {
    return this.bytes.subarray(0, this.used);
  }

  reset(): void {
    this.used = 0;
  }

  /** Bytes that are written already. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.used);
    this.used += bytes.length;
  }

  /** Opens an embedded message; {@link close} with the result ends it. */
  open(field: number): number {
    this.reserve(2);
    this.bytes[this.used] = (field << 3) | lengthDelimited;
    // One byte for the length; most messages need no more.
    this.used += 2;
    return this.used;
  }

  close(start: number): void {
    const length = this.used - start;
    const more = varintSize(length) - 1;
    if (more > 0) {
      this.reserve(more);
      this.bytes.copyWithin(start + more, start, this.used);
    }
    this.used = start - 1;
    this.rawVarint(length);
    this.used += length;
  }

  /** A whole number of at least 0, of at most 53 bits. */
  varint(field: number, value: number): void {
    this.reserve(11);
    this.bytes[this.used++] = field << 3;
    this.rawVarint(value);
  }

  /** An int64: negative numbers take ten bytes. */
  int64(field: number, value: number): void {
    if (value >= 0) {
      this.varint(field, value);
      return;
    }
    this.reserve(11);
    this.bytes[this.used++] = field << 3;
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.bytes[this.used++] = Number(rest & 0x7fn) | 0x80;
    this.bytes[this.used++] = Number(rest);
  }

  double(field: number, value: number): void {
    this.reserve(9);
    this.bytes[this.used] = (field << 3) | 1;
    this.bytes.writeDoubleLE(value, this.used + 1);
    this.used += 9;
  }

  /** A fixed64 out of its two halves, each a whole number below 2^32. */
  fixed64(field: number, low: number, high: number): void {
    this.reserve(9);
    this.bytes[this.used++] = (field << 3) | 1;
    this.rawFixed32(low);
    this.rawFixed32(high);
  }

  /** A fixed32, of a field number up to 31. */
  fixed32(field: number, value: number): void {
    this.reserve(6);
    this.rawVarint((field << 3) | 5);
    this.rawFixed32(value);
  }

  /** Bytes that are given as lower-case hexadecimal digits, two for each; less than 128 bytes. */
  hex(field: number, digits: string): void {
    const size = digits.length >>> 1;
    this.reserve(size + 2);
    const { bytes } = this;
    let at = this.used;
    bytes[at++] = (field << 3) | lengthDelimited;
    bytes[at++] = size;
    for (let index = 0; index < digits.length; index += 2) {
      bytes[at++] = (digitOf(digits.charCodeAt(index)) << 4) | digitOf(digits.charCodeAt(index + 1));
    }
    this.used = at;
  }

  string(field: number, text: string): void {
    const { length } = text;
    if (length > 64 || !this.ascii(field, text)) this.utf8(field, text);
  }

  /** A short text, byte by byte: calling into the runtime costs more. False: it is not ASCII, nothing was written. */
  private ascii(field: number, text: string): boolean {
    const { length } = text;
    this.reserve(length + 2);
    const { bytes } = this;
    let at = this.used;
    bytes[at++] = (field << 3) | lengthDelimited;
    bytes[at++] = length;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      bytes[at++] = code;
    }
    this.used = at;
    return true;
  }

  private utf8(field: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.reserve(length + 6);
    this.bytes[this.used++] = (field << 3) | lengthDelimited;
    this.rawVarint(length);
    this.used += this.bytes.write(text, this.used);
  }

  private rawVarint(value: number): void {
    const { bytes } = this;
    let rest = value;
    // Shifts are of 32 bits; what is larger is rare.
    while (rest > 0x7fffffff) {
      bytes[this.used++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      bytes[this.used++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.used++] = rest;
  }

  private rawFixed32(value: number): void {
    const { bytes } = this;
    bytes[this.used++] = value & 0xff;
    bytes[this.used++] = (value >>> 8) & 0xff;
    bytes[this.used++] = (value >>> 16) & 0xff;
    bytes[this.used++] = value >>> 24;
  }

  private reserve(size: number): void {
    if (this.used + size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.used + size));
    this.bytes.copy(larger, 0, 0, this.used);
    this.bytes = larger;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function digitOf(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
