import { setTimeout as sleep } from 'node:timers/promises';
import { messageType } from '../../../proto/index.ts';
import { postJson } from '../../unit/gateway/running-gateway.ts';
import { type Collector, type OtlpSpan, startCollector } from '../otlp-collector.ts';
import { replayGrpc } from './grpc-replay.ts';
import type { Replayed } from './http-replay.ts';
import type { Transcript } from './transcript.ts';
import { replayWebSocket } from './websocket-replay.ts';

interface RecordedSpan {
  readonly span: string;
  readonly parent: string | null;
  readonly trace: string;
  readonly name: string;
  readonly kind: string;
}

const environment = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: '50' };
const givenTrace = /traceparent: (00-[0-9a-f]{32}-([0-9a-f]{16})-01)/;
const serverKind = 2;

/** A collector for the traces of a flow, told to it by the environment while it starts. */
export class TraceReplay {
  readonly #collector: Collector;
  readonly #before = { ...process.env };
  #seen = 0;

  private constructor(collector: Collector) {
    this.#collector = collector;
    Object.assign(process.env, environment, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  }

  static async prepare(): Promise<TraceReplay> {
    return new TraceReplay(await startCollector());
  }

  async stop(): Promise<void> {
    for (const name of [...Object.keys(environment), 'OTEL_EXPORTER_OTLP_ENDPOINT']) {
      const value = this.#before[name];
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    await this.#collector.stop();
  }

  /** Repeats the request of a transcript of traces, and compares which spans there are and what they hang on. */
  async replay(port: number, { name, note, content }: Transcript): Promise<Replayed[]> {
    const [, traceparent, given] = givenTrace.exec(note) ?? [];
    await send(port, name, traceparent);
    const ours = await this.#next();
    const recorded = content['spans'] as RecordedSpan[];
    // Before the first request Jina's flow traces its own start.
    const request = recorded.findLast(
      ({ kind, parent }) => kind === 'SERVER' && parent?.startsWith('span') !== true,
    )?.trace;
    const theirs = recorded.filter(({ trace }) => trace === request);
    const jina = theirs.map(({ name: span, parent }) => [span, parent?.replace('remote:', '')] as const);
    const sluice = ours.map((span) => [span.name, span.parentSpanId] as const);
    return [
      {
        jina: describe(jina, 1, given),
        sluice: describe(sluice, new Set(ours.map((span) => span.traceId)).size, given),
      },
    ];
  }

  /** The spans that came since the last call; those of a request leave together when it has ended. */
  async #next(): Promise<OtlpSpan[]> {
    for (;;) {
      const spans = this.#collector.spans().slice(this.#seen);
      if (spans.some(({ kind }) => kind === serverKind)) {
        this.#seen += spans.length;
        return spans;
      }
      await sleep(20);
    }
  }
}

function describe(spans: readonly (readonly [string, string | undefined])[], traces: number, given?: string): unknown {
  const counts: Record<string, number> = {};
  for (const [name] of spans) counts[name] = (counts[name] ?? 0) + 1;
  const hangsOnCaller = given !== undefined && spans.some(([, parent]) => parent === given);
  return { traces, hangsOnCaller, spans: counts };
}

async function send(port: number, name: string, traceparent?: string): Promise<void> {
  const headers: Record<string, string> = traceparent === undefined ? {} : { traceparent };
  const message = { header: { request_id: 'r', exec_endpoint: '/encode' }, data: { docs: { docs: [{ id: 'a' }] } } };
  const base64 = Buffer.from(messageType('jina.DataRequestProto').encode(message).finish()).toString('base64');
  if (name.startsWith('traces_grpc')) {
    const method = name === 'traces_grpc_call' ? 'JinaRPC/Call' : 'JinaSingleDataRequestRPC/process_single_data';
    const exchange = { requests: [{ base64 }], responses: [], status: ['OK', ''] as const };
    await replayGrpc(port, [{ ...exchange, method: `/jina.${method}`, metadata: Object.entries(headers) }], name);
  } else if (name === 'traces_ws') {
    const request = { line: 'GET / HTTP/1.1', headers: handshake };
    const client_frames = [
      { opcode: 'binary', base64 },
      { opcode: 'binary', base64: 'AA==' },
    ];
    const server_frames = [{ opcode: 'close' }];
    await replayWebSocket(port, [
      { handshake: { request, response: { line: '', headers: [] } }, client_frames, server_frames },
    ]);
  } else {
    const endpoint = name === 'traces_http_exception' ? '/fail' : '/encode';
    const body = { data: [{ text: 'hello' }, { text: 'world' }], execEndpoint: endpoint };
    await (await postJson(`http://127.0.0.1:${port}/post`, body, headers)).text();
  }
}

const handshake = {
  ...{ Upgrade: 'websocket', Connection: 'Upgrade' },
  ...{ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Protocol': 'bytes' },
};

/** The pages and exports of metrics: which families there are, and of which type. */
export async function replayMetrics(port: number, { name, content }: Transcript): Promise<Replayed[]> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const { status } = response;
  const content_type = response.headers.get('content-type');
  const ours = familiesOf(await response.text());
  const { text, responses, services } = content;
  if (typeof text === 'string') return [{ jina: { families: familiesOf(text) }, sluice: { families: ours } }];
  if (name === 'metrics_requests')
    return [{ jina: { responses }, sluice: { responses: { gateway: { status, content_type } } } }];
  return [{ jina: { services: Object.keys(services as object) }, sluice: { services: [] } }];
}

function familiesOf(text: string): Record<string, string> {
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  return Object.fromEntries(types.map(([, family = '', type = '']) => [family, type]));
}
