import { cpus } from 'node:os';
import { type DocumentArray, FlowError, type FlowRequest, type JsonObject, monotonicMs } from '../core/index.ts';
import type { ExecutorPlan } from '../flows/index.ts';
import type { Instrument, Logger, MetricStore, RequestRecord } from '../observability/index.ts';
import { splitParameters } from './batching/index.ts';
import { Dispatcher } from './dispatcher.ts';
import { executorData } from './executor-data.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { ExecutorStatus, WorkerStatus } from './runtime.ts';
import { Replica } from './supervisor/index.ts';
import { Task, type TaskSettings } from './task.ts';
import type { EndpointManifest, Manifest } from './wire/index.ts';

export interface PoolSettings {
  readonly plan: ExecutorPlan;
  readonly generation: number;
  readonly instrument: Instrument;
  readonly store: MetricStore;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly retries: RetryBudget;
  readonly hangGraceMs: number;
  changed(status: WorkerStatus): void;
}

/** What the flow asks of an executor. */
export interface TaskInput {
  readonly request: FlowRequest;
  readonly record: RequestRecord;
  readonly docs: DocumentArray;
  /** As this executor sees them. */
  readonly parameters: JsonObject;
  readonly branches?: TaskSettings['branches'];
  readonly onItems?: TaskSettings['onItems'];
}

/** One executor of the flow: its replicas and its queues. */
export class ExecutorPool {
  readonly plan: ExecutorPlan;
  private readonly replicas: readonly Replica[];
  private readonly dispatcher: Dispatcher;
  private manifest: Manifest | undefined;
  /** Set when every replica has given up. */
  private failure: FlowError | undefined;
  private isStarted = false;
  private settleStart: { resolve(): void; reject(error: FlowError): void } | undefined;

  constructor(settings: PoolSettings) {
    const { plan, instrument, logger, retries, hangGraceMs } = settings;
    this.plan = plan;
    this.replicas = Array.from({ length: plan.replicas }, (_item, index) => this.createReplica(settings, index));
    this.dispatcher = new Dispatcher({
      plan,
      instrument,
      logger,
      retries,
      hangGraceMs,
      readyWorkers: () =>
        this.replicas.flatMap(({ worker }, replica) =>
          worker === undefined ? [] : [{ worker, replica, device: deviceOf(plan, replica) }],
        ),
    });
  }

  /** Starts every replica; fulfils when all are ready, rejects with the root cause when one gives up. */
  async start(): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => (this.settleStart = { resolve, reject }));
    for (const replica of this.replicas) replica.start();
    await ready;
    this.isStarted = true;
  }

  get isReady(): boolean {
    return this.replicas.some(({ worker }) => worker !== undefined);
  }

  /** What serves an endpoint here: its own binding or the default one; undefined when the executor skips it. */
  endpointOf(name: string): EndpointManifest | undefined {
    return this.dispatcher.endpointOf(name);
  }

  /** Puts a request in line. Everything that goes wrong becomes its result. */
  submit(input: TaskInput, endpoint: EndpointManifest): Task {
    const now = monotonicMs();
    const { request, record, docs, branches, onItems } = input;
    const task = new Task({
      request,
      record,
      docs,
      branches,
      onItems,
      parameters: splitParameters(input.parameters, endpoint.perRequest),
      deadline: Math.min(request.deadline, now + (this.plan.timeoutSendMs ?? Infinity)),
      enqueuedAt: now,
    });
    try {
      if (this.failure !== undefined) throw this.failure;
      this.dispatcher.enqueue(task, endpoint);
    } catch (error) {
      task.fail(FlowError.from(error));
    }
    return task;
  }

  status(): ExecutorStatus {
    return {
      name: this.plan.name,
      className: this.manifest?.className,
      isReady: this.isReady,
      queuedRequests: this.dispatcher.queuedRequests,
      workers: this.replicas.map((replica) => replica.status()),
      endpoints: this.dispatcher.endpoints,
    };
  }

  /** Ends every worker; what still waits is answered with `draining`. */
  async stop(timeoutMs: number): Promise<void> {
    const error = new FlowError('draining', `${this.plan.name} is being stopped`);
    this.settleStart?.reject(error);
    this.dispatcher.failQueued(error);
    await Promise.all(this.replicas.map(async (replica) => replica.stop(timeoutMs)));
    this.dispatcher.close();
  }

  private createReplica(settings: PoolSettings, replica: number): Replica {
    const { plan } = settings;
    const threads = Math.max(1, Math.floor(cpus().length / plan.replicas));
    return new Replica({
      data: executorData(plan, { replica, threads, device: deviceOf(plan, replica) }),
      generation: settings.generation,
      timeoutReadyMs: plan.timeoutReadyMs,
      env: { ...settings.env, ...plan.env },
      logger: settings.logger.child({ executor: plan.name, replica }),
      instrument: settings.instrument,
      store: settings.store,
      events: {
        changed: (status) => {
          settings.changed(status);
        },
        loaded: (manifest) => {
          this.manifest = manifest;
          this.dispatcher.load(manifest);
        },
        ready: (calibration) => {
          if (calibration !== undefined) this.dispatcher.calibrate(calibration);
          this.dispatcher.schedulePump();
          if (this.replicas.every(({ worker }) => worker !== undefined)) this.settleStart?.resolve();
        },
        gaveUp: (error) => {
          this.lose(error);
        },
      },
    });
  }

  /** One replica stays down. At start that is the end; later only when it was the last. */
  private lose(error: FlowError): void {
    this.settleStart?.reject(error);
    if (this.isStarted && !this.replicas.every((replica) => replica.hasGivenUp)) return;
    this.failure = new FlowError(
      'executor_unavailable',
      `${this.plan.name} is down and is not started again: ${error.message}`,
      {
        cause: error,
      },
    );
    this.dispatcher.failQueued(this.failure);
  }
}

function deviceOf(plan: ExecutorPlan, replica: number): string {
  return plan.devices[replica % plan.devices.length] ?? 'cpu';
}
