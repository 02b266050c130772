import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FlowError } from '../core/index.ts';
import { LoadConnection, type LoadTarget } from './load-connection.ts';
import type { LatencySummary, LoadResult } from './load-result.ts';
import { processUsage } from './process-usage.ts';
import { histogram, percentile } from './statistics.ts';

const keptFaults = 5;
const lastAnswerMs = 30_000;

/** Counts what connections tell; exact latencies of the measured time are kept. */
class LoadCounter {
  latencies = new Float64Array(1 << 16);
  requests = 0;
  wrongAnswers = 0;
  errors = 0;
  isMeasuring = false;
  readonly faults: string[] = [];

  answered(milliseconds: number): void {
    if (!this.isMeasuring) return;
    if (this.requests === this.latencies.length) {
      const larger = new Float64Array(this.latencies.length * 2);
      larger.set(this.latencies);
      this.latencies = larger;
    }
    this.latencies[this.requests++] = milliseconds;
  }

  wrong(why: string): void {
    this.wrongAnswers++;
    this.keep(why);
  }

  failed(error: FlowError): void {
    this.errors++;
    this.keep(error.message);
  }

  private keep(fault: string): void {
    if (this.faults.length < keptFaults && !this.faults.includes(fault)) this.faults.push(fault);
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      body: { type: 'string' },
      // A file with one body a line, sent in turn.
      bodies: { type: 'string' },
      connections: { type: 'string', default: '64' },
      'warmup-ms': { type: 'string', default: '1000' },
      'duration-ms': { type: 'string', default: '5000' },
      contains: { type: 'string', multiple: true, default: [] },
      excludes: { type: 'string', multiple: true, default: [] },
      // Process ids whose CPU time is read at both ends of the measured time.
      watch: { type: 'string', default: '' },
    },
  });
  if (values.url === undefined) throw new FlowError('invalid_argument', 'expected --url');
  const bodies = values.bodies === undefined ? [] : readFileSync(values.bodies, 'utf8').trimEnd().split('\n');
  if (values.body !== undefined) bodies.push(values.body);
  if (bodies.length === 0) throw new FlowError('invalid_argument', 'expected --body or --bodies');
  const target: LoadTarget = {
    url: new URL(values.url),
    bodies,
    rules: {
      contains: values.contains.map((text) => Buffer.from(text)),
      excludes: values.excludes.map((text) => Buffer.from(text)),
    },
  };
  return {
    target,
    connections: Number(values.connections),
    warmupMs: Number(values['warmup-ms']),
    durationMs: Number(values['duration-ms']),
    watch: values.watch === '' ? [] : values.watch.split(',').map(Number),
  };
}

/**
 * Load generator: a process of its own, raw sockets, HTTP/1.1 keep-alive, closed loop.
 *
 * node --import tsx bench/load.ts --url http://127.0.0.1:8080/post --body '{"data":[{"text":"{{request-mark}}"}]}'
 *
 * Prints one JSON object, a {@link LoadResult}.
 */
async function main(): Promise<void> {
  const { target, connections, warmupMs, durationMs, watch } = readOptions();
  const counter = new LoadCounter();
  const callers = Array.from({ length: connections }, (_, i) => new LoadConnection(target, counter, i, connections));
  for (const caller of callers) caller.start();
  await pause(warmupMs);
  const watchedBefore = watch.map(processUsage);
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  counter.isMeasuring = true;
  await pause(durationMs);
  counter.isMeasuring = false;
  const seconds = (performance.now() - start) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const watched = watch.map((pid, index) => {
    const usage = processUsage(pid);
    return { ...usage, cpuMicros: usage.cpuMicros - (watchedBefore[index]?.cpuMicros ?? 0) };
  });
  await Promise.all(callers.map((caller) => caller.finish(lastAnswerMs)));
  const latencies = counter.latencies.subarray(0, counter.requests).sort();
  const result: LoadResult = {
    connections,
    seconds,
    requests: counter.requests,
    requestsPerSecond: counter.requests / seconds,
    wrong: counter.wrongAnswers,
    errors: counter.errors,
    faults: counter.faults,
    latencyMs: summarise(latencies),
    histogram: histogram(latencies),
    clientCpuMicrosPerRequest: (cpu.user + cpu.system) / Math.max(1, counter.requests),
    watched,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function summarise(sorted: Float64Array): LatencySummary | undefined {
  if (sorted.length === 0) return undefined;
  return {
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    p50: percentile(sorted, 50),
    p90: percentile(sorted, 90),
    p99: percentile(sorted, 99),
    max: percentile(sorted, 100),
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

await main();
