import { readFileSync, readdirSync } from 'node:fs';
import { FlowError } from '../core/index.ts';

/** What a process has used so far. */
export interface ProcessUsage {
  readonly pid: number;
  /** CPU time, user and system, microseconds; the kernel tells it in steps of 10 ms. */
  readonly cpuMicros: number;
  /** Resident memory, bytes. */
  readonly rssBytes: number;
}

/** Linux tells CPU time in hundredths of a second, whatever the kernel's own tick is. */
const microsPerTick = 10_000;

/**
 * Reads /proc, so it works on Linux only.
 *
 * @throws `unavailable`-coded error when the process is gone
 */
export function processUsage(pid: number): ProcessUsage {
  const stat = read(`/proc/${pid}/stat`);
  // The second field is the name in parentheses and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuMicros = (Number(fields[11]) + Number(fields[12])) * microsPerTick;
  const kibibytes = /VmRSS:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`))?.[1];
  return { pid, cpuMicros, rssBytes: Number(kibibytes ?? 0) * 1024 };
}

/** The process and all below it, parents first. */
export function processTree(pid: number): number[] {
  const pids = [pid];
  // An array's iterator sees what is added while it goes.
  for (const current of pids) {
    for (const task of readdirSync(`/proc/${current}/task`)) {
      const children = read(`/proc/${current}/task/${task}/children`).trim();
      if (children !== '') pids.push(...children.split(' ').map(Number));
    }
  }
  return pids;
}

/** The command line of a process, arguments separated by spaces. */
export function commandLine(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw FlowError.from(
      error,
      'executor_unavailable',
      `cannot read ${path} (the process ended, or this is not Linux)`,
    );
  }
}
