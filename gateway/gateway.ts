import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { type Clock, FlowError, systemClock } from '../core/index.ts';
import type { Instrument, Logger } from '../observability/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { EndpointDirectory } from './endpoints.ts';
import type { GrpcServer } from './grpc/server.ts';
import { RequestHandler } from './handle.ts';
import { createHttpServer, type HttpServer } from './http/server.ts';
import { Listener, type WireHandlers } from './listener.ts';
import { Site } from './pages/site.ts';
import type { GatewayPlan } from './paths.ts';

export interface GatewayOptions {
  readonly plan: Runtime['plan'];
  /** May still be starting: probes tell so, and requests wait in its queues. */
  readonly runtime: Runtime;
  readonly instrument: Instrument;
  metricsPage(): Promise<{ contentType: string; body: string }>;
  /** Default: nothing is logged. */
  readonly logger?: Logger;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** The flow's public face: its addresses, until it is stopped. */
export interface Gateway {
  /** One for each address it listens on, such as `http://127.0.0.1:51000`; `grpc://` where HTTP is not served. */
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
 * @throws `port_in_use`; `file_not_found` for a certificate or key that cannot be read; `invalid_flow` for an address
 *   that lists no protocol that is served.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { runtime, instrument, logger, clock = systemClock } = options;
  const plan = options.plan.gateway;
  const tls = await readTls(plan);
  const endpoints = new EndpointDirectory(runtime);
  const handler = new RequestHandler({ runtime, instrument, endpoints, clock });
  const { title, description } = plan;
  const models = plan.embeddings?.models ?? [];
  const site = new Site({ title, description, endpoints, models, metricsPage: () => options.metricsPage() });
  const http = await createHttpServer({ plan, handler, endpoints, site, clock, logger });
  const isGrpcServed = plan.listeners.some(({ protocols }) => protocols.includes('grpc'));
  // Its library takes a while to load: only where it is needed.
  const grpc = isGrpcServed
    ? (await import('./grpc/server.ts')).createGrpcServer({ plan, handler, endpoints, clock, logger })
    : undefined;
  const listeners: Listener[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close(closeGraceMs)));
    grpc?.close();
    await http.close();
    endpoints.close();
  };
  try {
    for (const { port, protocols } of plan.listeners) {
      if (protocols.includes('websocket')) throw notServed(port, protocols);
      const handlers: WireHandlers = {
        ...(protocols.includes('http') && { http1: (socket: Socket) => http.accept(socket) }),
        ...(protocols.includes('grpc') && grpc !== undefined && { http2: (socket: Socket) => grpc.accept(socket) }),
      };
      listeners.push(await Listener.open({ host: plan.host, port, handlers, ...(tls === undefined ? {} : { tls }) }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const host = plan.host.includes(':') ? `[${plan.host}]` : plan.host;
  const urls = listeners.map(({ port }, index) => {
    const scheme = plan.listeners[index]?.protocols.includes('http') === true ? 'http' : 'grpc';
    return `${scheme}${tls === undefined ? '' : 's'}://${host}:${port}`;
  });
  logger?.info({ urls }, 'listening');
  let stopping: Promise<void> | undefined;
  return {
    urls,
    stop: () => (stopping ??= drain(handler, http, grpc, plan.drainTimeoutMs).then(close)),
  };
}

async function drain(
  handler: RequestHandler,
  http: HttpServer,
  grpc: GrpcServer | undefined,
  timeoutMs: number,
): Promise<void> {
  const answered = handler.drain(timeoutMs);
  http.closeIdle();
  grpc?.drain(timeoutMs);
  await answered;
}

function notServed(port: number, protocols: readonly string[]): FlowError {
  return new FlowError(
    'invalid_flow',
    `port ${port} lists ${protocols.join(', ')}: expected http and grpc, this version serves no WebSocket`,
  );
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
