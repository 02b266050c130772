import { arch, platform, release } from 'node:os';
import type { FlowError, JsonObject } from '../core/index.ts';
import type { ExecutorStatus, RuntimeStatus, WorkerStatus } from '../runtime/index.ts';
import { productVersion } from './version.ts';

/** What is known about the flow right now, for the people and machines that ask. */
export interface Readiness {
  readonly isReady: boolean;
  readonly state: 'ready' | 'not_ready' | 'draining';
  /** Why not, one for each executor. */
  readonly reasons: readonly string[];
  readonly body: JsonObject;
}

/** Whether every executor can take requests; if not, which one cannot and why. */
export function readiness(status: RuntimeStatus, isDraining: boolean): Readiness {
  const isReady = status.isReady && !isDraining && !status.isDraining;
  const state = isReady ? 'ready' : isDraining || status.isDraining ? 'draining' : 'not_ready';
  const executors = status.executors.map((executor) => ({
    name: executor.name,
    is_ready: executor.isReady,
    workers: executor.workers.map(workerJson),
  }));
  const reasons = reasonsOf(status, isDraining);
  return { isReady, state, reasons, body: { status: state, reasons, executors } };
}

/** Jina's `StatusProto` for the whole flow; never fails as a call. */
export function dryRun(status: RuntimeStatus, isDraining: boolean): JsonObject {
  const { isReady, reasons } = readiness(status, isDraining);
  if (isReady) return { code: 0, description: '', exception: null };
  const description = reasons.join('; ');
  const reason = isDraining || status.isDraining ? 'draining' : 'not_ready';
  const exception = { name: reason, args: [description], stacks: [], executor: '' };
  return { code: 1, description, exception };
}

const sessionStart = new Date();

/** Versions and platform in the form of Jina's `/status`; environment values are never shown. */
export function statusPage(): JsonObject {
  return {
    jina: {
      sluice: productVersion(),
      'jina-proto': jinaProtoVersion,
      node: process.versions.node,
      platform: platform(),
      'platform-release': release(),
      architecture: arch(),
      uptime: sessionStart.toISOString(),
    },
    envs: {},
  };
}

/** Version of the jina.* messages that are spoken. */
const jinaProtoVersion = '0.1.27';

function reasonsOf(status: RuntimeStatus, isDraining: boolean): string[] {
  if (isDraining || status.isDraining) return ['the service is shutting down'];
  const waiting = status.executors.filter((executor) => !executor.isReady).map(executorReason);
  return waiting.length > 0 || status.isReady ? waiting : ['the flow is starting'];
}

function executorReason(executor: ExecutorStatus): string {
  const workers = executor.workers.filter((worker) => worker.state !== 'ready' && worker.state !== 'busy');
  const states = workers.map(workerReason).join(', ');
  return `executor ${executor.name} is not ready${states === '' ? '' : `: ${states}`}`;
}

function workerReason(worker: WorkerStatus): string {
  const progress = worker.fraction === undefined ? '' : ` (${Math.round(worker.fraction * 100)} %)`;
  const detail = worker.error === undefined ? worker.message : errorText(worker.error);
  return `replica ${worker.replica} is ${worker.state}${progress}${detail === undefined ? '' : `: ${detail}`}`;
}

function workerJson(worker: WorkerStatus): JsonObject {
  const { replica, state, restarts, device, message, fraction, error } = worker;
  return {
    replica,
    state,
    restarts,
    device,
    ...(message === undefined ? {} : { message }),
    ...(fraction === undefined ? {} : { fraction }),
    ...(error === undefined ? {} : { error: errorText(error) }),
  };
}

function errorText(error: FlowError): string {
  return `${error.reason}: ${error.message}`;
}
