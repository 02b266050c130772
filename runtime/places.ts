import type { EndpointQueue } from './batching/index.ts';
import type { CallPace } from './call-pace.ts';
import type { WorkerProcess } from './supervisor/index.ts';
import type { TaskPart } from './task.ts';
import type { EndpointManifest } from './wire/index.ts';

/** A worker that can take calls now. */
export interface ReadyWorker {
  readonly worker: WorkerProcess;
  readonly replica: number;
  readonly device: string;
}

/** One endpoint's queue, and how fast its calls are. */
export interface EndpointLine {
  readonly endpoint: EndpointManifest;
  readonly queue: EndpointQueue<TaskPart>;
  readonly pace: CallPace;
}

/** The worker with the fewest calls below `limit`. */
export function leastBusy(workers: readonly ReadyWorker[], limit: number): ReadyWorker | undefined {
  let best: ReadyWorker | undefined;
  for (const ready of workers) {
    const { inFlight } = ready.worker;
    if (inFlight < Math.min(limit, best?.worker.inFlight ?? Infinity)) best = ready;
  }
  return best;
}

/**
 * How many calls of an endpoint may be sent to a worker beside those it computes: one to prepare, if that is a batch
 * that will not grow any more; several where calls are joined by nobody and take next to no time. Never a write that is
 * not prepared: it would be lost with its worker although it had not begun.
 */
export function callsAhead({ endpoint, queue, pace }: EndpointLine): number {
  const { batching } = queue;
  const isComplete = batching === undefined || queue.rows >= batching.preferredBatchSize;
  const prepared = endpoint.hasPre && isComplete ? 1 : 0;
  if (batching !== undefined || endpoint.effect === 'write' || endpoint.isStreaming) return prepared;
  return Math.max(prepared, pace.ahead);
}

/** Calls that workers can take until each has `limit`. */
export function placesBelow(workers: readonly ReadyWorker[], limit: number): number {
  return workers.reduce((sum, { worker }) => sum + Math.max(0, limit - worker.inFlight), 0);
}
