import type {
  EndpointNumbers,
  ExecutorNumbers,
  LiveMetrics,
  RecentRequest,
  Timing,
  WorkerNumbers,
} from '../../observability/index.ts';
import type { ExecutorStatus, Runtime, WorkerStatus } from '../../runtime/index.ts';
import { readiness } from '../probes.ts';

export interface LiveWorker extends WorkerNumbers {
  readonly replica: number;
  readonly state: string;
  readonly pid?: number;
  readonly device: string;
  readonly restarts: number;
  /** What it loads, or why it failed. */
  readonly message?: string;
}

export interface LiveExecutor extends ExecutorNumbers {
  readonly name: string;
  readonly class?: string;
  /** Executors before it; empty: it gets the request itself. */
  readonly needs: readonly string[];
  readonly is_floating: boolean;
  readonly is_ready: boolean;
  readonly queued: number;
  readonly workers: readonly LiveWorker[];
}

/** `GET /live.json`: the flow as it is now, for the dashboard and `sluice top`. */
export interface LiveSnapshot {
  readonly flow: string;
  readonly status: 'ready' | 'not_ready' | 'draining';
  /** Why it is not ready. */
  readonly reasons: readonly string[];
  readonly total: Timing & { readonly in_flight: number };
  readonly endpoints: readonly EndpointNumbers[];
  readonly executors: readonly LiveExecutor[];
  /** Slowest requests of the last minute, as far as somebody has been looking. */
  readonly slow: readonly RecentRequest[];
}

export interface LiveParts {
  readonly runtime: Runtime;
  readonly metrics: LiveMetrics;
  readonly nowMs: number;
  readonly isDraining: boolean;
}

export function liveSnapshot({ runtime, metrics, nowMs, isDraining }: LiveParts): LiveSnapshot {
  const { plan } = runtime;
  const status = runtime.status();
  const { state, reasons } = readiness(status, isDraining);
  const numbers = metrics.look(nowMs);
  const known = new Map(status.executors.map((executor) => [executor.name, executor]));
  return {
    flow: plan.name,
    status: state,
    reasons,
    total: numbers.total(),
    endpoints: numbers.endpoints(),
    executors: plan.executors.map(({ name, needs, isFloating }) => ({
      name,
      needs,
      is_floating: isFloating,
      ...stateOf(known.get(name)),
      ...numbers.executor(name),
      workers: (known.get(name)?.workers ?? []).map((worker) => ({
        ...workerOf(worker),
        ...numbers.worker(name, worker.replica),
      })),
    })),
    slow: numbers.slow,
  };
}

function stateOf(status: ExecutorStatus | undefined): Pick<LiveExecutor, 'class' | 'is_ready' | 'queued'> {
  if (status === undefined) return { is_ready: false, queued: 0 };
  const { className, isReady, queuedRequests } = status;
  return { ...(className === undefined ? {} : { class: className }), is_ready: isReady, queued: queuedRequests };
}

function workerOf({ replica, state, pid, device, restarts, message, error }: WorkerStatus) {
  const text = error === undefined ? message : `${error.reason}: ${error.message}`;
  return {
    ...{ replica, state, device, restarts },
    ...(pid === undefined ? {} : { pid }),
    ...(text === undefined ? {} : { message: text }),
  };
}
