import { Socket } from 'node:net';
import { FlowError, type JsonObject, monotonicMs } from '../../core/index.ts';
import type { Executor, ExecutorLogger } from '../../executors/sdk/index.ts';
import { MetricStore } from '../../observability/index.ts';
import { encodeError, type ExecutorData, Link, protocolVersions, type ToParent, type ToWorker } from '../wire/index.ts';
import { createContext, workspaceOf } from './context.ts';
import { ExecutorHost } from './host.ts';
import { type ExecutorType, loadExecutor, parseOptions } from './load.ts';
import { type Bindings, readBindings } from './manifest.ts';
import { startReports } from './report.ts';
import { watchParent } from './watchdog.ts';
import { lockWorkspace } from './workspace-lock.ts';

/** The channel to the parent; inherited, so nobody else can connect. */
const channelDescriptor = 3;

let host: ExecutorHost | undefined;
let finish: (() => Promise<void>) | undefined;

const link = new Link<ToParent, ToWorker>(new Socket({ fd: channelDescriptor }), {
  message(message, payload) {
    handle(message, payload);
  },
  closed() {
    // Whether the parent closed the channel or died: nobody is left to work for.
    process.exit();
  },
});

// The terminal sends these to every process of its group; when a worker ends is the parent's decision.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('uncaughtException', (error) => {
  fail(FlowError.from(error, 'worker_crashed', 'an error that nobody caught'), error);
});

function handle(message: ToWorker, payload: Uint8Array): void {
  switch (message.type) {
    case 'start':
      start(message).catch((error: unknown) => {
        fail(FlowError.from(error, 'executor_load_failed'), error);
      });
      return;
    case 'run':
      host?.run(message, payload).catch((error: unknown) => {
        fail(FlowError.from(error), error);
      });
      return;
    case 'cancel':
      host?.cancel(message.id);
      return;
    case 'credit':
      host?.credit(message.id, message.items);
      return;
    case 'ping':
      link.send({ type: 'pong', id: message.id });
      return;
    case 'drain':
      drain().catch((error: unknown) => {
        fail(FlowError.from(error, 'executor_error', 'close failed'), error);
      });
      return;
  }
}

async function start(message: Extract<ToWorker, { type: 'start' }>): Promise<void> {
  const { protocol, executor: data } = message;
  if (protocol.min > protocolVersions.max || protocol.max < protocolVersions.min) {
    throw new FlowError(
      'version_mismatch',
      `the parent speaks versions ${protocol.min} to ${protocol.max} of the worker protocol, this worker ${protocolVersions.min} to ${protocolVersions.max}`,
    );
  }
  const type = await loadExecutor(data);
  const bindings = readBindings(type, data);
  const options = parseOptions(type, data);
  link.send({ type: 'hello', protocol: protocolVersions, pid: process.pid, manifest: bindings.manifest });
  if (message.mode === 'describe') link.end();
  else await serve(type, options, bindings, data);
}

async function serve(type: ExecutorType, options: unknown, bindings: Bindings, data: ExecutorData): Promise<void> {
  const { manifest, endpoints } = bindings;
  if (manifest.state === 'exclusive') await lockWorkspace(workspaceOf(data), data.name);
  const watched = watchParent();
  const store = new MetricStore();
  const context = createContext(data, {
    env: process.env,
    logger,
    progress({ state, message, fraction }) {
      link.send({ type: 'state', state, message, ...(fraction === undefined ? {} : { fraction }) });
    },
    count(name, amount) {
      store.count('sluice_executor_count_total', { executor: data.name, name }, amount);
    },
  });
  link.send({ type: 'state', state: 'loading' });
  const executor = new type(options, context);
  monitorMethods(executor, bindings.monitors, data.name, store);
  await executor.init?.();
  link.send({ type: 'state', state: 'warming' });
  const calibration = await executor.warmup?.();
  await watched;
  const stopReports = startReports(store, (report) => {
    link.send(report);
  });
  host = new ExecutorHost({
    executor,
    className: manifest.className,
    endpoints,
    concurrency: manifest.concurrency,
    logger,
    send(answer, payload) {
      link.send(answer, payload);
    },
  });
  finish = async () => {
    await executor.close?.();
    stopReports();
  };
  link.send({
    type: 'state',
    state: 'ready',
    ...(calibration
      ? {
          calibration: {
            callCost: calibration.callCost,
            maxCallCost: Number.isFinite(calibration.maxCallCost) ? calibration.maxCallCost : null,
          },
        }
      : {}),
  });
}

/** Puts a timer around the methods marked with `@monitor`. */
function monitorMethods(
  executor: Executor<unknown>,
  monitors: ReadonlyMap<string, string>,
  name: string,
  store: MetricStore,
): void {
  const methods = executor as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const [key, method] of monitors) {
    const original = methods[key];
    if (original === undefined) continue;
    methods[key] = async (...args) => {
      const start = monotonicMs();
      try {
        return await original.apply(executor, args);
      } finally {
        store.mark('sluice_executor_method_seconds', { executor: name, method }, (monotonicMs() - start) / 1e3);
      }
    };
  }
}

async function drain(): Promise<void> {
  await host?.drained();
  await finish?.();
  link.end();
}

const logger: ExecutorLogger = {
  debug: (fields, message) => {
    log('debug', fields, message);
  },
  info: (fields, message) => {
    log('info', fields, message);
  },
  warn: (fields, message) => {
    log('warn', fields, message);
  },
  error: (fields, message) => {
    log('error', fields, message);
  },
};

function log(level: 'debug' | 'info' | 'warn' | 'error', fields: JsonObject, message: string): void {
  link.send({ type: 'log', level, fields, message });
}

/** Tells the parent why, and ends once that has left. */
function fail(fault: FlowError, error: unknown): void {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log('error', { stack }, fault.message);
  link.send({ type: 'failed', error: encodeError(fault) });
  process.exitCode = 1;
  link.end();
}
