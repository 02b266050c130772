import { resolve } from 'node:path';
import type { JsonObject } from '../core/index.ts';
import { readAlias } from './alias.ts';
import type { Checked } from './check.ts';
import type { ExecutorItem } from './executor-item.ts';
import type { BatchingOverride, ExecutorPlan } from './plan.ts';
import type { FlowReader } from './reader.ts';
import type { batchingSchema } from './schema-executor-file.ts';
import type { handedDownShape } from './schema-executor.ts';
import type { Source } from './source.ts';
import { type ExecutorFile, resolveUses } from './uses.ts';

/** What all executors of a flow share. */
export interface FlowDefaults {
  /** The flow file: relative folders start beside it. */
  readonly source: Source;
  /** Keys of `with` that count for every executor that does not write them itself. */
  readonly handedDown: Checked<typeof handedDownShape>;
  /** `timeout_send` of the gateway or of `with`. */
  readonly timeoutSend: number | 'none' | undefined;
  /** Default workspace, relative to the flow file. */
  readonly workspace: string;
}

/** An executor without its place in the graph. */
export type PlannedExecutor = Omit<ExecutorPlan, 'name' | 'needs' | 'isFloating'>;

/** Fills in an executor's defaults and finds its class; faults go to the reader's list, and the result is undefined. */
export function planExecutor(
  item: ExecutorItem,
  defaults: FlowDefaults,
  reader: FlowReader,
): PlannedExecutor | undefined {
  const { checked, source, path } = item;
  const settings = { ...defaults.handedDown, ...checked };
  const folderOf = (written: unknown) => (written === undefined ? defaults.source.folder : source.folder);
  const searchPaths = (settings.extra_search_paths ?? []).map((folder) =>
    resolve(folderOf(checked.extra_search_paths), folder),
  );
  const { origin, file } = resolveUses(checked.uses, checked.py_modules, { source, path, searchPaths }, reader);
  const noReduce =
    readAlias(checked, ['no_reduce', 'disable_reduce'], source, path, reader.faults) ??
    readAlias(defaults.handedDown, ['no_reduce', 'disable_reduce'], defaults.source, ['with'], reader.faults);
  if (origin === undefined) return undefined;
  const timeoutReadyMs = limitMs(settings.timeout_ready);
  const timeoutSendMs = limitMs(checked.timeout_send ?? defaults.timeoutSend);
  const metasWorkspace = file.metas?.workspace;
  return {
    ...origin,
    with: { ...file.with, ...checked.uses_with },
    metas: { ...metasOf(file), ...settings.uses_metas },
    requests: { ...file.requests, ...settings.uses_requests },
    dynamicBatching: mergeBatching(file.dynamic_batching, settings.uses_dynamic_batching),
    noReduce: noReduce ?? false,
    replicas: settings.replicas ?? 1,
    devices: settings.device ?? ['cpu'],
    ...(settings.concurrency === undefined ? {} : { concurrency: settings.concurrency }),
    env: settings.env ?? {},
    ...(timeoutReadyMs === undefined ? {} : { timeoutReadyMs }),
    ...(timeoutSendMs === undefined ? {} : { timeoutSendMs }),
    queue: { requests: settings.queue?.requests ?? 1024, bytes: settings.queue?.bytes ?? 256 * 2 ** 20 },
    workspace: resolve(defaults.source.folder, settings.workspace ?? metasWorkspace ?? defaults.workspace),
  };
}

function limitMs(limit: number | 'none' | undefined): number | undefined {
  return limit === 'none' ? undefined : limit;
}

/** `metas` without the file of the class, which is no fact about the executor. */
function metasOf(file: ExecutorFile): JsonObject {
  const entries = Object.entries(file.metas ?? {}).filter(([key]) => key !== 'py_modules');
  return Object.fromEntries(entries) as JsonObject;
}

type BatchingMap = Readonly<Record<string, Checked<typeof batchingSchema.shape>>>;

/** Setting by setting, the second over the first. */
function mergeBatching(first: BatchingMap = {}, second: BatchingMap = {}): Record<string, BatchingOverride> {
  const names = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries([...names].map((name) => [name, batchingOverride({ ...first[name], ...second[name] })]));
}

function batchingOverride(settings: Checked<typeof batchingSchema.shape>): BatchingOverride {
  const { preferred_batch_size: size, timeout, flush_all: flushAll, use_dynamic_batching: isOn } = settings;
  return {
    ...(size === undefined ? {} : { preferredBatchSize: size }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(flushAll === undefined ? {} : { flushAll }),
    ...(isOn === undefined ? {} : { useDynamicBatching: isOn }),
  };
}
