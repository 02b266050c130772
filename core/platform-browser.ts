/** Bytes that become characters at once: more arguments than this are too many for one call in some browsers. */
const chunkBytes = 0x8000;

/** Takes the place of platform.ts in browsers. The bytes as base64 text. */
export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    binary += String.fromCharCode(...bytes.subarray(start, start + chunkBytes));
  }
  return btoa(binary);
}

/** The bytes that base64 text stands for; the caller has checked that it is such text. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** A page shares its clock with no other process: `performance.now()` as it is. */
export function machineClockOffsetMs(): number {
  return 0;
}
