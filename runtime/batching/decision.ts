import type { WaitingEntry } from './queue-view.ts';

/** Why a batch left its queue. */
export type FlushReason =
  /** The endpoint does not join requests. */
  | 'single'
  /** A retry, or a request without documents: never joined. */
  | 'alone'
  /** As many rows waited as one call takes. */
  | 'full'
  /** Like `full`, `timeout` or `idle`, with everything that waited. */
  | 'flush_all'
  /** Remaining rows of a request whose other rows have left. */
  | 'rest'
  /** The oldest entry had waited as long as the endpoint allows. */
  | 'timeout'
  /** A worker was free and the endpoint asks for no delay. */
  | 'idle'
  /** The queue is being emptied. */
  | 'drain';

/** Rows to take from one entry. */
export interface BatchPart<E extends WaitingEntry> {
  readonly entry: E;
  /** All that remain, or fewer when a request is split. */
  readonly rows: number;
}

/** One call to make. */
export interface BatchDecision<E extends WaitingEntry> {
  /** Index of the queue among those that were given. */
  readonly queue: number;
  /** The most urgent entry first. */
  readonly parts: readonly BatchPart<E>[];
  /** Rows of all parts. */
  readonly rows: number;
  readonly reason: FlushReason;
}

/** What to do now, and when to ask again. */
export interface Decision<E extends WaitingEntry> {
  readonly batches: readonly BatchDecision<E>[];
  /**
   * Monotonic ms at which something becomes due for a slot that is still free. undefined: ask again at the next
   * arrival or when a slot becomes free, no earlier.
   */
  readonly wakeAt: number | undefined;
}
