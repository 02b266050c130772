/** The bytes as base64 text. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** The bytes that base64 text stands for; the caller has checked that it is such text. */
export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** What must be added to `performance.now()` to get the machine's clock, ms; the least disturbed of several readings. */
export function machineClockOffsetMs(): number {
  let offset = 0;
  let leastMs = Infinity;
  for (let reading = 0; reading < 20; reading++) {
    const before = performance.now();
    const [seconds, nanoseconds] = process.hrtime();
    const after = performance.now();
    if (after - before >= leastMs) continue;
    leastMs = after - before;
    offset = seconds * 1e3 + nanoseconds / 1e6 - (before + after) / 2;
  }
  return offset;
}
