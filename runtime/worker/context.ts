import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../core/index.ts';
import type { ExecutorContext, ExecutorLogger, LoadProgress } from '../../executors/sdk/index.ts';
import type { ExecutorData } from '../wire/index.ts';

/** Where a worker's own files lie: one folder for each executor and shard, shared by its replicas. */
export function workspaceOf(data: ExecutorData): string {
  return join(data.workspace, data.name, String(data.shard));
}

/** What the worker process can do for its executor. */
export interface ContextServices {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: ExecutorLogger;
  progress(progress: LoadProgress): void;
  count(name: string, amount: number): void;
}

export function createContext(data: ExecutorData, services: ContextServices): ExecutorContext {
  const metas: JsonObject = data.metas;
  return {
    name: data.name,
    replica: data.replica,
    replicas: data.replicas,
    shard: data.shard,
    shards: data.shards,
    device: data.device,
    threads: data.threads,
    metas,
    env: services.env,
    logger: services.logger,
    workspace() {
      const folder = workspaceOf(data);
      mkdirSync(folder, { recursive: true });
      return folder;
    },
    progress: (progress) => {
      services.progress(progress);
    },
    count: (name, amount = 1) => {
      services.count(name, amount);
    },
  };
}
