import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import protobuf from 'protobufjs';

/** OTLP's JSON form, as far as the tests look at it. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly links?: readonly { readonly spanId: string; readonly traceId: string }[];
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number; readonly message?: string };
}
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: { stringValue?: string } }[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** OTLP's protobuf form, as far as the tests look at it. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; repeated Link links = 13; Status status = 15;
  }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; Value value = 2; }
  message Value { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; List array_value = 5; } }
  message List { repeated Value values = 1; }
`);

/** OTLP/JSON writes ids as hexadecimal digits; protobuf's own JSON would be base64. */
function fromProtobuf(body: Buffer): OtlpBody {
  const type = root.lookupType('Request');
  const json = JSON.stringify(
    type.toObject(type.decode(body), { longs: String, bytes: String }),
    (key, value: unknown) => (key.endsWith('Id') ? Buffer.from(String(value), 'base64').toString('hex') : value),
  );
  return JSON.parse(json) as OtlpBody;
}

export type Collector = Awaited<ReturnType<typeof startCollector>>;

/** A collector: takes OTLP over HTTP on a port of its own. */
export async function startCollector() {
  const received: { path: string; contentType: string; body: Buffer }[] = [];
  let announce: () => void = () => undefined;
  const receivedOne = new Promise<void>((resolve) => (announce = resolve));
  const receive = async (request: IncomingMessage) => {
    const body = await buffer(request);
    received.push({ path: request.url ?? '', contentType: request.headers['content-type'] ?? '', body });
    announce();
  };
  const server = createServer((request, response) => {
    receive(request).then(
      () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bodies = () =>
    received.map(({ body, contentType }) =>
      contentType === 'application/x-protobuf' ? fromProtobuf(body) : (JSON.parse(body.toString()) as OtlpBody),
    );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    /** Resolves with the first export. */
    receivedOne,
    spans: () =>
      bodies().flatMap((body) => body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((s) => s.spans))),
    serviceNames: () =>
      bodies()
        .flatMap((body) => body.resourceSpans.flatMap(({ resource }) => resource.attributes))
        .filter(({ key }) => key === 'service.name')
        .map(({ value }) => value.stringValue),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
