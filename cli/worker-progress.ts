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
    const state = isServing(worker) ? 'ready' : worker.state;
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
      const note = isServing(worker) ? `after ${seconds(performance.now() - startMs)}` : noteText(worker);
      output.line(`  ${workerName(worker)}  ${stateText(worker)}${note === '' ? '' : `  ${note}`}`);
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
      bars.get(workerName(worker))?.update(isServing(worker) ? 100 : Math.round((worker.fraction ?? 0) * 100), {
        state: stateText(worker).padEnd(11),
        note: isServing(worker) ? '' : noteText(worker),
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

function isServing({ state }: WorkerStatus): boolean {
  return state === 'ready' || state === 'busy';
}

function stateText(worker: WorkerStatus): string {
  return isServing(worker) ? 'ready' : worker.state;
}

/** What it loads, or why it has to start again. */
function noteText({ state, message, restarts, error }: WorkerStatus): string {
  if (state === 'starting' && restarts > 0) return `again (${restarts}): ${error?.message ?? 'it died'}`;
  return message ?? '';
}

function workerName({ executor, replica }: Pick<WorkerStatus, 'executor' | 'replica'>): string {
  return `${executor}/${replica}`;
}

/** `0.8 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
