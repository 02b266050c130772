import {
  type BatchDecision,
  decide,
  EndpointQueue,
  type EndpointQueueSettings,
  type FlushReason,
  type QueueEntry,
} from '../../../../runtime/batching/index.ts';
import type { CallCost } from '../../../../core/index.ts';

/** A request of a simulation. */
export interface Job {
  readonly id: number;
  /** When it arrives, ms. */
  readonly at: number;
  /** Which endpoint it is for. */
  readonly queue: number;
  readonly rows: number;
  readonly rowCost: number;
  readonly key: string;
  readonly priority: number;
  readonly deadline: number;
  readonly isRetry: boolean;
  /** When its caller goes away. */
  readonly cancelledAt: number;
}

/** A call that a worker got. */
export interface Call {
  readonly at: number;
  readonly queue: number;
  readonly reason: FlushReason;
  readonly rows: number;
  readonly parts: readonly { readonly job: Job; readonly first: number; readonly end: number }[];
  /** What waited in the same queue just before, the parts included, most urgent first. */
  readonly waiting: readonly Job[];
  /** The same over all queues. */
  readonly waitingAnywhere: readonly Job[];
}

export interface Trace {
  readonly calls: readonly Call[];
  readonly expired: readonly Job[];
  readonly cancelled: readonly Job[];
  /** Times at which the policy was asked because of `wakeAt`. */
  readonly wakes: readonly number[];
}

export interface Simulation {
  readonly queues: readonly (Partial<EndpointQueueSettings> & { readonly calibration?: CallCost })[];
  readonly slots: number;
  readonly jobs: readonly Job[];
  /** How long a call keeps its slot. */
  readonly callMs: (rows: number) => number;
}

/** A job with everything usual but what is given. */
export function job(fields: Partial<Job>): Job {
  return {
    id: 0,
    at: 0,
    queue: 0,
    rows: 1,
    rowCost: 1,
    key: '{}',
    priority: 0,
    deadline: Infinity,
    isRetry: false,
    cancelledAt: Infinity,
    ...fields,
  };
}

/** Runs arrivals, slots and timers on a clock of its own, as the parent does, until nothing more happens. */
export function simulate(simulation: Simulation): Trace {
  return new SimulatedExecutor(simulation).run();
}

class SimulatedExecutor {
  private readonly simulation: Simulation;
  private readonly queues: readonly EndpointQueue<Job>[];
  private readonly entries = new Map<Job, QueueEntry<Job>>();
  private readonly busyUntil: number[] = [];
  private readonly calls: Call[] = [];
  private readonly expired: Job[] = [];
  private readonly cancelled: Job[] = [];
  private readonly wakes: number[] = [];
  private wakeAt: number | undefined;

  constructor(simulation: Simulation) {
    this.simulation = simulation;
    this.queues = simulation.queues.map(({ calibration, ...settings }) => {
      const bounds = { requests: 1e6, bytes: 1e12 };
      const queue = new EndpointQueue<Job>({ name: '/test', batching: undefined, bounds, ...settings });
      queue.calibration = calibration;
      return queue;
    });
  }

  run(): Trace {
    const arrivals = this.simulation.jobs.toSorted((a, b) => a.at - b.at);
    const goings = arrivals.filter((each) => each.cancelledAt !== Infinity);
    goings.sort((a, b) => a.cancelledAt - b.cancelledAt);
    for (;;) {
      const times = [arrivals[0]?.at, goings[0]?.cancelledAt, this.wakeAt, this.nextDeadline(), ...this.busyUntil];
      const now = Math.min(...times.map((time) => time ?? Infinity));
      if (now === Infinity) break;
      if (now === this.wakeAt) this.wakes.push(now);
      for (let next = arrivals[0]; next !== undefined && next.at <= now; next = arrivals[0]) {
        arrivals.shift();
        this.arrive(next);
      }
      for (let next = goings[0]; next !== undefined && next.cancelledAt <= now; next = goings[0]) {
        goings.shift();
        const entry = this.entries.get(next);
        if (entry !== undefined && this.queueOf(next).remove(entry)) this.cancelled.push(next);
      }
      this.dispatch(now);
    }
    const { calls, expired, cancelled, wakes } = this;
    return { calls, expired, cancelled, wakes };
  }

  private arrive(next: Job): void {
    const queue = this.queueOf(next);
    const arrival = { ...next, item: next, bytes: 1, enqueuedAt: next.at };
    this.entries.set(next, next.isRetry ? queue.retry(arrival) : queue.push(arrival));
  }

  private dispatch(now: number): void {
    for (const queue of this.queues) this.expired.push(...queue.dropExpired(now).map((entry) => entry.item));
    const busy = this.busyUntil.filter((until) => until > now);
    this.busyUntil.splice(0, Infinity, ...busy);
    const { batches, wakeAt } = decide(this.queues, now, this.simulation.slots - busy.length);
    this.wakeAt = wakeAt;
    for (const batch of batches) this.start(batch, now);
  }

  private start(batch: BatchDecision<QueueEntry<Job>>, now: number): void {
    const queue = this.queues[batch.queue];
    if (queue === undefined) throw new Error(`no queue ${batch.queue}`);
    const waiting = waitingIn(queue);
    const waitingAnywhere = this.queues.flatMap(waitingIn);
    const parts = batch.parts.map(({ entry, rows }) => {
      const [first, end] = queue.take(entry, rows);
      return { job: entry.item, first, end };
    });
    const { reason, rows } = batch;
    this.calls.push({ at: now, queue: batch.queue, reason, rows, parts, waiting, waitingAnywhere });
    this.busyUntil.push(now + this.simulation.callMs(rows));
  }

  private queueOf(next: Job): EndpointQueue<Job> {
    const queue = this.queues[next.queue];
    if (queue === undefined) throw new Error(`no queue ${next.queue}`);
    return queue;
  }

  private nextDeadline(): number {
    return Math.min(...this.queues.map((queue) => queue.nextDeadline));
  }
}

function waitingIn(queue: EndpointQueue<Job>): Job[] {
  const entries = [...queue.lanes].flatMap((lane) => [...lane.byRank]);
  return entries.sort((a, b) => a.rank - b.rank).map((entry) => entry.item);
}
