import type { ExecutorPlan } from '../flows/index.ts';
import type { ExecutorData } from './wire/index.ts';

/** What a worker of `plan` has to load, as it travels to the child. */
export function executorData(
  plan: ExecutorPlan,
  place: { readonly replica: number; readonly threads: number; readonly device: string },
): ExecutorData {
  return {
    name: plan.name,
    source: plan.source,
    with: plan.with,
    metas: plan.metas,
    requests: plan.requests,
    dynamicBatching: plan.dynamicBatching,
    ...place,
    replicas: plan.replicas,
    shard: 0,
    shards: 1,
    workspace: plan.workspace,
    ...(plan.className === undefined ? {} : { className: plan.className }),
    ...(plan.concurrency === undefined ? {} : { concurrency: plan.concurrency }),
  };
}
