import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Document, FlowError } from '../../client/index.ts';

/** Texts to search in, questions, and which texts answer which question. */
export interface DataSet {
  readonly corpus: readonly Document[];
  readonly queries: readonly Document[];
  /** Query id to the ids of the texts that answer it. */
  readonly relevant: ReadonlyMap<string, ReadonlySet<string>>;
  /** Recall of a word index (BM25) by depth, in percent, where the data's README states it. */
  readonly floor: ReadonlyMap<number, number>;
}

const files = ['corpus.jsonl', 'queries.jsonl', 'qrels/test.tsv'];

/** What is missing for `folder` to be a data set in BEIR layout; empty when nothing is. */
export function missingFiles(folder: string): string[] {
  return files.filter((file) => !existsSync(join(folder, file)));
}

/**
 * Reads a data set in BEIR layout: `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`.
 *
 * @param count takes only the first so many questions, and only the texts that answer them; default all
 */
export function readDataSet(folder: string, count = Infinity): DataSet {
  const relevant = new Map<string, Set<string>>();
  for (const line of lines(join(folder, 'qrels/test.tsv')).slice(1)) {
    const [query = '', text = '', score = ''] = line.split('\t');
    if (Number(score) > 0) relevant.set(query, (relevant.get(query) ?? new Set()).add(text));
  }
  const queries = documents(join(folder, 'queries.jsonl'))
    .filter(({ id }) => relevant.has(id))
    .slice(0, count);
  const wanted = new Set(queries.flatMap(({ id }) => [...(relevant.get(id) ?? [])]));
  const texts = documents(join(folder, 'corpus.jsonl'));
  return {
    corpus: count === Infinity ? texts : texts.filter(({ id }) => wanted.has(id)),
    queries,
    relevant,
    floor: count === Infinity ? readFloor(folder) : new Map(),
  };
}

function lines(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

function documents(path: string): Document[] {
  return lines(path).map((line, index) => {
    const entry = JSON.parse(line) as { _id?: unknown; text?: unknown; title?: unknown; year?: unknown };
    if (typeof entry._id !== 'string' || typeof entry.text !== 'string') {
      throw new FlowError('invalid_argument', `${path}:${index + 1}: expected _id and text`);
    }
    const title = typeof entry.title === 'string' && entry.title !== '' ? `${entry.title} ` : '';
    const year = Number(entry.year ?? NaN);
    return new Document({
      id: entry._id,
      text: title + entry.text,
      ...(Number.isInteger(year) ? { tags: { year } } : {}),
    });
  });
}

/** The line `Floor (BM25): R@1 95.20, R@5 98.30 ...` of the data's README. */
function readFloor(folder: string): Map<number, number> {
  const path = join(folder, 'README.md');
  if (!existsSync(path)) return new Map();
  const floor = /^Floor \(BM25\):.*$/m.exec(readFileSync(path, 'utf8'))?.[0] ?? '';
  return new Map(
    [...floor.matchAll(/\bR@(\d+) ([\d.]+\d)/g)].map(([, depth, percent]) => [Number(depth), Number(percent)]),
  );
}
