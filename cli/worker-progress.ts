import { MultiBar, type SingleBar } from 'cli-progress';
import type { Plan } from '../flows/index.ts';
import type { WorkerState, WorkerStatus } from '../runtime/index.ts';
import type { Output } from './output.ts';

/** How far the start of a flow is, worker by worker. */
export interface WorkerProgress {
  update(worker: WorkerStatus): void;
  /** Ends the display; what is written afterwards is ordinary output. */
  end(): void;
}

/** Bars that are redrawn on a terminal, one line for each change of state elsewhere, records under `--json`. */
export function showWorkerProgress(output: Output, plan: Plan): WorkerProgress {
  const changes = new StateChanges();
  const display = output.isInteractive ? drawBars(output, plan) : printLines(output);
  return {
    update: (worker) => {
      const isChange = changes.take(worker);
      if (isChange) output.record(workerRecord(worker));
      display.update(worker, isChange);
    },
    end: () => display.end(),
  };
}

interface Display {
  update(worker: WorkerStatus, isChange: boolean): void;
  end(): void;
}

/** Remembers the state of each worker; serving (`ready` and `busy`) counts as one. */
class StateChanges {
  readonly #states = new Map<string, WorkerState>();

  take(worker: WorkerStatus): boolean {
    const state = worker.state === 'busy' ? 'ready' : worker.state;
    const name = workerName(worker);
    if (this.#states.get(name) === state) return false;
    this.#states.set(name, state);
    return true;
  }
}

function printLines(output: Output): Display {
  const startMs = performance.now();
  return {
    update: (worker, isChange) => {
      if (!isChange || worker.state === 'draining' || worker.state === 'stopped') return;
      const isReady = worker.state === 'ready' || worker.state === 'busy';
      const note = isReady
        ? `after ${seconds(performance.now() - startMs)}`
        : (worker.message ?? worker.error?.message);
      output.line(
        `  ${workerName(worker)}  ${isReady ? 'ready' : worker.state}${note === undefined ? '' : `  ${note}`}`,
      );
    },
    end: () => undefined,
  };
}

function drawBars(output: Output, plan: Plan): Display {
  const names = plan.executors.flatMap(({ name, replicas }) =>
    Array.from({ length: replicas }, (_, replica) => workerName({ executor: name, replica })),
  );
  const width = Math.max(...names.map((name) => name.length));
  const multibar = new MultiBar({
    format: '  {name}  {bar}  {state}  {note}',
    barCompleteChar: '━',
    barIncompleteChar: ' ',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: null,
    stream: process.stdout,
  });
  const bars = new Map<string, SingleBar>();
  for (const name of names) {
    bars.set(name, multibar.create(100, 0, { name: name.padEnd(width), state: 'starting'.padEnd(11), note: '' }));
  }
  output.divert((line) => {
    multibar.log(`${line}\n`);
  });
  return {
    update: (worker) => {
      const isReady = worker.state === 'ready' || worker.state === 'busy';
      bars.get(workerName(worker))?.update(isReady ? 100 : Math.round((worker.fraction ?? 0) * 100), {
        state: (isReady ? 'ready' : worker.state).padEnd(11),
        note: isReady ? '' : (worker.message ?? ''),
      });
    },
    end: () => {
      output.divert(undefined);
      multibar.stop();
    },
  };
}

function workerRecord(worker: WorkerStatus): Parameters<Output['record']>[0] {
  const { executor, replica, state, pid, restarts, message, fraction, error } = worker;
  return { type: 'worker', executor, replica, state, pid, restarts, message, fraction, error: error?.message };
}

function workerName({ executor, replica }: Pick<WorkerStatus, 'executor' | 'replica'>): string {
  return `${executor}/${replica}`;
}

/** `0.8 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
