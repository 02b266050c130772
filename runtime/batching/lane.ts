import type { QueueEntry } from './queue-entry.ts';
import type { LaneKind, LaneView } from './queue-view.ts';
import { SortedChain } from './sorted-chain.ts';

/** One line of an endpoint's queue, in the order of rank and in the order of arrival. */
export class Lane<T> implements LaneView<QueueEntry<T>> {
  readonly kind: LaneKind;
  readonly byRank = new SortedChain<QueueEntry<T>>();
  readonly byArrival = new SortedChain<QueueEntry<T>>();
  private rowCount = 0;
  private startedCount = 0;

  constructor(kind: LaneKind) {
    this.kind = kind;
  }

  get rows(): number {
    return this.rowCount;
  }

  get started(): number {
    return this.startedCount;
  }

  get isEmpty(): boolean {
    return this.byRank.isEmpty;
  }

  add(entry: QueueEntry<T>): void {
    entry.links = [this.byRank.add(entry, entry.rank), this.byArrival.add(entry, entry.enqueuedAt)];
    this.rowCount += entry.rows;
  }

  /** Moves the next `rows` rows out; the entry stays until it is removed. */
  take(entry: QueueEntry<T>, rows: number): void {
    if (!entry.isStarted && rows > 0) this.startedCount += 1;
    entry.rows -= rows;
    entry.rowsTaken += rows;
    this.rowCount -= rows;
  }

  remove(entry: QueueEntry<T>): void {
    if (entry.links === undefined) return;
    this.byRank.remove(entry.links[0]);
    this.byArrival.remove(entry.links[1]);
    entry.links = undefined;
    this.rowCount -= entry.rows;
    if (entry.isStarted) this.startedCount -= 1;
  }
}
