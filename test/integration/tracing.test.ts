import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { newId } from '../../core/index.ts';
import {
  type BatchRecord,
  createLogger,
  type Instrument,
  type ObservabilityOptions,
  readTraceContext,
  type RequestRecord,
  startObservability,
} from '../../observability/index.ts';
import { type Collector, startCollector } from './otlp-collector.ts';

/** A server whose every stream is one gRPC call. */
function createGrpcServer(serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void) {
  return createHttp2Server().on('stream', serve);
}

function batchOf(requests: readonly RequestRecord[]): BatchRecord {
  return {
    id: 7,
    executor: 'encoder',
    endpoint: '/encode',
    replica: 0,
    device: 'cpu',
    documents: requests.length,
    flushReason: 'idle',
    attempt: 1,
    requests,
  };
}

/** Two requests joined in one batch of `encoder`; the second one fails. */
function serveTwoRequests(instrument: Instrument): RequestRecord[] {
  const incoming = readTraceContext({ traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` });
  const begin = { protocol: 'http', method: 'POST', endpoint: '/encode', startMs: 1000 };
  const records = [
    instrument.begin({ ...begin, requestId: 'a'.repeat(32) }),
    instrument.begin({ ...begin, requestId: 'b'.repeat(32), incoming }),
  ];
  const batch = batchOf(records);
  for (const record of records) {
    instrument.phase(record, 'decode', 'gateway', 1000, 1001);
    instrument.phase(record, 'queue', 'encoder', 1001, 1002);
    instrument.phase(record, 'run', 'encoder', 1002, 1007, { batch, parts: [['model', 1003, 1006]] });
    instrument.phase(record, 'encode', 'gateway', 1007, 1008);
    instrument.finish(record, { endMs: 1009, endpointLabel: '/encode' });
  }
  return records;
}

const environment = { ...process.env };

/** What we write ourselves, and what the SDK writes. */
for (const protocol of ['http/protobuf', 'http/json']) {
  describe(`exporting traces as ${protocol}`, () => {
    exportingTraces(protocol);
  });
}

function exportingTraces(protocol: string): void {
  let collector: Collector;

  beforeEach(async () => {
    collector = await startCollector();
    process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = protocol;
  });

  afterEach(async () => {
    for (const key of Object.keys(process.env)) if (key.startsWith('OTEL_')) Reflect.deleteProperty(process.env, key);
    Object.assign(process.env, environment);
    await collector.stop();
  });

  const options = (endpoint?: string): ObservabilityOptions => ({
    serviceName: 'my-flow',
    tracing: { enabled: true, sampleRatio: 1, endpoint },
  });

  it('sends the whole tree of each request to the address of the flow', async () => {
    const observability = await startObservability(options(collector.url));
    const records = serveTwoRequests(observability.instrument);
    await observability.shutdown();

    assert.deepEqual(new Set(collector.received.map(({ path }) => path)), new Set(['/v1/traces']));
    assert.deepEqual(collector.serviceNames(), ['my-flow']);
    const spans = collector.spans();
    const ids = new Set(spans.map((span) => span.spanId));
    const roots = spans.filter((span) => span.parentSpanId === undefined || !ids.has(span.parentSpanId));
    assert.deepEqual(
      roots.map((span) => [span.name, span.traceId, span.parentSpanId, span.spanId]),
      [
        ['POST /encode', 'a'.repeat(32), undefined, records[0]?.context.spanId],
        ['POST /encode', 'c'.repeat(32), 'd'.repeat(16), records[1]?.context.spanId],
      ],
    );
    for (const [record, batchSpans] of [
      [records[0], ['batch encoder']],
      [records[1], []],
    ] as const) {
      const names = spans.filter((span) => span.traceId === record?.context.traceId).map((span) => span.name);
      assert.deepEqual(
        names.sort(),
        ['POST /encode', ...batchSpans, 'decode', 'encode', 'executor encoder', 'model', 'queue', 'run'].sort(),
      );
    }
    const links = spans.find((span) => span.name === 'batch encoder')?.links;
    assert.deepEqual(
      links?.map((link) => link.spanId),
      records.map((record) => record.context.spanId),
    );
    const run = spans.find((span) => span.name === 'run');
    const lastedNs = BigInt(run?.endTimeUnixNano ?? 0) - BigInt(run?.startTimeUnixNano ?? 0);
    assert.ok(lastedNs > 4_990_000n && lastedNs < 5_010_000n, `run lasted ${lastedNs} ns`);
  });

  it('takes address and service name from the environment where the flow says nothing', async () => {
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = collector.url;
    process.env['OTEL_SERVICE_NAME'] = 'named-outside';
    const observability = await startObservability(options());
    serveTwoRequests(observability.instrument);
    await observability.shutdown();
    assert.deepEqual(collector.serviceNames(), ['named-outside']);
    assert.equal(collector.spans().filter((span) => span.name === 'POST /encode').length, 2);
  });

  it('speaks protobuf by default, and leaves the environment as it found it', async () => {
    Reflect.deleteProperty(process.env, 'OTEL_EXPORTER_OTLP_PROTOCOL');
    const before = { ...process.env };
    const observability = await startObservability(options(`${collector.url}/custom/path`));
    assert.deepEqual({ ...process.env }, before);
    serveTwoRequests(observability.instrument);
    await observability.shutdown();
    const [request] = collector.received;
    assert.deepEqual([request?.path, request?.contentType], ['/custom/path', 'application/x-protobuf']);
    assert.ok(request?.body.includes('batch encoder'));
  });

  it('speaks gRPC to an address of gRPC', async () => {
    const calls: { path: string; body: Buffer }[] = [];
    const server = createGrpcServer((stream, headers) => {
      void buffer(stream).then((body) => {
        calls.push({ path: headers[':path'] ?? '', body });
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => {
          stream.sendTrailers({ 'grpc-status': '0' });
        });
        // One empty message.
        stream.end(Buffer.alloc(5));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const observability = await startObservability(
      options(`grpc://127.0.0.1:${(server.address() as AddressInfo).port}`),
    );
    serveTwoRequests(observability.instrument);
    await observability.shutdown();
    server.close();
    await once(server, 'close');
    assert.deepEqual(
      calls.map(({ path }) => path),
      ['/opentelemetry.proto.collector.trace.v1.TraceService/Export'],
    );
    assert.ok(calls[0]?.body.includes('batch encoder'));
  });

  it('can be started again after it was shut down', async () => {
    for (const round of [1, 2]) {
      const observability = await startObservability(options(collector.url));
      const records = serveTwoRequests(observability.instrument);
      await observability.shutdown();
      const exported = new Set(collector.spans().map((span) => span.spanId));
      assert.ok(
        records.every((record) => exported.has(record.context.spanId)),
        `round ${round}`,
      );
    }
  });

  it('exports nothing when the environment disables the SDK', async () => {
    process.env['OTEL_SDK_DISABLED'] = 'true';
    const observability = await startObservability(options(collector.url));
    const [record] = serveTwoRequests(observability.instrument);
    await observability.shutdown();
    assert.deepEqual(record?.phases, []);
    assert.equal(collector.received.length, 0);
  });

  it('goes on when the collector is away, and says so once', async () => {
    const lines: string[] = [];
    const logger = createLogger({ name: 'test', level: 'warn', destination: { write: (line) => lines.push(line) } });
    process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = '500';
    await collector.stop();
    const observability = await startObservability({ ...options(collector.url), logger });
    serveTwoRequests(observability.instrument);
    await observability.shutdown();
    collector = await startCollector();
    assert.equal(observability.store.read('sluice_requests_total')[0]?.value, 2);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /traces could not be exported/);
  });

  it('refuses an address that is none', async () => {
    await assert.rejects(startObservability(options('localhost:4317')), /expected an address for OTLP/);
  });

  it('loses no span of a burst, and no link of a large batch', async () => {
    const observability = await startObservability(options(collector.url));
    const { instrument } = observability;
    const begin = { protocol: 'http', endpoint: '/encode', startMs: 1000 };
    const records = Array.from({ length: 600 }, () => instrument.begin({ ...begin, requestId: newId() }));
    const batch = batchOf(records);
    for (const record of records) {
      for (const phase of ['queue', 'send', 'run', 'receive'] as const) {
        instrument.phase(record, phase, 'encoder', 1000, 1001, { batch });
      }
      instrument.finish(record, { endMs: 1009, endpointLabel: '/encode' });
    }
    await observability.shutdown();
    const spans = collector.spans();
    // The request, the executor and four phases of each, and one batch.
    assert.equal(spans.length, 600 * 6 + 1);
    assert.equal(spans.find((span) => span.name === 'batch encoder')?.links?.length, 600);
  });
}

describe('traces that wait to be sent', () => {
  let collector: Collector;

  beforeEach(async () => {
    collector = await startCollector();
  });

  afterEach(async () => {
    for (const key of Object.keys(process.env)) if (key.startsWith('OTEL_')) Reflect.deleteProperty(process.env, key);
    Object.assign(process.env, environment);
    await collector.stop();
  });

  const serve = async (requests: number) => {
    const observability = await startObservability({
      serviceName: 'my-flow',
      tracing: { enabled: true, sampleRatio: 1, endpoint: collector.url },
    });
    const { instrument } = observability;
    for (let index = 0; index < requests; index++) {
      const record = instrument.begin({ protocol: 'http', endpoint: '/encode', startMs: 1000, requestId: newId() });
      instrument.phase(record, 'decode', 'gateway', 1000, 1001);
      instrument.finish(record, { endMs: 1009, endpointLabel: '/encode' });
    }
    return observability;
  };

  it('leave together, at most as many as the environment says', async () => {
    process.env['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'] = '10';
    await (await serve(12)).shutdown();
    assert.equal(collector.received.length, 3);
    assert.equal(collector.spans().length, 24);
  });

  it('leave after the delay that the environment says, without a full export or an end', async () => {
    process.env['OTEL_BSP_SCHEDULE_DELAY'] = '20';
    const observability = await serve(1);
    await collector.receivedOne;
    assert.deepEqual(
      collector.spans().map((span) => span.name),
      ['decode', 'http /encode'],
    );
    await observability.shutdown();
  });

  it('are bounded: whole requests are left out, never parts of a trace', async () => {
    process.env['OTEL_BSP_MAX_QUEUE_SIZE'] = '7';
    await (await serve(12)).shutdown();
    const spans = collector.spans();
    assert.equal(spans.length, 8);
    assert.equal(new Set(spans.map((span) => span.traceId)).size, 4);
  });

  it('are the SDK’s where the environment sets limits that only it keeps', async () => {
    process.env['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT'] = '2';
    await (await serve(1)).shutdown();
    assert.equal(collector.spans().find((span) => span.name === 'http /encode')?.attributes.length, 2);
  });
});

describe('tracing that is off', () => {
  it('does not load OpenTelemetry’s SDK', () => {
    const code = `import { createRequire } from 'node:module';
      import { startObservability } from './observability/index.ts';
      await startObservability({ serviceName: 'test', tracing: { enabled: false, sampleRatio: 1 } });
      const loaded = Object.keys(createRequire(import.meta.url).cache);
      console.log(JSON.stringify([loaded.some((file) => file.includes('prom-client')), loaded.filter((file) => file.includes('@opentelemetry/sdk'))]));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      encoding: 'utf8',
    });
    // prom-client shows that what is loaded would be seen.
    assert.equal(stdout.trim(), '[true,[]]', stderr);
  });
});
