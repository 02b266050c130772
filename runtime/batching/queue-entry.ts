import type { Timed } from './deadline-heap.ts';
import { type LaneKind, rankOf, type WaitingEntry } from './queue-view.ts';
import type { ChainLink } from './sorted-chain.ts';

/** A request as it comes to a queue. */
export interface Arrival<T> {
  /** What the caller wants back with the entry. */
  readonly item: T;
  /** Documents; 0 is fine. */
  readonly rows: number;
  /** Largest estimated cost of one of them; see `largestCost`. */
  readonly rowCost: number;
  /** Estimated bytes in memory; see `requestBytes`. */
  readonly bytes: number;
  /** Requests are joined only when their keys are equal; see `batchKey`. */
  readonly key: string;
  /** Larger is more urgent; 0 is the usual one. Each step is worth 100 ms of waiting. */
  readonly priority: number;
  /** Monotonic ms. */
  readonly enqueuedAt: number;
  /** Monotonic ms; Infinity for never. */
  readonly deadline: number;
}

/** A request, or the part of it that has not been taken yet, in an {@link EndpointQueue}, which alone changes it. */
export class QueueEntry<T> implements WaitingEntry, Timed {
  readonly item: T;
  readonly kind: LaneKind;
  readonly key: string;
  readonly rowCost: number;
  readonly bytes: number;
  readonly rank: number;
  readonly enqueuedAt: number;
  readonly deadline: number;
  rows: number;
  rowsTaken = 0;
  /** Place in its lane, by rank and by arrival; undefined once it has left. */
  links: readonly [byRank: ChainLink<QueueEntry<T>>, byArrival: ChainLink<QueueEntry<T>>] | undefined;
  heapIndex = -1;

  /** @param rank place in line; by default that of its arrival and priority */
  constructor(arrival: Arrival<T>, kind: LaneKind, rank = rankOf(arrival.enqueuedAt, arrival.priority)) {
    this.item = arrival.item;
    this.kind = kind;
    this.key = arrival.key;
    this.rowCost = arrival.rowCost;
    this.bytes = arrival.bytes;
    this.rank = rank;
    this.enqueuedAt = arrival.enqueuedAt;
    this.deadline = arrival.deadline;
    this.rows = arrival.rows;
  }

  /** Whether anything of it still waits. */
  get isQueued(): boolean {
    return this.links !== undefined;
  }

  get isStarted(): boolean {
    return this.rowsTaken > 0;
  }
}
