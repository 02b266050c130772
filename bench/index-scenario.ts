import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import type { IndexRun } from './index-run.ts';
import type { BenchMode, Progress, ScenarioReport } from './scenario.ts';
import { benchPath } from './subjects.ts';

const dimension = 256;
const million = 1_000_000;

/** What the indexer takes for each million rows: memory, disk, time; and how long a search is. */
export function indexScenario({ indexRows }: BenchMode, progress: Progress): Promise<ScenarioReport> {
  const runs = new Map<string, IndexRun>();
  const load = (loadavg()[0] ?? 0).toFixed(1);
  for (const engine of ['usearch', 'exact']) {
    runs.set(engine, runOnce(engine, indexRows));
    progress(`${engine}: ${indexRows} rows`);
  }
  const perMillion = million / indexRows;
  const gib = (bytes: number): string => ((bytes * perMillion) / 2 ** 30).toFixed(2);
  const sizes = [...runs].map(([engine, { memoryBytes, files }]) => [
    engine,
    gib(memoryBytes),
    gib(files['index.sqlite'] ?? 0),
    gib(files['graph.usearch'] ?? 0),
  ]);
  const times = [...runs].flatMap(([engine, { steps }]) =>
    Object.entries(steps).map(([step, { wallMs, cpuMs }]) => [
      `${engine}: ${step}`,
      ((wallMs / 1e3) * perMillion).toFixed(0),
      ((cpuMs / 1e3) * perMillion).toFixed(0),
    ]),
  );
  const kinds = Object.keys(runs.get('usearch')?.searchMs ?? {});
  const searches = [...runs].map(([engine, { searchMs }]) => [
    engine,
    ...kinds.map((kind) => (searchMs[kind] ?? NaN).toFixed(2)),
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

function runOnce(engine: string, rows: number): IndexRun {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-bench-index-'));
  try {
    const program = [benchPath('index-run.ts'), folder, engine, String(rows), String(dimension)];

    return JSON.parse(
      execFileSync(process.execPath, ['--import', 'tsx', ...program], { encoding: 'utf8' }),
    ) as IndexRun;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
