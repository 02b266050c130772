import { readFile } from 'node:fs/promises';
import { type Clock, FlowError, systemClock } from '../core/index.ts';
import type { Instrument, LiveMetrics, Logger } from '../observability/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { EndpointDirectory } from './endpoints.ts';
import { RequestHandler } from './handle.ts';
import { Listener } from './listener.ts';
import { liveSnapshot } from './pages/live.ts';
import { Site } from './pages/site.ts';
import type { GatewayPlan } from './paths.ts';
import { ProtocolServers } from './servers.ts';

export interface GatewayOptions {
  readonly plan: Runtime['plan'];
  /** May still be starting: probes tell so, and requests wait in its queues. */
  readonly runtime: Runtime;
  readonly instrument: Instrument;
  /** What a live view shows. */
  readonly live: LiveMetrics;
  metricsPage(): Promise<{ contentType: string; body: string }>;
  /** Default: nothing is logged. */
  readonly logger?: Logger;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** The flow's public face: its addresses, until it is stopped. */
export interface Gateway {
  /** One for each address it listens on, such as `http://127.0.0.1:51000`; `ws://` or `grpc://` where HTTP is not served. */
  readonly urls: readonly string[];
  /**
   * Answers what was accepted, refuses what comes, then closes; takes `drainTimeoutMs` of the plan at most, and a
   * second for what is cut off then. The runtime is left running.
   */
  stop(): Promise<void>;
}

/** How long a connection may take to end after its last answer. */
const closeGraceMs = 1000;

/**
 * Opens every address of the plan.
 *
 * @throws `port_in_use`; `file_not_found` for a certificate or key that cannot be read
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { runtime, instrument, logger, clock = systemClock } = options;
  const plan = options.plan.gateway;
  const tls = await readTls(plan);
  const endpoints = new EndpointDirectory(runtime);
  const handler = new RequestHandler({ runtime, instrument, endpoints, clock });
  const { title, description, searchPage } = plan;
  const site = new Site({
    ...{ title, description, searchPage, endpoints },
    models: plan.embeddings?.models ?? [],
    live: (isDraining) => liveSnapshot({ runtime, metrics: options.live, nowMs: clock.now(), isDraining }),
    metricsPage: () => options.metricsPage(),
  });
  const servers = await ProtocolServers.create({ plan, handler, endpoints, site, clock, logger });
  const listeners: Listener[] = [];
  const close = async (): Promise<void> => {
    await servers.closeSockets(closeGraceMs);
    await Promise.all(listeners.map((listener) => listener.close(closeGraceMs)));
    await servers.close();
    endpoints.close();
  };
  try {
    for (const { port, protocols } of plan.listeners) {
      const handlers = servers.handlers(protocols);
      listeners.push(await Listener.open({ host: plan.host, port, handlers, ...(tls === undefined ? {} : { tls }) }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const host = plan.host.includes(':') ? `[${plan.host}]` : plan.host;
  const urls = listeners.map(({ port }, index) => {
    const scheme = schemeOf(plan.listeners[index]?.protocols ?? []);
    return `${scheme}${tls === undefined ? '' : 's'}://${host}:${port}`;
  });
  logger?.info({ urls }, 'listening');
  let stopping: Promise<void> | undefined;
  return {
    urls,
    stop: () => (stopping ??= drain(handler, servers, plan.drainTimeoutMs).then(close)),
  };
}

/** Of several protocols on one port the one that most programs speak. */
function schemeOf(protocols: readonly string[]): string {
  if (protocols.includes('http')) return 'http';
  return protocols.includes('websocket') ? 'ws' : 'grpc';
}

async function drain(handler: RequestHandler, servers: ProtocolServers, timeoutMs: number): Promise<void> {
  const answered = handler.drain(timeoutMs);
  servers.drain(timeoutMs);
  await answered;
}

async function readTls({ tls }: GatewayPlan): Promise<{ cert: Buffer; key: Buffer } | undefined> {
  if (tls === undefined) return undefined;
  const [cert, key] = await Promise.all([
    readSecret(tls.certFile, 'the certificate'),
    readSecret(tls.keyFile, 'the key of the certificate'),
  ]);
  return { cert, key };
}

async function readSecret(file: string, what: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw FlowError.from(error, 'file_not_found', `cannot read ${what} ${file}`);
  }
}
