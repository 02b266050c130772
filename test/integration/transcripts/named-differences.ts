import { readFileSync } from 'node:fs';
import type { Difference } from './comparison.ts';

/** A row of the table of differences. */
interface NamedDifference {
  readonly name: string;
  /** Where the row holds; several fields may show one difference. */
  readonly fields: readonly RegExp[];
  /** What both sides answer; undefined where the table says it in words. */
  readonly jina: RegExp | undefined;
  readonly sluice: RegExp | undefined;
  /** The transcripts that show it: patterns, and after a `!` those that do not although they fit. */
  readonly files: readonly string[];
}

const page = new URL('../../../docs/jina-compatibility.md', import.meta.url);
const columns = ['Difference', 'Field', 'Jina', 'Sluice', 'Why', 'Transcripts'];

/** The tables of docs/jina-compatibility.md that name differences. */
export function readNamedDifferences(): NamedDifference[] {
  const lines = readFileSync(page, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map(cellsOf);
  let isTable = false;
  const rows: NamedDifference[] = [];
  for (const cells of lines) {
    if (cells[0] === columns[0]) isTable = cells.join() === columns.join();
    else if (isTable && !/^-+$/.test(cells[0] ?? '')) rows.push(rowOf(cells));
  }
  return rows;
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}

function rowOf(cells: readonly string[]): NamedDifference {
  const [name = '', fields = '', jina = '', sluice = '', why = '', files = ''] = cells;
  const row = {
    name,
    fields: codes(fields).map(pattern),
    jina: value(jina),
    sluice: value(sluice),
    files: codes(files),
  };
  if (why === '' || row.fields.length === 0 || row.files.length === 0) throw new Error(`a cell of "${name}" is empty`);
  return row;
}

function codes(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

/** A cell that is code alone is checked; words are for people. */
function value(cell: string): RegExp | undefined {
  return /^`[^`]+`$/.test(cell) ? pattern(cell.slice(1, -1)) : undefined;
}

/** `*` stands for anything. */
function pattern(text: string): RegExp {
  return new RegExp(`^${text.split('*').map(escape).join('.*')}$`, 's');
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** The transcripts that a row names, out of all that there are. @throws when a pattern fits none */
export function filesOf({ name, files }: NamedDifference, all: readonly string[]): string[] {
  const [taken, left] = [files.filter((file) => !file.startsWith('!')), files.filter((file) => file.startsWith('!'))];
  const fitting = (file: string): string[] => {
    const found = all.filter((one) => pattern(file).test(one));
    if (found.length === 0) throw new Error(`"${name}" names ${file}, and no transcript is called so`);
    return found;
  };
  const excluded = new Set(left.flatMap((file) => fitting(file.slice(1))));
  return [...new Set(taken.flatMap(fitting))].filter((file) => !excluded.has(file));
}

export function covers(row: NamedDifference, difference: Difference): boolean {
  return (
    row.fields.some((field) => field.test(difference.field)) &&
    (row.jina?.test(difference.jina) ?? true) &&
    (row.sluice?.test(difference.sluice) ?? true)
  );
}
