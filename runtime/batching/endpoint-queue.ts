import { type CallCost, FlowError } from '../../core/index.ts';
import type { QueueBounds } from '../../flows/index.ts';
import type { BatchingData } from '../wire/index.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import { Lane } from './lane.ts';
import { type Arrival, QueueEntry } from './queue-entry.ts';
import type { LaneKind, QueueView } from './queue-view.ts';

/** Different keys that may wait for one endpoint at the same time. */
const defaultMaxKeys = 256;

export interface EndpointQueueSettings {
  /** For messages, such as `/encode of encoder`. */
  readonly name: string;
  /** undefined: requests are never joined. */
  readonly batching: BatchingData | undefined;
  readonly bounds: QueueBounds;
  /** Different keys that may wait at the same time; default 256. Without batching keys do not matter. */
  readonly maxKeys?: number;
}

/**
 * The requests that wait for one endpoint of one executor, in the parent.
 *
 * Bounded in requests and bytes. It keeps order and counts; when something leaves is `decide`'s business.
 * `T` is what the caller wants back with an entry.
 */
export class EndpointQueue<T> implements QueueView<QueueEntry<T>> {
  readonly name: string;
  readonly batching: BatchingData | undefined;
  /** Set when a worker has measured its costs. */
  calibration: CallCost | undefined;
  /** Set when the queue is to be emptied: nothing waits for company any more. */
  isDraining = false;

  private readonly bounds: QueueBounds;
  private readonly maxKeys: number;
  private readonly joining = new Map<string, Lane<T>>();
  private readonly single: Lane<T>;
  private readonly alone: Lane<T>;
  private readonly deadlines = new DeadlineHeap<QueueEntry<T>>();
  private requestCount = 0;
  private rowCount = 0;
  private byteCount = 0;

  constructor(settings: EndpointQueueSettings) {
    this.name = settings.name;
    this.batching = settings.batching;
    this.bounds = settings.bounds;
    this.maxKeys = settings.maxKeys ?? defaultMaxKeys;
    this.single = new Lane('single');
    this.alone = new Lane('alone');
  }

  /** Entries that wait, retries included. */
  get requests(): number {
    return this.requestCount;
  }

  /** Rows that wait. */
  get rows(): number {
    return this.rowCount;
  }

  /** Estimated bytes of the entries that wait; a split request counts until its last row is taken. */
  get bytes(): number {
    return this.byteCount;
  }

  /** Earliest deadline of what waits (monotonic ms); Infinity when there is none. */
  get nextDeadline(): number {
    return this.deadlines.earliest?.deadline ?? Infinity;
  }

  /** For the policy: only lanes that have entries. */
  get lanes(): Iterable<Lane<T>> {
    return this.occupiedLanes();
  }

  /**
   * Admits a request and puts it in line.
   *
   * @throws `queue_full` with `{ limit, queued, unit }`; `too_many_batch_keys` with `{ limit }`; `request_too_large`
   * when it would not even fit into the empty queue
   */
  push(arrival: Arrival<T>): QueueEntry<T> {
    this.checkBounds(arrival.bytes);
    const kind = this.kindOf(arrival);
    if (kind === 'joining' && !this.joining.has(arrival.key) && this.joining.size >= this.maxKeys) {
      throw new FlowError(
        'too_many_batch_keys',
        `at most ${this.maxKeys} different sets of parameters may wait for ${this.name}, got one more`,
        { details: { limit: this.maxKeys } },
      );
    }
    return this.enter(new QueueEntry(arrival, kind));
  }

  /** Puts a request back at the front, to be computed alone. It was admitted before, so no bound is asked. */
  retry(arrival: Arrival<T>): QueueEntry<T> {
    return this.enter(new QueueEntry(arrival, 'alone', -Infinity));
  }

  /** Takes the next `rows` rows of an entry; the result says which of its rows they are: `[first, end)`. */
  take(entry: QueueEntry<T>, rows: number): readonly [first: number, end: number] {
    const isPossible = entry.isQueued && rows <= entry.rows && (rows > 0 || entry.rows === 0);
    if (!isPossible) {
      throw new FlowError('internal', `cannot take ${rows} of ${entry.rows} rows from ${this.name}; this is a bug`);
    }
    const first = entry.rowsTaken;
    const lane = this.laneOf(entry);
    lane.take(entry, rows);
    this.rowCount -= rows;
    if (entry.rows === 0) this.leave(entry, lane);
    return [first, first + rows];
  }

  /** Drops what still waits of an entry, for example when it is cancelled; false when nothing of it waits. */
  remove(entry: QueueEntry<T>): boolean {
    if (!entry.isQueued) return false;
    this.leave(entry, this.laneOf(entry));
    return true;
  }

  /** Drops every entry whose deadline is not after `now`; the caller answers them. */
  dropExpired(now: number): QueueEntry<T>[] {
    const expired: QueueEntry<T>[] = [];
    for (;;) {
      const entry = this.deadlines.earliest;
      if (entry === undefined || entry.deadline > now) return expired;
      this.remove(entry);
      expired.push(entry);
    }
  }

  /** Drops everything, most urgent first within each lane; the caller answers it. */
  clear(): QueueEntry<T>[] {
    const entries = [...this.lanes].flatMap((lane) => [...lane.byRank]);
    for (const entry of entries) this.remove(entry);
    return entries;
  }

  private checkBounds(bytes: number): void {
    const { bounds } = this;
    if (this.requestCount >= bounds.requests) throw this.full('requests', bounds.requests, this.requestCount);
    if (this.byteCount + bytes <= bounds.bytes) return;
    if (bytes <= bounds.bytes) throw this.full('bytes', bounds.bytes, this.byteCount);
    throw new FlowError(
      'request_too_large',
      `the queue of ${this.name} takes at most ${bounds.bytes} bytes, got a request of about ${bytes}`,
      { details: { limit: bounds.bytes, bytes } },
    );
  }

  private full(unit: 'requests' | 'bytes', limit: number, queued: number): FlowError {
    return new FlowError('queue_full', `the queue of ${this.name} takes at most ${limit} ${unit}, ${queued} wait`, {
      details: { limit, queued, unit },
    });
  }

  private kindOf(arrival: Arrival<T>): LaneKind {
    if (this.batching === undefined) return 'single';
    return arrival.rows === 0 ? 'alone' : 'joining';
  }

  private enter(entry: QueueEntry<T>): QueueEntry<T> {
    this.laneOf(entry).add(entry);
    if (entry.deadline !== Infinity) this.deadlines.add(entry);
    this.requestCount += 1;
    this.rowCount += entry.rows;
    this.byteCount += entry.bytes;
    return entry;
  }

  private leave(entry: QueueEntry<T>, lane: Lane<T>): void {
    lane.remove(entry);
    if (lane.kind === 'joining' && lane.isEmpty) this.joining.delete(entry.key);
    this.deadlines.remove(entry);
    this.requestCount -= 1;
    this.rowCount -= entry.rows;
    this.byteCount -= entry.bytes;
  }

  private laneOf(entry: QueueEntry<T>): Lane<T> {
    if (entry.kind === 'single') return this.single;
    if (entry.kind === 'alone') return this.alone;
    let lane = this.joining.get(entry.key);
    if (lane === undefined) {
      lane = new Lane('joining');
      this.joining.set(entry.key, lane);
    }
    return lane;
  }

  private *occupiedLanes(): Iterable<Lane<T>> {
    if (!this.alone.isEmpty) yield this.alone;
    if (!this.single.isEmpty) yield this.single;
    yield* this.joining.values();
  }
}
