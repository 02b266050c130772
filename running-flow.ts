import { FlowError } from './core/index.ts';
import { Flow, loadFlow, type Plan } from './flows/index.ts';
import { type Gateway, startGateway } from './gateway/index.ts';
import { createLogger, type Logger, startObservability } from './observability/index.ts';
import { createRuntime, type Runtime, type RuntimeStatus, type WorkerStatus } from './runtime/index.ts';

export interface StartOptions {
  /** Environment of the workers, and of `${{ ENV.NAME }}` in a flow file; default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: warnings and errors on stderr, one JSON object a line. */
  readonly logger?: Logger;
  /** Called at every change of a worker, from the first `starting` on. */
  readonly onWorker?: (worker: WorkerStatus) => void;
  /** Gives the start up when it aborts; afterwards {@link RunningFlow.stop} ends the flow. */
  readonly signal?: AbortSignal;
}

/** A flow that serves in this process; its executors run in processes of their own. */
export interface RunningFlow {
  readonly plan: Plan;
  /** Where it listens, such as `http://127.0.0.1:51000`. */
  readonly urls: readonly string[];
  status(): RuntimeStatus;
  /** Answers every accepted request within the flow's `drain_timeout`, then ends all workers. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts a flow file, a flow built in code, or a plan, and fulfils when every executor is ready.
 *
 * This is the one place where flows, runtime, gateway and observability are put together; `sluice up` calls it too.
 *
 * @throws FlowError `invalid_flow`, `port_in_use`, or the root cause when an executor does not start; nothing is left
 *   running then
 */
export async function startFlow(flow: string | Flow | Plan, options: StartOptions = {}): Promise<RunningFlow> {
  const { onWorker, signal, env = process.env } = options;
  const plan = await planOf(flow, env);
  const logger = options.logger ?? createLogger({ name: plan.name, level: 'warn', destination: process.stderr });
  const observability = await startObservability({ serviceName: plan.name, tracing: plan.gateway.tracing, logger });
  const { instrument, store, live } = observability;
  const runtime = createRuntime({ plan, instrument, store, logger, env });
  if (onWorker !== undefined) runtime.onStatus(onWorker);

  const giveUp = (): void => {
    runtime.stop(0).catch((error: unknown) => {
      logger.error({ error }, 'workers could not be ended');
    });
  };
  let gateway: Gateway | undefined;
  try {
    // The port first: one that is taken is found before models are loaded, and probes are answered while they load.
    gateway = await startGateway({
      ...{ plan, runtime, instrument, live, logger },
      metricsPage: () => observability.metricsPage(),
    });
    signal?.throwIfAborted();
    signal?.addEventListener('abort', giveUp, { once: true });
    await runtime.start();
    signal?.throwIfAborted();
  } catch (error) {
    const fault = startFault(error, runtime);
    // The runtime first: it refuses what waits in its queues, so the gateway has nothing left to wait for.
    await runtime.stop(0);
    await gateway?.stop();
    await observability.shutdown();
    throw signal?.aborted === true ? new FlowError('cancelled', `the start of ${plan.name} was given up`) : fault;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
  const { urls } = gateway;
  let stopping: Promise<void> | undefined;
  const stop = async (running: Gateway): Promise<void> => {
    // Callers first: their requests end while the workers still live.
    await running.stop();
    await runtime.stop(plan.gateway.drainTimeoutMs);
    await observability.shutdown();
  };
  return { plan, urls, status: () => runtime.status(), stop: () => (stopping ??= stop(gateway)) };
}

/** The error of a start that failed, with the worker that it comes from. */
function startFault(error: unknown, runtime: Runtime): unknown {
  const workers = runtime.status().executors.flatMap((executor) => executor.workers);
  const worker = workers.find((status) => status.error === error);
  if (worker?.error === undefined) return error;
  const { reason, message, details } = worker.error;
  const doing = `cannot start ${worker.executor}/${worker.replica}`;
  return new FlowError(reason, `${doing}: ${message}`, { details, cause: error });
}

async function planOf(flow: string | Flow | Plan, env: NonNullable<StartOptions['env']>): Promise<Plan> {
  if (typeof flow === 'string') return (await loadFlow(flow, { env })).plan;
  return flow instanceof Flow ? flow.plan() : flow;
}
