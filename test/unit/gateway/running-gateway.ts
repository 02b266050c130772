import net from 'node:net';
import type { GatewayPlan, Plan } from '../../../flows/index.ts';
import { type Gateway, startGateway } from '../../../gateway/index.ts';
import type { Clock } from '../../../core/index.ts';
import {
  createInstrument,
  LiveMetrics,
  MetricStore,
  ratioSampler,
  RecentRequests,
} from '../../../observability/index.ts';
import { MetricsPage } from '../../../observability/exposition.ts';
import { type InProcessExecutor, InProcessRuntime } from './in-process-runtime.ts';

export interface RunningGateway {
  readonly gateway: Gateway;
  readonly runtime: InProcessRuntime;
  readonly store: MetricStore;
  readonly url: string;
  readonly port: number;
}

export interface GatewayFixture {
  readonly plan?: Partial<GatewayPlan>;
  readonly executors?: readonly InProcessExecutor[];
  readonly clock?: Clock;
  /** Started as `loading` instead of `ready`. */
  readonly isLoading?: boolean;
}

/** Gives every document back as it came. */
export const echo: InProcessExecutor = {
  name: 'echo',
  className: 'Echo',
  endpoints: { '/encode': (docs) => docs, '/default': (docs) => docs },
};

/** The plan of a flow with any executors: the runtime of these tests has its own. */
export function testPlan(changes: Partial<GatewayPlan> = {}): Plan {
  return {
    name: 'test',
    gateway: {
      host: '127.0.0.1',
      listeners: [{ port: 0, protocols: ['http'] }],
      cors: false,
      title: 'A test',
      description: 'What a test needs',
      searchPage: false,
      hasDebugEndpoints: true,
      hasCrudEndpoints: true,
      exposed: [],
      maxBodyBytes: 64 * 2 ** 20,
      timeoutMs: 60_000,
      prefetch: 1000,
      drainTimeoutMs: 5_000,
      metrics: true,
      tracing: { enabled: false, sampleRatio: 0 },
      ...changes,
    },
    executors: [],
    last: 'echo',
  };
}

/** A gateway on a free port of the loopback, over executors of this process. */
export async function runGateway(fixture: GatewayFixture = {}): Promise<RunningGateway> {
  const plan = testPlan(fixture.plan);
  const runtime = new InProcessRuntime(plan, fixture.executors ?? [echo]);
  if (fixture.isLoading === true) runtime.become('loading');
  const store = new MetricStore();
  const page = new MetricsPage(store, false);
  const recent = new RecentRequests();
  const gateway = await startGateway({
    plan,
    runtime,
    instrument: createInstrument({ store, sampler: ratioSampler(0), recent }),
    live: new LiveMetrics(store, recent),
    metricsPage: () => page.render(),
    ...(fixture.clock === undefined ? {} : { clock: fixture.clock }),
  });
  const [url = ''] = gateway.urls;
  return { gateway, runtime, store, url, port: Number(new URL(url).port) };
}

/** Runs a test against a gateway and stops it afterwards. */
export async function withGateway(
  fixture: GatewayFixture,
  test: (running: RunningGateway) => Promise<void>,
): Promise<void> {
  const running = await runGateway(fixture);
  try {
    await test(running);
  } finally {
    await running.gateway.stop();
  }
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends exactly this text on a connection of its own and reads until the server closes it. */
export async function sendRaw(port: number, text: string | Buffer): Promise<RawAnswer> {
  const socket = net.connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject).once('close', () => resolve());
    socket.write(text);
  });
  return parseAnswer(Buffer.concat(chunks).toString('utf8'));
}

export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map(
    lines.map((header) => {
      const [name = '', ...value] = header.split(':');
      return [name.toLowerCase(), value.join(':').trim()];
    }),
  );
  return { status: Number(line.split(' ')[1]), headers, body: text.slice(end + 4) };
}

export async function postJson(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
