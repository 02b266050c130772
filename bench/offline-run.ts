import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { FlowError } from '../core/index.ts';
import type { OfflineResult, OfflineTask } from './offline-loop.ts';
import { benchPath } from './subjects.ts';

/** A way to run the loop on the cores of this machine. */
export interface OfflinePlan {
  readonly processes: number;
  readonly threads: number;
  readonly batch: number;
}

/** `2 x 1 threads, batches of 8`. */
export function planName({ processes, threads, batch }: OfflinePlan): string {
  return `${processes} x ${threads} thread${threads === 1 ? '' : 's'}, batches of ${batch}`;
}

export interface OfflineRun {
  readonly textsPerSecond: number;
  readonly sample: OfflineResult['sample'];
}

/** Loads all processes first and lets them go at the same moment. */
export async function runOffline(
  plan: OfflinePlan,
  task: Pick<OfflineTask, 'set' | 'warmupMs' | 'durationMs'>,
): Promise<OfflineRun> {
  const { threads, batch, processes } = plan;
  const loops = Array.from({ length: processes }, (_, index) =>
    startLoop({ ...task, threads, batch, index, processes }),
  );
  await Promise.all(loops.map((loop) => loop.line('ready')));
  for (const loop of loops) loop.go();
  const results = await Promise.all(loops.map((loop) => loop.line('result')));
  const parsed = results.map((line) => JSON.parse(line) as OfflineResult);
  return {
    textsPerSecond: parsed.reduce((sum, { texts, seconds }) => sum + texts / seconds, 0),
    sample: parsed[0]?.sample ?? [],
  };
}

function startLoop(task: OfflineTask): { line: (what: string) => Promise<string>; go: () => void } {
  const args = ['--import', 'tsx', benchPath('offline-loop.ts'), JSON.stringify(task)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (what: string): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) {
      if (child.exitCode === null) await once(child, 'exit');
      throw new FlowError(
        'executor_error',
        `offline loop: expected its ${what}, it ended with ${child.exitCode ?? -1}`,
      );
    }
    return next.value;
  };
  return { line, go: () => child.stdin.write('go\n') };
}
