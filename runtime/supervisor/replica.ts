import { FlowError, monotonicMs } from '../../core/index.ts';
import type { Instrument, Logger, MetricStore } from '../../observability/index.ts';
import type { CalibrationData, ExecutorData, Manifest } from '../wire/index.ts';
import type { WorkerStatus } from '../runtime.ts';
import { afterWorkerEnd, freshHistory, type RestartHistory } from './restart-policy.ts';
import { type ReportMessage, WorkerProcess } from './worker-process.ts';

export interface ReplicaEvents {
  changed(status: WorkerStatus): void;
  loaded(manifest: Manifest): void;
  /** A worker is ready to take calls. */
  ready(calibration: CalibrationData | undefined): void;
  /** It failed for good; `error` is the root cause. */
  gaveUp(error: FlowError): void;
}

export interface ReplicaSettings {
  readonly data: ExecutorData;
  readonly generation: number;
  readonly timeoutReadyMs: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly instrument: Instrument;
  readonly store: MetricStore;
  readonly events: ReplicaEvents;
}

const workerStates = [
  'starting',
  'downloading',
  'loading',
  'warming',
  'ready',
  'draining',
  'stopped',
  'failed',
] as const;

/** Keeps one worker of an executor alive: starts it, starts it again when it dies, gives up when that is useless. */
export class Replica {
  private readonly settings: ReplicaSettings;
  private current: WorkerProcess | undefined;
  private history: RestartHistory = freshHistory;
  /** Whether any of its workers ever was. */
  private wasReady = false;
  private restarts = 0;
  private restartTimer: NodeJS.Timeout | undefined;
  private error: FlowError | undefined;
  private isStopping = false;
  private stopped: (() => void) | undefined;

  constructor(settings: ReplicaSettings) {
    this.settings = settings;
  }

  /** The worker, while it can take calls. */
  get worker(): WorkerProcess | undefined {
    return this.current?.isReady === true ? this.current : undefined;
  }

  get hasGivenUp(): boolean {
    return this.error !== undefined && this.current === undefined && this.restartTimer === undefined;
  }

  start(): void {
    this.restartTimer = undefined;
    const { data, env, logger, timeoutReadyMs, events } = this.settings;
    this.current = new WorkerProcess({
      data,
      mode: 'serve',
      timeoutReadyMs,
      env,
      logger,
      events: {
        changed: () => {
          this.changed();
        },
        loaded: (manifest) => {
          events.loaded(manifest);
        },
        ready: (calibration) => {
          this.wasReady = true;
          events.ready(calibration);
        },
        report: (message) => {
          this.report(message);
        },
        ended: (error) => {
          this.ended(error);
        },
      },
    });
    this.changed();
  }

  status(): WorkerStatus {
    const { data, generation } = this.settings;
    const { current, error } = this;
    return {
      executor: data.name,
      replica: data.replica,
      generation,
      state: current?.state ?? (this.error === undefined ? 'stopped' : 'failed'),
      pid: current?.pid,
      restarts: this.restarts,
      device: data.device,
      ...(current?.message === undefined ? {} : { message: current.message }),
      ...(current?.fraction === undefined ? {} : { fraction: current.fraction }),
      ...(error === undefined ? {} : { error }),
    };
  }

  /** Drains the worker and fulfils when its process is gone; after `timeoutMs` it is killed. */
  async stop(timeoutMs: number): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.restartTimer);
    this.restartTimer = undefined;
    const { current } = this;
    if (current === undefined) return;
    const gone = new Promise<void>((resolve) => (this.stopped = resolve));
    const timer = setTimeout(() => {
      current.kill();
    }, timeoutMs);
    // One that is still loading has nothing to finish.
    if (current.isReady) current.drain();
    else current.kill();
    await gone;
    clearTimeout(timer);
  }

  private ended(error: FlowError | undefined): void {
    const { current } = this;
    this.current = undefined;
    if (this.isStopping || current === undefined) {
      this.changed();
      this.stopped?.();
      return;
    }
    this.error = error;
    const { readyAtMs } = current;
    const decision = afterWorkerEnd(this.history, {
      wasReady: readyAtMs !== undefined,
      isHopeless: !this.wasReady && error?.isRetryable === false,
      wasBusy: current.endedBusy,
      hasAnswered: current.hasAnswered,
      readyForMs: readyAtMs === undefined ? 0 : monotonicMs() - readyAtMs,
    });
    const { logger, data, events, instrument } = this.settings;
    if (decision.type === 'give_up') {
      logger.error({ error, failures: decision.failures }, `${data.name}/rep-${data.replica} is given up`);
      this.changed();
      events.gaveUp(
        error ?? new FlowError('executor_unavailable', `${data.name}/rep-${data.replica} ended without a reason`),
      );
      return;
    }
    logger.warn({ error, delay_ms: decision.delayMs }, `${data.name}/rep-${data.replica} died and is started again`);
    this.history = decision.history;
    this.restarts++;
    instrument.count('sluice_worker_restarts_total', { executor: data.name });
    this.restartTimer = setTimeout(() => {
      this.start();
    }, decision.delayMs);
    this.changed();
  }

  private changed(): void {
    const status = this.status();
    const { data, instrument } = this.settings;
    const labels = { executor: data.name, replica: String(data.replica) };
    // A busy worker is ready; how busy it is tell the queues.
    const state = status.state === 'busy' ? 'ready' : status.state;
    for (const each of workerStates) {
      instrument.gauge('sluice_worker_state', { ...labels, state: each }, each === state ? 1 : 0);
    }
    this.settings.events.changed(status);
  }

  private report(message: ReportMessage): void {
    const { data, store, instrument } = this.settings;
    const labels = { executor: data.name, replica: String(data.replica) };
    store.apply(message.deltas);
    instrument.gauge('sluice_worker_memory_bytes', labels, message.memoryBytes);
    instrument.gauge('sluice_worker_loop_delay_seconds', labels, message.loopDelayMs / 1e3);
    instrument.count('sluice_worker_cpu_seconds_total', labels, message.cpuMs / 1e3);
  }
}
