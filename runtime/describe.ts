import { FlowError } from '../core/index.ts';
import type { ExecutorPlan, Plan } from '../flows/index.ts';
import type { Logger } from '../observability/index.ts';
import { executorData } from './executor-data.ts';
import { WorkerProcess } from './supervisor/index.ts';
import type { Manifest } from './wire/index.ts';

/** An executor as its class declares it, or why it cannot be used. */
export interface ExecutorDescription {
  readonly executor: string;
  readonly manifest?: Manifest;
  readonly error?: FlowError;
}

/**
 * Loads every executor's class in a process of its own, without making an instance, and says what it offers.
 *
 * Finds what only the class knows: errors at import, options that its schema refuses, replicas of an exclusive state.
 */
export async function describeExecutors(
  plan: Plan,
  { logger, env }: { readonly logger: Logger; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<readonly ExecutorDescription[]> {
  const descriptions: ExecutorDescription[] = [];
  for (const executor of plan.executors) descriptions.push(await describeOne(executor, logger, env));
  return descriptions;
}

async function describeOne(
  plan: ExecutorPlan,
  logger: Logger,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ExecutorDescription> {
  return await new Promise((resolve) => {
    let manifest: Manifest | undefined;
    new WorkerProcess({
      data: executorData(plan, { replica: 0, threads: 1, device: plan.devices[0] ?? 'cpu' }),
      mode: 'describe',
      timeoutReadyMs: plan.timeoutReadyMs,
      env: { ...env, ...plan.env },
      logger,
      events: {
        changed: () => undefined,
        loaded: (loaded) => (manifest = loaded),
        ready: () => undefined,
        report: () => undefined,
        ended: (error) => {
          const fault =
            error ?? new FlowError('executor_load_failed', `${plan.name} ended before it said what it offers`);
          resolve({ executor: plan.name, ...(manifest === undefined ? { error: fault } : { manifest }) });
        },
      },
    });
  });
}
