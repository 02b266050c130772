import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { FlowError } from '../core/index.ts';

/** What was found for one query. */
export interface QueryResult {
  readonly query: string;
  readonly matches: readonly { readonly id: string; readonly score: number }[];
}

const tag = 'sluice';

/**
 * Reads a run in TREC's form: lines of query, `Q0`, text, place, score, tag; in the order of the file, best first.
 *
 * @throws `file_not_found`; `invalid_argument` naming the line that cannot be read
 */
export function readRun(path: string): Map<string, string[]> {
  const rankings = new Map<string, string[]>();
  read(path)
    .split('\n')
    .forEach((line, index) => {
      if (line.trim() === '') return;
      const fields = line.trim().split(/\s+/);
      const [query, , text] = fields;
      if (fields.length !== 6 || query === undefined || text === undefined) {
        throw new FlowError(
          'invalid_argument',
          `${path}:${index + 1}: expected six fields (query, Q0, text, place, score, tag), got ${fields.length}`,
        );
      }
      // A query that found nothing has one line without a text.
      const found = rankings.get(query) ?? [];
      rankings.set(query, text === '-' ? found : [...found, text]);
    });
  return rankings;
}

/**
 * Opens a run to go on with: queries that are there as a whole are given back; the last one is dropped from the file
 * when its lines were cut off by a crash.
 */
export function resumeRun(path: string): Map<string, string[]> {
  if (!existsSync(path)) return new Map();
  const text = read(path);
  if (!text.endsWith('\n\n')) {
    // Each query ends with an empty line, so what comes after the last one is unfinished.
    const end = text.lastIndexOf('\n\n');
    writeFileSync(path, end < 0 ? '' : text.slice(0, end + 2));
  }
  return readRun(path);
}

/**
 * Adds what was found for some queries, each ended by an empty line.
 *
 * @throws `invalid_argument` for an id with white space: TREC's form has no room for it
 */
export function appendRun(path: string, results: readonly QueryResult[]): void {
  const spaced = results
    .flatMap(({ query, matches }) => [query, ...matches.map(({ id }) => id)])
    .find((id) => /\s/.test(id));
  if (spaced !== undefined) {
    throw new FlowError('invalid_argument', `a run file takes ids without white space, got ${JSON.stringify(spaced)}`);
  }
  const blocks = results.map(({ query, matches }) => {
    const lines = matches.map(({ id, score }, place) => `${query} Q0 ${id} ${place + 1} ${score} ${tag}`);
    return `${lines.length === 0 ? `${query} Q0 - 0 0 ${tag}` : lines.join('\n')}\n\n`;
  });
  appendFileSync(path, blocks.join(''));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw FlowError.from(error, 'file_not_found', `cannot read ${path}`);
  }
}
