import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { FlowError } from '../core/index.ts';
import { processTree } from './process-usage.ts';

/** How a service that is measured is started. */
export interface ServiceSpec {
  /** Name in tables. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly port: number;
  /** Path that is posted to. */
  readonly path: string;
  /** A request, with the mark's placeholder once: what the service is asked until it answers. */
  readonly probe: string;
  /** Line of standard output that says the service is ready, where it prints one. */
  readonly readyLine?: RegExp;
}

/** A service that answers. */
export interface Service {
  readonly spec: ServiceSpec;
  readonly url: string;
  /** From spawn to the line that says ready; undefined where the service prints none. */
  readonly readyLineMs: number | undefined;
  /** From spawn to the first right answer. */
  readonly firstAnswerMs: number;
  /** Parent first, then everything below it. */
  readonly pids: readonly number[];
  /** The end of what it printed so far. */
  output(): string;
  stop(): Promise<void>;
}

const startLimitMs = 120_000;
const probeEveryMs = 10;
const stopLimitMs = 10_000;
const running = new Set<number>();

/** Call once: nothing that was started outlives this process, whether it ends, fails or is interrupted. */
export function stopServicesOnExit(): void {
  process.on('exit', () => running.forEach(killGroup));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}

/**
 * Starts a service in a process group of its own and waits until it gives a right answer.
 *
 * @throws `executor_load_failed` with the end of its output when it ends before, `worker_start_timeout` after 2 minutes
 */
export async function startService(spec: ServiceSpec): Promise<Service> {
  const start = performance.now();
  const child = spawn(spec.command, spec.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...spec.env },
  });
  if (child.pid !== undefined) running.add(child.pid);
  let output = '';
  let readyLineMs: number | undefined;
  const listen = (bytes: Buffer): void => {
    output = `${output}${bytes.toString()}`.slice(-8_000);
    if (readyLineMs === undefined && spec.readyLine?.test(output) === true) readyLineMs = performance.now() - start;
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  child.on('error', (error) => listen(Buffer.from(error.message)));
  const url = `http://127.0.0.1:${spec.port}${spec.path}`;
  try {
    while (!(await answers(url, spec.probe))) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
        throw new FlowError('executor_load_failed', `${spec.name} ended before it was ready:\n${output}`);
      }
      if (performance.now() - start > startLimitMs) {
        throw new FlowError('worker_start_timeout', `${spec.name} gave no right answer in 2 minutes:\n${output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, probeEveryMs));
    }
  } catch (error) {
    await stopGroup(child);
    throw error;
  }
  const firstAnswerMs = performance.now() - start;
  const pids = processTree(child.pid ?? 0);
  return { spec, url, readyLineMs, firstAnswerMs, pids, output: () => output, stop: () => stopGroup(child) };
}

async function answers(url: string, probe: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: probe,
      signal: AbortSignal.timeout(5_000),
    });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    // Not listening yet: the caller asks again and knows the limit.
    return false;
  }
}

/** Ends the process and everything in its group: some services leave children behind when they are told to stop. */
async function stopGroup(child: ChildProcess): Promise<void> {
  const pid = child.pid;
  if (pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => killGroup(pid), stopLimitMs);
    await exited;
    clearTimeout(timer);
  }
  killGroup(pid);
  running.delete(pid);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!isGone) throw FlowError.from(error, 'internal', `cannot end process group ${pid}`);
  }
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new FlowError('internal', 'expected a TCP address');
  return address.port;
}
