import { Deadlines, FlowError, monotonicMs, systemClock } from '../core/index.ts';
import type { ExecutorPlan } from '../flows/index.ts';
import type { BatchRecord, Instrument, Logger } from '../observability/index.ts';
import { BatchCall } from './batch-call.ts';
import {
  type BatchDecision,
  decide,
  EndpointQueue,
  largestCost,
  type QueueEntry,
  requestBytes,
} from './batching/index.ts';
import { CallPace } from './call-pace.ts';
import { callsAhead, type EndpointLine, leastBusy, placesBelow, type ReadyWorker } from './places.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { WorkerProcess } from './supervisor/index.ts';
import type { Task, TaskPart } from './task.ts';
import type { CalibrationData, EndpointManifest, Manifest } from './wire/index.ts';

/** How often calls that outlived all their deadlines are looked for, and queues measured, ms. */
const checkMs = 250;

export interface DispatcherSettings {
  readonly plan: ExecutorPlan;
  readonly instrument: Instrument;
  readonly logger: Logger;
  readonly retries: RetryBudget;
  /** How long a worker may go on with a call after its last deadline, ms; then it counts as hung and is killed. */
  readonly hangGraceMs: number;
  /** Workers that are ready, whether they have free places or not. */
  readyWorkers(): readonly ReadyWorker[];
}

/** The queues of one executor, and what goes from them to its workers: when, to whom, and again after a death. */
export class Dispatcher {
  private readonly settings: DispatcherSettings;
  private readonly lines = new Map<string, EndpointLine>();
  private readonly deadlines = new Deadlines(systemClock);
  private readonly calls = new Map<number, BatchCall>();
  /** Workers that compute a retry and nothing beside it. */
  private readonly reserved = new Set<WorkerProcess>();
  private readonly checkTimer: NodeJS.Timeout;
  private concurrency = 1;
  private nextCall = 1;
  private isPumpScheduled = false;
  private wakeTimer: NodeJS.Timeout | undefined;

  constructor(settings: DispatcherSettings) {
    this.settings = settings;
    this.checkTimer = setInterval(() => {
      this.killHung();
      this.measureQueues();
    }, checkMs);
    this.checkTimer.unref();
  }

  /** Makes a queue for each endpoint; again after a restart, when only what is new counts. */
  load(manifest: Manifest): void {
    this.concurrency = manifest.concurrency;
    for (const endpoint of manifest.endpoints) {
      if (this.lines.has(endpoint.name)) continue;
      const queue = new EndpointQueue<TaskPart>({
        name: `${endpoint.name} of ${this.settings.plan.name}`,
        batching: endpoint.dynamicBatching,
        bounds: this.settings.plan.queue,
      });
      this.lines.set(endpoint.name, { endpoint, queue, pace: new CallPace() });
    }
  }

  /** What a worker measured about its model; the last one counts. */
  calibrate({ callCost, maxCallCost }: CalibrationData): void {
    for (const { queue, endpoint } of this.lines.values()) {
      // Where every row costs the same there is no padding to weigh.
      if (endpoint.cost !== 'items') queue.calibration = { callCost, maxCallCost: maxCallCost ?? Infinity };
    }
  }

  /** The endpoint that serves a name: its own or the default one. */
  endpointOf(name: string): EndpointManifest | undefined {
    return (this.lines.get(name) ?? this.lines.get('/default'))?.endpoint;
  }

  get endpoints(): readonly EndpointManifest[] {
    return [...this.lines.values()].map(({ endpoint }) => endpoint);
  }

  get queuedRequests(): number {
    let sum = 0;
    for (const { queue } of this.lines.values()) sum += queue.requests;
    return sum;
  }

  /**
   * Puts a request in line.
   *
   * @throws `queue_full`, `too_many_batch_keys`, `request_too_large`
   */
  enqueue(task: Task, endpoint: EndpointManifest): void {
    this.settings.retries.earn();
    const { docs } = task.settings;
    this.enter({ task, first: 0, end: docs.length, attempt: 1, waitingSince: task.enqueuedAt }, endpoint);
    const { deadline } = task.settings;
    if (deadline === Infinity) return;
    const expiring = {
      deadline,
      expire: () => {
        this.expire(task, endpoint);
      },
    };
    this.deadlines.add(expiring);
    task.onSettled(() => {
      this.deadlines.remove(expiring);
    });
  }

  /** Once for everything that happens in this turn of the event loop: requests that come together leave together. */
  schedulePump(): void {
    if (this.isPumpScheduled) return;
    this.isPumpScheduled = true;
    setImmediate(() => {
      this.isPumpScheduled = false;
      this.pump();
    });
  }

  /** Answers everything that waits in line with `error`. */
  failQueued(error: FlowError): void {
    for (const { queue } of this.lines.values()) for (const entry of queue.clear()) entry.item.task.fail(error);
  }

  close(): void {
    clearInterval(this.checkTimer);
    clearTimeout(this.wakeTimer);
    this.deadlines.close();
  }

  private enter(part: TaskPart, endpoint: EndpointManifest): void {
    const { task, first, end, attempt } = part;
    const { request, docs, deadline } = task.settings;
    const line = this.lines.get(endpoint.name);
    if (line === undefined) throw new FlowError('internal', `no queue for ${endpoint.name}; this is a bug`);
    const arrival = {
      item: part,
      rows: end - first,
      rowCost: largestCost(docs, endpoint.cost),
      bytes: requestBytes(docs, request.parameters),
      key: task.parameters.key,
      priority: request.priority,
      enqueuedAt: task.enqueuedAt,
      deadline,
    };
    const entry = attempt === 1 ? line.queue.push(arrival) : line.queue.retry(arrival);
    task.onSettled(() => {
      line.queue.remove(entry);
    });
    this.schedulePump();
  }

  private expire(task: Task, endpoint: EndpointManifest): void {
    if (task.isSettled) return;
    const { name } = this.settings.plan;
    const labels = { executor: name, endpoint: endpoint.name, reason: 'deadline_exceeded' };
    if (!task.isSent) this.settings.instrument.count('sluice_dropped_total', labels);
    task.fail(new FlowError('deadline_exceeded', `the deadline passed before ${name} answered`));
  }

  /** Sends what is due to workers that have a free place. */
  private pump(): void {
    clearTimeout(this.wakeTimer);
    if (this.queuedRequests === 0) return;
    const now = monotonicMs();
    const lines = [...this.lines.values()];
    for (const { queue, endpoint } of lines) {
      for (const entry of queue.dropExpired(now)) this.expire(entry.item.task, endpoint);
    }
    const workers = this.settings.readyWorkers().filter(({ worker }) => !this.reserved.has(worker));
    const isAhead = placesBelow(workers, this.concurrency) === 0;
    // Only when no worker has a place: what is sent ahead has chosen its worker.
    const due = isAhead ? lines.filter((line) => callsAhead(line) > 0) : lines;
    const most = this.concurrency + (isAhead ? Math.max(0, ...due.map(callsAhead)) : 0);
    const decision = decide(
      due.map(({ queue }) => queue),
      now,
      placesBelow(workers, most),
    );
    for (const batch of decision.batches) {
      const line = due[batch.queue];
      if (line === undefined) continue;
      const limit = this.concurrency + (isAhead ? callsAhead(line) : 0);
      const ready = leastBusy(workers, isRetry(batch) ? 1 : limit);
      // A retry waits for a worker of its own, and keeps the place until it has one.
      if (ready !== undefined) this.dispatch(batch, line, ready);
    }
    if (decision.wakeAt !== undefined) {
      const delayMs = Math.max(0, Math.ceil(decision.wakeAt - now));
      this.wakeTimer = setTimeout(() => {
        this.pump();
      }, delayMs);
    }
  }

  private measureQueues(): void {
    for (const { queue, endpoint } of this.lines.values()) {
      const labels = { executor: this.settings.plan.name, endpoint: endpoint.name };
      this.settings.instrument.gauge('sluice_queue_requests', labels, queue.requests);
    }
  }

  private dispatch(
    batch: BatchDecision<QueueEntry<TaskPart>>,
    { queue, endpoint, pace }: EndpointLine,
    ready: ReadyWorker,
  ): void {
    const { plan, instrument } = this.settings;
    const parts = batch.parts.map(({ entry, rows }): TaskPart => {
      const [first, end] = queue.take(entry, rows);
      const { task, first: offset } = entry.item;
      task.isSent = true;
      return { ...entry.item, first: offset + first, end: offset + end };
    });
    const id = this.nextCall++;
    const record: BatchRecord = {
      id,
      executor: plan.name,
      endpoint: endpoint.name,
      replica: ready.replica,
      device: ready.device,
      documents: batch.rows,
      flushReason: batch.reason,
      attempt: parts[0]?.attempt ?? 1,
      requests: parts.map(({ task }) => task.settings.record),
    };
    const labels = { executor: plan.name, endpoint: endpoint.name };
    instrument.count('sluice_batches_total', { ...labels, flush_reason: batch.reason });
    instrument.mark('sluice_batch_documents', labels, batch.rows);
    const call = new BatchCall({
      id,
      executor: plan.name,
      endpoint,
      parts,
      record,
      worker: ready.worker,
      instrument,
      lost: (open, error) => {
        this.recover(open, endpoint, error);
      },
      ran: (runMs) => {
        pace.add(runMs);
      },
      done: () => {
        this.calls.delete(id);
        if (record.attempt > 1) this.reserved.delete(ready.worker);
        instrument.count('sluice_documents_total', labels, batch.rows);
        this.schedulePump();
      },
    });
    this.calls.set(id, call);
    if (record.attempt > 1) this.reserved.add(ready.worker);
    call.send();
  }

  /**
   * The worker died with these parts. What may run twice is tried once more, alone: if one of them kills its worker
   * again, it is the one at fault and fails alone.
   */
  private recover(parts: readonly TaskPart[], endpoint: EndpointManifest, error: FlowError): void {
    const { plan, instrument, retries, logger } = this.settings;
    for (const part of parts) {
      const { task } = part;
      const mayRetry = endpoint.effect !== 'write' && part.attempt === 1 && !endpoint.isStreaming && retries.spend();
      if (!mayRetry) {
        task.fail(error);
        continue;
      }
      instrument.count('sluice_retries_total', { executor: plan.name });
      logger.debug({ request_id: task.settings.request.requestId }, 'retried alone after the death of its worker');
      this.enter({ ...part, attempt: 2, waitingSince: monotonicMs() }, endpoint);
    }
  }

  /** A worker that goes on although nobody can wait any more is taken for hung: its place is needed. */
  private killHung(): void {
    const now = monotonicMs();
    for (const call of this.calls.values()) {
      if (now < call.deadline + this.settings.hangGraceMs) continue;
      const overdueMs = Math.round(now - call.deadline);
      call.worker.kill(
        new FlowError(
          'worker_crashed',
          `${this.settings.plan.name} hung: it was still busy ${overdueMs} ms after the deadline`,
        ),
      );
    }
  }
}

function isRetry(batch: BatchDecision<QueueEntry<TaskPart>>): boolean {
  return batch.parts.some(({ entry }) => entry.item.attempt > 1);
}
