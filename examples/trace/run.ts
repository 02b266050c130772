import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Client } from 'sluice/client';
import { Flow, startFlow } from 'sluice';

/**
 * Prints the trace of one request that was computed together with others, span by span.
 *
 * node --import tsx --conditions=sluice-source examples/trace/run.ts
 *
 * A real collector would take the spans; here a server of twenty lines does, so that nothing must be installed.
 */
interface Span {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceId: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly links?: readonly unknown[];
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

/** Attributes worth a look in a terminal. */
const shown = [
  'sluice.batch.documents',
  'sluice.batch.requests',
  'sluice.batch.flush_reason',
  'sluice.batch.attempt',
  'sluice.replica',
];

const spans: Span[] = [];
const collector = createServer((request, response) => {
  void json(request).then((body) => {
    for (const { scopeSpans } of (body as Export).resourceSpans)
      for (const scope of scopeSpans) spans.push(...scope.spans);
    response.end('{}');
  });
});
collector.listen(0, '127.0.0.1');
await once(collector, 'listening');
process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/json';
process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;

const uses = fileURLToPath(new URL('../hello/shout.ts', import.meta.url));
const flow = await startFlow(Flow.create({ name: 'traced', port: 0, tracing: true }).add({ name: 'shout', uses }));
const [host = ''] = flow.urls;
const client = new Client({ host });
await Promise.all(['one', 'two', 'three', 'four', 'five', 'six'].map(async (text) => client.post('/shout', [text])));
await client.close();
await flow.stop();
collector.close();

// The batch that joined most; its span lies in the trace of one of its requests and links to all of them.
const [batch] = spans
  .filter(({ name }) => name === 'batch shout')
  .sort((a, b) => (b.links?.length ?? 0) - (a.links?.length ?? 0));
const request = spans.find(({ parentSpanId, traceId }) => !parentSpanId && traceId === batch?.traceId);
if (request === undefined) throw new Error('no trace arrived');
print(request, 0);

function print(span: Span, depth: number): void {
  const start = Number(BigInt(span.startTimeUnixNano) - BigInt(request?.startTimeUnixNano ?? 0n)) / 1e6;
  const length = Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6;
  const facts = span.attributes
    .filter(({ key }) => shown.includes(key))
    .map(({ key, value }) => `${key.replace('sluice.', '')}=${Object.values(value).map(String).join()}`);
  if (span.links !== undefined && span.links.length > 0) facts.push(`links=${span.links.length}`);
  const times = `${start.toFixed(2).padStart(7)} ms  ${length.toFixed(2).padStart(7)} ms`;
  console.log(`${times}  ${'  '.repeat(depth)}${span.name}  ${facts.join(' ')}`.trimEnd());
  const children = spans.filter(
    ({ parentSpanId, traceId }) => parentSpanId === span.spanId && traceId === span.traceId,
  );
  children.sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)));
  for (const child of children) print(child, depth + 1);
}
