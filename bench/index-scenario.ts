import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import type { IndexRun } from './index-run.ts';
import type { BenchMode, Progress, ScenarioReport } from './scenario.ts';
import { benchPath } from './subjects.ts';

const dimension = 256;
const million = 1_000_000;

/** An engine: filled, opened again, and for a graph opened once more without it. */
interface EngineRuns {
  readonly filled: IndexRun;
  readonly served: IndexRun;
  readonly rebuilt?: IndexRun;
}

/** What the indexer takes for each million rows: memory, disk, time; and how long a search is. */
export function indexScenario({ indexRows }: BenchMode, progress: Progress): Promise<ScenarioReport> {
  const load = (loadavg()[0] ?? 0).toFixed(1);
  const runs = ['usearch', 'exact'].map((engine) => {
    const all = runAll(engine, indexRows);
    progress(`${engine}: ${indexRows} rows`);
    return [engine, all] as const;
  });
  const perMillion = million / indexRows;
  const gib = (bytes = 0): string => ((bytes * perMillion) / 2 ** 30).toFixed(2);
  const seconds = (ms: number): string => ((ms / 1e3) * perMillion).toFixed(0);
  const sizes = runs.map(([engine, { filled, served }]) => [
    engine,
    gib(served.memoryBytes),
    gib(filled.files['index.sqlite']),
    gib(filled.files['graph.usearch']),
  ]);
  const times = runs.flatMap(([engine, { filled, served, rebuilt }]) =>
    Object.entries({
      write: filled.steps['write'],
      close: filled.steps['close'],
      open: served.steps['open'],
      'open without its graph': rebuilt?.steps['open'],
    }).flatMap(([name, times]) =>
      times === undefined ? [] : [[`${engine}: ${name}`, seconds(times.wallMs), seconds(times.cpuMs)]],
    ),
  );
  const kinds = Object.keys(runs[0]?.[1].served.searchMs ?? {});
  const searches = runs.map(([engine, { served }]) => [
    engine,
    ...kinds.map((kind) => (served.searchMs[kind] ?? NaN).toFixed(2)),
  ]);
  return Promise.resolve({
    name: 'index',
    notes: [
      `${indexRows} rows of ${dimension} numbers around 200 centres, batches of 128, one tag with an index; load average ${load} at the start.`,
    ],
    tables: [
      { title: 'GiB for each million rows', columns: ['', 'memory', 'documents', 'graph'], rows: sizes },
      { title: 's for each million rows', columns: ['', 'wall', 'CPU'], rows: times },
      { title: `ms of a search among ${indexRows} rows, median`, columns: ['', ...kinds], rows: searches },
    ],
    targets: [],
    measurements: Object.fromEntries(runs),
    faults: [],
  });
}

function runAll(engine: string, rows: number): EngineRuns {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-bench-index-'));
  try {
    const filled = runOnce('fill', folder, engine, rows);
    const served = runOnce('serve', folder, engine, rows);
    if (engine !== 'usearch') return { filled, served };
    for (const name of readdirSync(folder)) if (name.startsWith('graph')) rmSync(path.join(folder, name));
    return { filled, served, rebuilt: runOnce('serve', folder, engine, rows) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runOnce(mode: 'fill' | 'serve', folder: string, engine: string, rows: number): IndexRun {
  const program = [benchPath('index-run.ts'), mode, folder, engine, String(rows), String(dimension)];
  return JSON.parse(execFileSync(process.execPath, ['--import', 'tsx', ...program], { encoding: 'utf8' })) as IndexRun;
}
