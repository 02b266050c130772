import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FlowError } from '../core/index.ts';
import type { LoadResult } from './load-result.ts';
import { commandLine } from './process-usage.ts';
import type { Service } from './service.ts';

export interface LoadOptions {
  readonly connections: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** One body with the mark's placeholder, or a file with one such body a line. */
  readonly body: string | { readonly file: string };
  /** Texts that every answer must have, and must not have. */
  readonly contains?: readonly string[];
  readonly excludes?: readonly string[];
}

/** One measurement of one service. */
export interface Measurement {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** CPU time for each request, microseconds: the service's first process, and all below it. */
  readonly parentCpuMicros: number;
  readonly childrenCpuMicros: number;
  readonly clientCpuMicros: number;
  readonly parentRssBytes: number;
  readonly childrenRssBytes: number;
  readonly requests: number;
  readonly wrong: number;
  readonly errors: number;
  readonly faults: readonly string[];
}

const run = promisify(execFile);
const loadFile = fileURLToPath(new URL('load.ts', import.meta.url));

/**
 * Puts a service under load by a generator in its own process.
 *
 * @throws `deadline_exceeded` when not one right answer came in the measured time
 */
export async function measure(service: Service, options: LoadOptions): Promise<Measurement> {
  const args = ['--import', 'tsx', loadFile, '--url', service.url, '--watch', service.pids.join(',')];
  args.push('--connections', String(options.connections));
  args.push('--warmup-ms', String(options.warmupMs), '--duration-ms', String(options.durationMs));
  if (typeof options.body === 'string') args.push('--body', options.body);
  else args.push('--bodies', options.body.file);
  for (const text of options.contains ?? []) args.push('--contains', text);
  for (const text of options.excludes ?? []) args.push('--excludes', text);
  const { stdout } = await run(process.execPath, args, { maxBuffer: 16 << 20 });
  return summarise(service, JSON.parse(stdout) as LoadResult);
}

function summarise(service: Service, result: LoadResult): Measurement {
  if (result.latencyMs === undefined) {
    throw new FlowError('deadline_exceeded', `${service.spec.name} gave no right answer: ${result.faults.join('; ')}`);
  }
  const [parent, ...children] = result.watched;
  const sum = (pick: (usage: (typeof children)[number]) => number): number =>
    children.reduce((total, usage) => total + pick(usage), 0);
  return {
    requestsPerSecond: result.requestsPerSecond,
    p50Ms: result.latencyMs.p50,
    p90Ms: result.latencyMs.p90,
    p99Ms: result.latencyMs.p99,
    maxMs: result.latencyMs.max,
    parentCpuMicros: (parent?.cpuMicros ?? 0) / result.requests,
    childrenCpuMicros: sum((usage) => usage.cpuMicros) / result.requests,
    clientCpuMicros: result.clientCpuMicrosPerRequest,
    parentRssBytes: parent?.rssBytes ?? 0,
    childrenRssBytes: sum((usage) => usage.rssBytes),
    requests: result.requests,
    wrong: result.wrong,
    errors: result.errors,
    faults: result.faults,
  };
}

/** What each process of a service is, for reports: command lines without paths. */
export function processNames(service: Service): string[] {
  return service.pids.map((pid) => commandLine(pid).replaceAll(/\S*\//g, '').slice(0, 80));
}
