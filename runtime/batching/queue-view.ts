import type { CallCost } from '../../core/index.ts';
import type { BatchingData } from '../wire/index.ts';

/** Waiting time, in ms, that one step of priority is worth. */
const msPerPriority = 100;
/** Priorities beyond this count as this, so that nobody passes others by more than 10 s. */
const maxPriority = 100;

/**
 * Place of an entry in the line, in ms; smaller leaves earlier.
 *
 * Urgency is `ms waited + 100 x priority`. All entries age alike, so their order never changes, and this number, which
 * holds still, stands for it. Priorities are bounded to -100 ... 100; one that is not a number counts as 0.
 */
export function rankOf(enqueuedAt: number, priority: number): number {
  const bounded = Number.isNaN(priority) ? 0 : Math.max(-maxPriority, Math.min(maxPriority, priority));
  return enqueuedAt - bounded * msPerPriority;
}

/** What the policy knows of a request, or of the part of it that still waits. */
export interface WaitingEntry {
  /** Rows not yet taken; 0 for a request without documents. */
  readonly rows: number;
  /** Largest estimated cost of one of its rows. */
  readonly rowCost: number;
  /** See {@link rankOf}; -Infinity for a retry, which goes before everything else. */
  readonly rank: number;
  /** Monotonic ms. */
  readonly enqueuedAt: number;
  /** Whether some of its rows have left already. */
  readonly isStarted: boolean;
}

/**
 * How the entries of a lane leave.
 *
 * `joining`: with others of the lane, which have the same key. `single`: each is a call of its own, because the
 * endpoint does not batch. `alone`: each is a call of its own although the endpoint may batch: retries, and requests
 * without documents.
 */
export type LaneKind = 'joining' | 'single' | 'alone';

/** Entries of one queue that stand in one line. */
export interface LaneView<E extends WaitingEntry> {
  readonly kind: LaneKind;
  /** Rows of all entries. */
  readonly rows: number;
  /** How many entries have `isStarted`. */
  readonly started: number;
  /** Smallest rank first. */
  readonly byRank: Iterable<E>;
  /** Oldest first. */
  readonly byArrival: Iterable<E>;
}

/** One endpoint's queue as the policy sees it. */
export interface QueueView<E extends WaitingEntry> {
  /** undefined: requests are never joined. */
  readonly batching: BatchingData | undefined;
  /** undefined: costs do not matter, everything with one key may be joined. */
  readonly calibration: CallCost | undefined;
  /** Whether nothing may wait for company any more. */
  readonly isDraining: boolean;
  readonly lanes: Iterable<LaneView<E>>;
}
