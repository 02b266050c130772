import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { benchPath } from './subjects.ts';
import type { BenchMode, ScenarioReport, Table } from './scenario.ts';

/** Where the figures come from. */
export interface Circumstances {
  readonly commit: string;
  /** Whether files differed from the commit. */
  readonly isModified: boolean;
  readonly startedAt: string;
  readonly mode: BenchMode['name'];
  readonly node: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly system: string;
    /** Load average over a minute when the run began: above 0.5 somebody else was at work. */
    readonly loadAtStart: number;
  };
}

export function circumstances(mode: BenchMode): Circumstances {
  return {
    commit: git('rev-parse', 'HEAD'),
    isModified: git('status', '--porcelain') !== '',
    startedAt: new Date().toISOString(),
    mode: mode.name,
    node: process.version,
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      system: `${platform()} ${release()}`,
      loadAtStart: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    },
  };
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: benchPath('..'), encoding: 'utf8' }).trim();
}

/** Writes everything to bench/results/ and returns the file's path. */
export function writeReport(where: Circumstances, scenarios: readonly ScenarioReport[]): string {
  const folder = benchPath('results');
  mkdirSync(folder, { recursive: true });
  const name = [where.startedAt.replaceAll(/[:.]/g, '-'), ...scenarios.map((each) => each.name)].join('-');
  const file = `${folder}/${name}.json`;
  writeFileSync(file, `${JSON.stringify({ ...where, scenarios }, undefined, 1)}\n`);
  return file;
}

/** A scenario for people: notes, tables, targets beside what was measured, faults. */
export function formatScenario(scenario: ScenarioReport): string {
  const parts = [...scenario.notes, ...scenario.tables.map(formatTable)];
  if (scenario.targets.length > 0) {
    const rows = scenario.targets.map(({ text, measured, unit, isMet }) => {
      const [value, low, high] = [measured.value, measured.low, measured.high].map((number) => number.toPrecision(3));
      return [text, `${value} ${unit} [${low}, ${high}]`, isMet ? 'met' : 'MISSED'];
    });
    parts.push(formatTable({ title: 'targets', columns: ['', 'measured', ''], rows }));
  }
  for (const fault of scenario.faults) parts.push(`FAULT  ${fault}`);
  return parts.join('\n\n');
}

/** Columns as wide as their widest cell, in Markdown, so that it can be pasted into documents. */
export function formatTable({ title, columns, rows }: Table): string {
  const widths = columns.map((column, index) =>
    Math.max(3, column.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, index) => (index === 0 ? (cells[index] ?? '').padEnd(width) : (cells[index] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `| ${widths.map((width, index) => (index === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [title, '', line(columns), rule, ...rows.map(line)].join('\n');
}
