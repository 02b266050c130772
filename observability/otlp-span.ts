import { createTraceState } from '@opentelemetry/api';
import { toEpochMs } from '../core/index.ts';
import type { FinishedSpan, SpanEvent, SpanLink } from './finished-span.ts';
import type { ProtobufWriter } from './protobuf-writer.ts';

/** Bits of OTLP's `flags`: the trace flag "sampled", whether it is known if a context is remote, and whether it is. */
const sampledFlag = 0x1;
const remoteKnownFlag = 0x100;
const remoteFlag = 0x200;
const internalKind = 1;
const serverKind = 2;
const errorCode = 2;

/**
 * Writes a span as field `spans` of OTLP's ScopeSpans, byte for byte what the SDK's serializer makes of the same span
 * (opentelemetry/proto/trace/v1/trace.proto has the numbers of the fields).
 *
 * @param maxLinks links beyond are dropped, the oldest first, as the SDK does
 */
export function writeSpan(writer: ProtobufWriter, span: FinishedSpan, maxLinks: number): void {
  const start = writer.open(2);
  writer.hex(1, span.traceId);
  writer.hex(2, span.spanId);
  writeTraceState(writer, span.traceState);
  if (span.parentSpanId !== undefined) writer.hex(4, span.parentSpanId);
  writer.string(5, span.name);
  writer.varint(6, span.isServer ? serverKind : internalKind);
  writeTime(writer, 7, span.startMs);
  writeTime(writer, 8, span.endMs);
  writeAttributes(writer, 9, span.attributes);
  writer.varint(10, 0);
  for (const event of span.events) writeEvent(writer, event);
  writer.varint(12, 0);
  const dropped = Math.max(0, span.links.length - maxLinks);
  for (const link of dropped > 0 ? span.links.slice(dropped) : span.links) writeLink(writer, link);
  writer.varint(14, dropped);
  writeStatus(writer, span.error);
  writer.fixed32(16, sampledFlag | remoteKnownFlag | (span.isParentRemote ? remoteFlag : 0));
  writer.close(start);
}

/** Writes attributes as repeated KeyValue. */
export function writeAttributes(writer: ProtobufWriter, field: number, attributes: Readonly<Record<string, unknown>>) {
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined) continue;
    const pair = writer.open(field);
    writer.string(1, key);
    writeAnyValue(writer, 2, value);
    writer.close(pair);
  }
}

function writeAnyValue(writer: ProtobufWriter, field: number, value: unknown): void {
  const start = writer.open(field);
  if (typeof value === 'string') writer.string(1, value);
  else if (typeof value === 'boolean') writer.varint(2, value ? 1 : 0);
  else if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) writer.int64(3, value);
    else writer.double(4, value);
  } else if (Array.isArray(value)) {
    const list = writer.open(5);
    for (const item of value) writeAnyValue(writer, 1, item);
    writer.close(list);
  }
  writer.close(start);
}

function writeEvent(writer: ProtobufWriter, event: SpanEvent): void {
  const start = writer.open(11);
  writeTime(writer, 1, event.atMs);
  writer.string(2, event.name);
  writeAttributes(writer, 3, event.attributes);
  writer.varint(4, 0);
  writer.close(start);
}

function writeLink(writer: ProtobufWriter, link: SpanLink): void {
  const { context } = link;
  const start = writer.open(13);
  writer.hex(1, context.traceId);
  writer.hex(2, context.spanId);
  writeTraceState(writer, context.traceState);
  if (link.attributes !== undefined) writeAttributes(writer, 4, link.attributes);
  writer.varint(5, 0);
  const isRemote = link.isRemote === true;
  writer.fixed32(6, (context.isSampled ? sampledFlag : 0) | remoteKnownFlag | (isRemote ? remoteFlag : 0));
  writer.close(start);
}

function writeStatus(writer: ProtobufWriter, error: string | undefined): void {
  const start = writer.open(15);
  if (error) writer.string(2, error);
  writer.varint(3, error === undefined ? 0 : errorCode);
  writer.close(start);
}

/** What others wrote into it is passed on as far as it is well-formed. */
function writeTraceState(writer: ProtobufWriter, traceState: string | undefined): void {
  if (traceState === undefined) return;
  const text = createTraceState(traceState).serialize();
  if (text) writer.string(3, text);
}

/** Nanoseconds since 1970, to the nanosecond that the SDK rounds to; exact until 2116. */
function writeTime(writer: ProtobufWriter, field: number, monotonicMs: number): void {
  const epochMs = toEpochMs(monotonicMs);
  const nanos = Math.round((epochMs % 1000) * 1e6);
  // 10^9 is 1953125 * 2^9: this way the product stays a whole number below 2^53.
  const product = Math.trunc(epochMs / 1000) * 1953125;
  const high = Math.floor(product / 0x800000);
  const low = (product - high * 0x800000) * 512 + nanos;
  if (low < 0x100000000) writer.fixed64(field, low, high);
  else writer.fixed64(field, low - 0x100000000, high + 1);
}
