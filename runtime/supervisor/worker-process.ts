import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { FlowError, monotonicMs } from '../../core/index.ts';
import type { Logger } from '../../observability/index.ts';
import {
  type CalibrationData,
  decodeError,
  type ExecutorData,
  Link,
  type Manifest,
  type Payload,
  protocolVersions,
  type ToParent,
  type ToWorker,
} from '../wire/index.ts';
import type { WorkerState } from '../runtime.ts';
import { Liveness } from './liveness.ts';
import { OutputLines } from './output.ts';
import { workerArguments } from './spawn-command.ts';

/** Without a message for so long, a start has failed. */
const startSilenceMs = 60_000;
/** How long a process may take to end after its channel closed, before it is killed. */
const exitGraceMs = 2_000;

export type RunMessage = Extract<ToWorker, { type: 'run' }>;
export type ResultMessage = Extract<ToParent, { type: 'result' }>;
export type ItemMessage = Extract<ToParent, { type: 'item' }>;
export type ReportMessage = Extract<ToParent, { type: 'metrics' }>;

/** Who waits for a call; exactly one of `result` and `lost` is called, once, after all items. */
export interface RunWaiter {
  result(message: ResultMessage, payload: Uint8Array): void;
  item?(message: ItemMessage, payload: Uint8Array): void;
  /** The worker died. */
  lost(error: FlowError): void;
}

export interface WorkerEvents {
  /** State, message or fraction changed. */
  changed(): void;
  /** The class is loaded, and the parent knows its endpoints. */
  loaded(manifest: Manifest): void;
  ready(calibration: CalibrationData | undefined): void;
  report(message: ReportMessage): void;
  /** Called once; the process is gone and all its calls have been told. `error` unless it ended when asked to. */
  ended(error: FlowError | undefined): void;
}

export interface WorkerSettings {
  readonly data: ExecutorData;
  readonly mode: 'serve' | 'describe';
  /** Total limit of the start; undefined: only silence ends it. */
  readonly timeoutReadyMs: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly events: WorkerEvents;
}

/** One child process and its channel, from spawn to exit. It is started once; a restart is a new one. */
export class WorkerProcess {
  private currentState: Exclude<WorkerState, 'busy'> = 'starting';
  message: string | undefined;
  fraction: number | undefined;
  readyAtMs: number | undefined;
  hasAnswered = false;
  /** Whether calls were in flight when it ended. */
  endedBusy = false;
  private readonly settings: WorkerSettings;
  private readonly label: string;
  private readonly child: ChildProcess;
  private readonly link: Link<ToWorker, ToParent>;
  private readonly output = new OutputLines();
  private readonly waiters = new Map<number, RunWaiter>();
  private readonly startedAtMs = monotonicMs();
  private startTimer: NodeJS.Timeout | undefined;
  private liveness: Liveness | undefined;
  private fault: FlowError | undefined;
  private exit: { code: number | null; signal: string | null } | undefined;
  private isLinkClosed = false;
  private hasEnded = false;

  constructor(settings: WorkerSettings) {
    const { data, env, logger } = settings;
    this.settings = settings;
    this.label = `${data.name}/rep-${data.replica}`;
    this.child = spawn(process.execPath, workerArguments(), {
      env: { ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    // With these stdio settings all three are there; the types do not know.
    const [, stdout, stderr, channel] = this.child.stdio as unknown as [null, Socket, Socket, Socket];
    this.output.follow(stdout, 'info', logger);
    this.output.follow(stderr, 'warn', logger);
    this.link = new Link<ToWorker, ToParent>(channel, {
      message: (message, payload) => {
        this.receive(message, payload);
      },
      closed: (error) => {
        this.linkClosed(error);
      },
    });
    this.child.on('error', (error) => {
      this.fault ??= FlowError.from(error, 'executor_load_failed', `cannot start a process for ${this.label}`);
      this.exited(null, null);
    });
    // Not 'exit': its output must have been read, for it may tell why.
    this.child.on('close', (code, signal) => {
      this.exited(code, signal);
    });
    this.link.send({ type: 'start', protocol: protocolVersions, mode: settings.mode, executor: data });
    this.watchStart();
  }

  /** `busy` is ready with calls in flight. */
  get state(): WorkerState {
    return this.currentState === 'ready' && this.waiters.size > 0 ? 'busy' : this.currentState;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get isReady(): boolean {
    return this.currentState === 'ready';
  }

  get inFlight(): number {
    return this.waiters.size;
  }

  run(message: RunMessage, payload: Payload, waiter: RunWaiter): void {
    this.waiters.set(message.id, waiter);
    this.link.send(message, payload);
  }

  cancel(id: number): void {
    this.link.send({ type: 'cancel', id });
  }

  /** Lets a stream send `items` more documents. */
  credit(id: number, items: number): void {
    this.link.send({ type: 'credit', id, items });
  }

  /** Asks it to finish what it has, close its executor and end. */
  drain(): void {
    if (this.currentState === 'stopped' || this.currentState === 'failed') return;
    this.become('draining');
    this.link.send({ type: 'drain' });
  }

  /** Ends it at once. */
  kill(fault?: FlowError): void {
    this.fault ??= fault;
    this.child.kill('SIGKILL');
  }

  private receive(message: ToParent, payload: Uint8Array): void {
    const { events, logger } = this.settings;
    if (this.startTimer !== undefined) this.watchStart();
    switch (message.type) {
      case 'hello':
        this.become('loading');
        events.loaded(message.manifest);
        return;
      case 'state':
        this.message = message.message;
        this.fraction = message.fraction;
        if (message.state === 'ready') this.becomeReady(message.calibration);
        else this.become(message.state);
        return;
      case 'failed':
        this.fault ??= decodeError(message.error);
        return;
      case 'item':
        this.waiters.get(message.id)?.item?.(message, payload);
        return;
      case 'result': {
        const waiter = this.waiters.get(message.id);
        this.waiters.delete(message.id);
        this.hasAnswered = true;
        waiter?.result(message, payload);
        return;
      }
      case 'log':
        logger[message.level](message.fields, message.message);
        return;
      case 'metrics':
        events.report(message);
        return;
      case 'pong':
        this.liveness?.pong(message.id);
        return;
    }
  }

  private become(state: Exclude<WorkerState, 'busy'>): void {
    this.currentState = state;
    this.settings.events.changed();
  }

  private becomeReady(calibration: CalibrationData | undefined): void {
    clearTimeout(this.startTimer);
    this.startTimer = undefined;
    this.readyAtMs = monotonicMs();
    this.liveness = new Liveness(
      () => this.state === 'ready',
      (id) => {
        this.link.send({ type: 'ping', id });
      },
      () => {
        this.kill(new FlowError('worker_crashed', `${this.label} was idle and did not answer a ping`));
      },
    );
    this.become('ready');
    this.settings.events.ready(calibration);
  }

  /** Starts, or starts again, the wait for the next sign of life of a start. */
  private watchStart(): void {
    clearTimeout(this.startTimer);
    const { timeoutReadyMs } = this.settings;
    const left = timeoutReadyMs === undefined ? startSilenceMs : this.startedAtMs + timeoutReadyMs - monotonicMs();
    this.startTimer = setTimeout(
      () => {
        const limit = timeoutReadyMs === undefined ? `${startSilenceMs} ms without progress` : `${timeoutReadyMs} ms`;
        this.kill(
          new FlowError(
            'worker_start_timeout',
            `${this.label} was not ready after ${limit}; it was ${this.currentState}`,
          ),
        );
      },
      Math.max(0, left),
    );
  }

  private linkClosed(error: FlowError | undefined): void {
    this.isLinkClosed = true;
    // A broken channel is what a death looks like from here; how the process ended says more.
    if (error?.reason === 'protocol_error') this.fault ??= error;
    if (this.exit !== undefined) {
      this.end();
      return;
    }
    const timer = setTimeout(() => {
      this.child.kill('SIGKILL');
    }, exitGraceMs);
    this.child.once('exit', () => {
      clearTimeout(timer);
    });
  }

  private exited(code: number | null, signal: string | null): void {
    this.exit ??= { code, signal };
    if (this.isLinkClosed || this.child.pid === undefined) this.end();
    else this.link.destroy();
  }

  private end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    clearTimeout(this.startTimer);
    this.liveness?.stop();
    const isOrderly = this.currentState === 'draining' || this.settings.mode === 'describe';
    const error = this.fault ?? (isOrderly && this.waiters.size === 0 ? undefined : this.deathError());
    const lost =
      error?.reason === 'worker_crashed' || error === undefined
        ? error
        : new FlowError('worker_crashed', `${this.label} ended: ${error.message}`, { cause: error });
    this.endedBusy = this.waiters.size > 0;
    for (const waiter of this.waiters.values()) waiter.lost(lost ?? this.deathError());
    this.waiters.clear();
    this.become(error === undefined ? 'stopped' : 'failed');
    this.settings.events.ended(error);
  }

  /** What is known of a death without a word: how it ended, and its last words. */
  private deathError(): FlowError {
    const { code = null, signal = null } = this.exit ?? {};
    const how = signal === null ? `exited with code ${code ?? 'unknown'}` : `was ended by ${signal}`;
    const words = this.output.lastWords();
    const cause = words === '' ? undefined : new Error(words);
    return new FlowError('worker_crashed', `the worker ${this.label} (pid ${this.child.pid ?? 'none'}) ${how}`, {
      details: { executor: this.settings.data.name, signal, code },
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
