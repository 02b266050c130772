import { FlowError } from '../core/index.ts';
import { figure, percentage } from './figure.ts';
import { faultsOf, interleave, series, type Subject } from './interleave.ts';
import { measure, type Measurement } from './load-run.ts';
import type { BenchMode, Progress, ScenarioReport, Target } from './scenario.ts';
import { freePort, type ServiceSpec, startService } from './service.ts';
import { type Estimate, estimateMedian, estimateRatio } from './statistics.ts';
import { untracedLine } from './untraced-line.ts';
import { benchPath, failureMarks, shortDocument, sluice } from './subjects.ts';

const none = 'none';
const off = 'off';
const sampled = '10 %';
const body = shortDocument('/echo-batched');

/**
 * What tracing costs: CPU time for each request, parent and children together.
 *
 * `none` is the same service with tracing's part taken out of the instrument (bench/untraced.ts), `off` is the
 * default, `10 %` samples and exports to a collector on this machine. Each measurement has a fresh process: how a
 * process happens to be compiled and laid out differs by more than what is looked for.
 */
export async function tracingScenario(mode: BenchMode, progress: Progress): Promise<ScenarioReport> {
  if (mode.tracingRounds === 0) {
    const notes = ['left out of a quick run: an effect of 1 % needs many rounds'];
    return { name: 'tracing', notes, tables: [], targets: [], measurements: {}, faults: [] };
  }
  let spans = 0;
  const subject = (name: string, service: (port: number, tracesPort: number) => ServiceSpec): Subject => ({
    name,
    measure: () =>
      withCollector(
        (tracesPort) => measureFresh(service, tracesPort, mode),
        (count) => (spans += count),
      ),
  });
  const preload = `--import tsx --import ${benchPath('untraced.ts')}`;
  const rounds = await interleave(
    [
      subject(none, (port) =>
        sluice({ name: none, file: 'echo.yml', from: 'sources', env: { NODE_OPTIONS: preload } }, port, body),
      ),
      subject(off, (port) =>
        sluice({ name: off, file: 'echo.yml', from: 'sources', env: { NODE_OPTIONS: '--import tsx' } }, port, body),
      ),
      subject(sampled, (port, tracesPort) => {
        const env = { NODE_OPTIONS: '--import tsx', SLUICE_BENCH_TRACES_PORT: String(tracesPort) };
        return sluice({ name: sampled, file: 'traced-echo.yml', from: 'sources', env }, port, body);
      }),
    ],
    mode.tracingRounds,
    progress,
  );
  const cpu = (name: string): number[] => series(rounds, name, cpuMicros);
  const extra = (a: string, b: string): Estimate => {
    const { value, low, high, count } = estimateRatio(cpu(a), cpu(b));
    return { value: value - 1, low: low - 1, high: high - 1, count };
  };
  const target = (text: string, measured: Estimate, limit: number): Target => {
    const { value, low, high, count } = measured;
    const percent = { value: value * 100, low: low * 100, high: high * 100, count };
    return { text, measured: percent, unit: '%', isMet: value <= limit };
  };
  const rows = [none, off, sampled].map((name) => [
    name,
    figure(estimateMedian(cpu(name)), 2),
    figure(estimateMedian(series(rounds, name, (each) => each.parentCpuMicros)), 2),
    figure(estimateMedian(series(rounds, name, (each) => each.requestsPerSecond)), 0),
    name === none ? '' : percentage(extra(name, name === off ? none : off)),
  ]);
  const columns = ['', 'CPU us', 'of it parent', 'requests/s', 'more than the row above'];
  return {
    name: 'tracing',
    notes: [`CPU time for each request at 64 callers; the collector received ${spans} spans.`],
    tables: [{ title: 'tracing', columns, rows }],
    targets: [
      target('tracing off: at most 1 % more CPU than none', extra(off, none), 0.01),
      target('10 % sampled: at most 10 % more CPU than off', extra(sampled, off), 0.1),
    ],
    measurements: Object.fromEntries(rounds),
    faults: [...faultsOf(rounds), ...(spans === 0 ? ['the collector received no span'] : [])],
  };
}

function cpuMicros(measurement: Measurement): number {
  return measurement.parentCpuMicros + measurement.childrenCpuMicros;
}

async function measureFresh(
  service: (port: number, tracesPort: number) => ServiceSpec,
  tracesPort: number,
  mode: BenchMode,
): Promise<Measurement> {
  const running = await startService(service(await freePort(), tracesPort));
  try {
    const isUntraced = running.output().includes(untracedLine);
    if (isUntraced !== (running.spec.name === none)) {
      throw new FlowError('internal', `${running.spec.name}: bench/untraced.ts does not fit the instrument any more`);
    }
    const options = { connections: 64, body, excludes: failureMarks, warmupMs: mode.warmupMs * 5 };
    return await measure(running, { ...options, durationMs: mode.durationMs });
  } finally {
    await running.stop();
  }
}

/** Runs a collector beside the measurement, for every variant alike. */
async function withCollector<T>(work: (port: number) => Promise<T>, received: (spans: number) => void): Promise<T> {
  const port = await freePort();
  const collector = await startService({
    name: 'trace sink',
    command: process.execPath,
    args: ['--import', 'tsx', benchPath('trace-sink.ts')],
    env: { PORT: String(port) },
    port,
    path: '/v1/traces',
    probe: '',
  });
  try {
    const result = await work(port);
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    received(((await answer.json()) as { spans: number }).spans);
    return result;
  } finally {
    await collector.stop();
  }
}
