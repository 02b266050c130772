import { FlowError } from '../core/index.ts';

/** Field numbers from an OTLP export request down to its spans: resource_spans 1, scope_spans 2, spans 2. */
const pathToSpans = [1, 2, 2] as const;

/** Spans in an OTLP export request, as JSON or as protobuf. */
export function countSpans(body: Buffer, contentType: string): number {
  if (contentType.includes('json')) return body.toString().split('"spanId"').length - 1;
  return countFields(body, 0);
}

function countFields(message: Buffer, depth: number): number {
  const wanted = pathToSpans[depth];
  let count = 0;
  let at = 0;
  while (at < message.length) {
    const tag = readVarint(message, at);
    const field = tag.value >>> 3;
    const wireType = tag.value & 7;
    const next = fieldEnd(message, tag.end, wireType);
    if (field === wanted && wireType === 2) {
      const start = readVarint(message, tag.end).end;
      count += depth === pathToSpans.length - 1 ? 1 : countFields(message.subarray(start, next), depth + 1);
    }
    at = next;
  }
  return count;
}

function fieldEnd(message: Buffer, at: number, wireType: number): number {
  if (wireType === 0) return readVarint(message, at).end;
  if (wireType === 1) return at + 8;
  if (wireType === 5) return at + 4;
  if (wireType !== 2) throw new FlowError('protocol_error', `expected protobuf, got wire type ${wireType}`);
  const length = readVarint(message, at);
  return length.end + length.value;
}

function readVarint(message: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  let at = start;
  for (let shift = 0; ; shift += 7) {
    const byte = message[at++];
    if (byte === undefined)
      throw new FlowError('protocol_error', 'expected protobuf, got bytes that end within a number');
    // Longer numbers than 32 bits are skipped, never used: their value does not matter.
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value: value >>> 0, end: at };
  }
}
