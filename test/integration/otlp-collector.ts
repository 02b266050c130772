import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

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
  readonly status: { readonly code?: number };
}
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: { stringValue?: string } }[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

export type Collector = Awaited<ReturnType<typeof startCollector>>;

/** A collector: takes OTLP over HTTP on a port of its own. */
export async function startCollector() {
  const received: { path: string; contentType: string; body: Buffer }[] = [];
  const receive = async (request: IncomingMessage) => {
    const body = await buffer(request);
    received.push({ path: request.url ?? '', contentType: request.headers['content-type'] ?? '', body });
  };
  const server = createServer((request, response) => {
    receive(request).then(
      () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bodies = () => received.map(({ body }) => JSON.parse(body.toString()) as OtlpBody);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
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
