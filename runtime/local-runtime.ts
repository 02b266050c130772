import { FlowError, type FlowRequest, type FlowResponse } from '../core/index.ts';
import type { Plan } from '../flows/index.ts';
import type { Instrument, Logger, MetricStore, RequestRecord } from '../observability/index.ts';
import { ExecutorPool } from './executor-pool.ts';
import { FlowRunner } from './flow-runner.ts';
import { RetryBudget } from './retry-budget.ts';
import type { Runtime, RuntimeStatus, StreamSubmission, Submission, WorkerStatus } from './runtime.ts';

/** How long a worker may go on with a call after its last deadline before it counts as hung, ms. */
const defaultHangGraceMs = 10_000;
/** How long workers get to close their executors when the runtime stops, ms. */
const closeTimeoutMs = 5_000;
/** How long callers whose requests are cancelled by a stop may take to take that. */
const cancelGraceMs = 500;

export interface RuntimeOptions {
  readonly plan: Plan;
  readonly instrument: Instrument;
  /** Takes what the workers count. */
  readonly store: MetricStore;
  readonly logger: Logger;
  /** Environment of the workers, before the flow file's `env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default 10,000. */
  readonly hangGraceMs?: number;
}

/** A flow whose workers are children of this process. */
export function createRuntime(options: RuntimeOptions): Runtime {
  return new LocalRuntime(options);
}

class LocalRuntime implements Runtime {
  readonly plan: Plan;
  private readonly pools: readonly ExecutorPool[];
  private readonly runner: FlowRunner;
  private readonly listeners = new Set<(worker: WorkerStatus) => void>();
  private isDraining = false;
  private inFlight = 0;
  private idle: (() => void) | undefined;
  private stopping: Promise<void> | undefined;
  private readonly cancels = new Set<(error: FlowError) => void>();

  constructor({ plan, instrument, store, logger, env, hangGraceMs = defaultHangGraceMs }: RuntimeOptions) {
    this.plan = plan;
    const retries = new RetryBudget();
    this.pools = plan.executors.map((executor) => {
      return new ExecutorPool({
        plan: executor,
        // Grows when a changed plan replaces a running one.
        generation: 1,
        instrument,
        store,
        logger,
        env,
        retries,
        hangGraceMs,
        changed: (status) => {
          for (const listener of this.listeners) listener(status);
        },
      });
    });
    this.runner = new FlowRunner(this.pools, plan.last);
  }

  async start(): Promise<void> {
    try {
      await Promise.all(this.pools.map(async (pool) => pool.start()));
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  submit(request: FlowRequest, record: RequestRecord): Submission {
    if (this.isDraining) return refused(request);
    const submission = this.runner.submit(request, record);
    const { cancel } = submission;
    this.begin(cancel);
    void submission.response.then(() => {
      this.end(cancel);
    });
    return submission;
  }

  stream(request: FlowRequest, record: RequestRecord): StreamSubmission {
    const submission = this.runner.stream(request, record);
    if (this.isDraining) submission.cancel(drainingError());
    return { ...submission, documents: this.counted(submission) };
  }

  onStatus(listener: (worker: WorkerStatus) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  status(): RuntimeStatus {
    const executors = this.pools.map((pool) => pool.status());
    return { isReady: executors.every(({ isReady }) => isReady), isDraining: this.isDraining, executors };
  }

  async stop(timeoutMs: number): Promise<void> {
    await (this.stopping ??= this.drainAndEnd(timeoutMs));
  }

  private async drainAndEnd(timeoutMs: number): Promise<void> {
    this.isDraining = true;
    if (this.inFlight > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.idle = resolve;
        timer = setTimeout(() => {
          for (const cancel of this.cancels) cancel(drainingError());
          // A reader of a stream that takes nothing any more does not take the error either.
          timer = setTimeout(resolve, cancelGraceMs);
        }, timeoutMs);
      });
      clearTimeout(timer);
    }
    await Promise.all(this.pools.map(async (pool) => pool.stop(closeTimeoutMs)));
  }

  private async *counted(submission: StreamSubmission): AsyncGenerator<FlowResponse['docs']> {
    const { cancel } = submission;
    this.begin(cancel);
    try {
      yield* submission.documents;
    } finally {
      this.end(cancel);
    }
  }

  private begin(cancel: (error: FlowError) => void): void {
    this.inFlight++;
    this.cancels.add(cancel);
  }

  private end(cancel: (error: FlowError) => void): void {
    this.inFlight--;
    this.cancels.delete(cancel);
    if (this.inFlight === 0) this.idle?.();
  }
}

function drainingError(): FlowError {
  return new FlowError('draining', 'the service is shutting down and takes no new request');
}

function refused({ requestId, endpoint, parameters, docs }: FlowRequest): Submission {
  return {
    response: Promise.resolve({ requestId, endpoint, parameters, docs, routes: [], error: drainingError() }),
    cancel: () => undefined,
  };
}
