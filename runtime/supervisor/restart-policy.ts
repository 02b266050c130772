/** What is known of a worker that just ended. */
export interface WorkerEnd {
  /** Whether it had become ready. */
  readonly wasReady: boolean;
  /** Whether it said itself why it cannot start, before any worker of the replica was ever ready. */
  readonly isHopeless: boolean;
  /** Whether it died while it worked on a request: then the request may be at fault, not the worker. */
  readonly wasBusy: boolean;
  /** Whether it had answered a request since it became ready. */
  readonly hasAnswered: boolean;
  /** How long it had been ready, ms. */
  readonly readyForMs: number;
}

/** What the supervisor remembers between starts of one replica. */
export interface RestartHistory {
  /** Ends in a row that no request explains. */
  readonly failures: number;
  /** Ends in a row after less than {@link stableMs}, for the back-off. */
  readonly quickEnds: number;
}

export const freshHistory: RestartHistory = { failures: 0, quickEnds: 0 };

export type RestartDecision =
  | { readonly type: 'restart'; readonly delayMs: number; readonly history: RestartHistory }
  | { readonly type: 'give_up'; readonly failures: number };

/** A worker that was ready for this long starts with a clean record. */
const stableMs = 10_000;
const firstDelayMs = 100;
const maxDelayMs = 10_000;
/** Failures in a row after which a replica stays down. */
const maxFailures = 5;

/**
 * Whether and when a replica is started again.
 *
 * A first start that fails for a reason it can name (an import, an option, the weights) is not repeated: it would fail
 * the same way.
 *
 * The first restart after a stable time, or of a worker that had answered requests, is immediate, then the delay
 * doubles from 100 ms to 10 s. Ends that no request explains (at start, or idle without ever having answered) count as
 * failures, and five in a row end it: what fails then is the executor itself. A death in the middle of a request never
 * does, or one poison document could take the service down.
 */
export function afterWorkerEnd(history: RestartHistory, end: WorkerEnd): RestartDecision {
  const isStable = end.wasReady && end.readyForMs >= stableMs;
  if (end.isHopeless) return { type: 'give_up', failures: history.failures + 1 };
  const failures = end.wasBusy || end.hasAnswered || isStable ? 0 : history.failures + 1;
  if (failures >= maxFailures) return { type: 'give_up', failures };
  const quickEnds = isStable || end.hasAnswered ? 0 : history.quickEnds + 1;
  const delayMs = quickEnds <= 1 ? 0 : Math.min(firstDelayMs * 2 ** (quickEnds - 2), maxDelayMs);
  return { type: 'restart', delayMs, history: { failures, quickEnds } };
}
