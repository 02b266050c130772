import { type CallCost, worthJoining } from '../../core/index.ts';
import type { BatchingData } from '../wire/index.ts';
import type { BatchDecision, BatchPart, FlushReason } from './decision.ts';
import type { LaneView, QueueView, WaitingEntry } from './queue-view.ts';

/** Entries after the head among which a batch may choose by cost; a larger preferred size widens it. */
const windowEntries = 256;
/** The window in preferred batch sizes; with small batches it ends there. */
const windowBatches = 4;

/**
 * One lane while a decision is made: what it was given, less what the decision has taken from it so far.
 *
 * The lane itself stays as it is.
 */
export class LaneDraft<E extends WaitingEntry> {
  private readonly queue: QueueView<E>;
  private readonly queueIndex: number;
  private readonly lane: LaneView<E>;
  /** Rows left of the entries that the decision has touched; 0: the entry is gone. */
  private readonly left = new Map<E, number>();
  private rows: number;
  private started: number;
  private first: E | undefined;
  private oldest: E | undefined;

  constructor(queue: QueueView<E>, queueIndex: number, lane: LaneView<E>) {
    this.queue = queue;
    this.queueIndex = queueIndex;
    this.lane = lane;
    this.rows = lane.rows;
    this.started = lane.started;
    this.first = this.firstLeft(lane.byRank);
    this.oldest = this.firstLeft(lane.byArrival);
  }

  /** The most urgent entry; undefined when the lane is empty. */
  get head(): E | undefined {
    return this.first;
  }

  /** When the oldest entry has waited as long as it may (monotonic ms); undefined when the lane is empty. */
  get dueAt(): number | undefined {
    if (this.oldest === undefined) return undefined;
    return this.oldest.enqueuedAt + (this.queue.batching?.timeoutMs ?? 0);
  }

  /** Why a batch with `head` should leave now; undefined while it should wait. */
  reasonToLeave(head: E, now: number): FlushReason | undefined {
    const { batching, calibration, isDraining } = this.queue;
    if (this.lane.kind !== 'joining' || batching === undefined) return this.lane.kind === 'alone' ? 'alone' : 'single';
    const isFull = this.rows >= rowLimit(head.rowCost, batching, calibration);
    const isOverdue = this.dueAt !== undefined && now >= this.dueAt;
    if (batching.flushAll && (isFull || isOverdue)) return 'flush_all';
    if (isFull) return 'full';
    if (this.started > 0) return 'rest';
    if (isOverdue) return batching.timeoutMs > 0 ? 'timeout' : 'idle';
    return isDraining ? 'drain' : undefined;
  }

  /** The batch around `head`; its rows are gone from the lane afterwards. */
  cut(head: E, reason: FlushReason): BatchDecision<E> {
    const parts = this.partsAround(head);
    let rows = 0;
    for (const part of parts) {
      rows += part.rows;
      this.take(part);
    }
    this.first = this.firstLeft(this.lane.byRank);
    this.oldest = this.firstLeft(this.lane.byArrival);
    return { queue: this.queueIndex, parts, rows, reason };
  }

  private partsAround(head: E): BatchPart<E>[] {
    const { batching, calibration } = this.queue;
    const whole = { entry: head, rows: this.rowsLeft(head) };
    if (this.lane.kind !== 'joining' || batching === undefined) return [whole];
    if (batching.flushAll) return Array.from(this.after(undefined), (entry) => ({ entry, rows: this.rowsLeft(entry) }));
    if (calibration === undefined) return this.joinInOrder(batching.preferredBatchSize);
    return this.joinByCost(head, batching, calibration);
  }

  private joinInOrder(preferredBatchSize: number): BatchPart<E>[] {
    const parts: BatchPart<E>[] = [];
    let room = preferredBatchSize;
    for (const entry of this.after(undefined)) {
      const rows = Math.min(this.rowsLeft(entry), room);
      parts.push({ entry, rows });
      room -= rows;
      if (room <= 0) break;
    }
    return parts;
  }

  private joinByCost(head: E, batching: BatchingData, calibration: CallCost): BatchPart<E>[] {
    let longest = head.rowCost;
    let count = Math.min(this.rowsLeft(head), rowLimit(longest, batching, calibration));
    const parts: BatchPart<E>[] = [{ entry: head, rows: count }];
    if (count >= rowLimit(longest, batching, calibration)) return parts;
    for (const entry of this.nearestInCost(head, batching.preferredBatchSize)) {
      const reached = Math.max(longest, entry.rowCost);
      const room = rowLimit(reached, batching, calibration) - count;
      if (room <= 0 || !worthJoining(count, longest, entry.rowCost, calibration.callCost)) continue;
      const rows = Math.min(this.rowsLeft(entry), room);
      parts.push({ entry, rows });
      longest = reached;
      count += rows;
      if (count >= batching.preferredBatchSize) break;
    }
    return parts;
  }

  /** Entries of the window after the head; equally near ones stay in order. */
  private nearestInCost(head: E, preferredBatchSize: number): E[] {
    const size = Math.max(preferredBatchSize, Math.min(windowEntries, windowBatches * preferredBatchSize));
    const window: E[] = [];
    for (const entry of this.after(head)) {
      window.push(entry);
      if (window.length >= size) break;
    }
    return window.sort((a, b) => Math.abs(a.rowCost - head.rowCost) - Math.abs(b.rowCost - head.rowCost));
  }

  /** Entries not yet gone in order of rank, without `head`. */
  private *after(head: E | undefined): Iterable<E> {
    for (const entry of this.lane.byRank) {
      if (entry !== head && this.left.get(entry) !== 0) yield entry;
    }
  }

  private firstLeft(entries: Iterable<E>): E | undefined {
    for (const entry of entries) {
      if (this.left.get(entry) !== 0) return entry;
    }
    return undefined;
  }

  private rowsLeft(entry: E): number {
    return this.left.get(entry) ?? entry.rows;
  }

  private take({ entry, rows }: BatchPart<E>): void {
    const wasStarted = entry.isStarted || this.left.has(entry);
    const left = this.rowsLeft(entry) - rows;
    this.left.set(entry, left);
    this.rows -= rows;
    this.started += Number(left > 0) - Number(wasStarted);
  }
}

/** Rows that one call takes when the longest of them costs `longest`; at least 1. */
function rowLimit(longest: number, batching: BatchingData, calibration: CallCost | undefined): number {
  const affordable = calibration === undefined ? Infinity : Math.floor(calibration.maxCallCost / longest);
  return Math.max(1, Math.min(batching.preferredBatchSize, affordable));
}
