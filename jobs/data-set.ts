import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Document, FlowError, isObject } from '../core/index.ts';
import type { Judgements } from './retrieval-metrics.ts';

/** Texts to search in, questions, and which texts answer which question. */
export interface DataSet {
  readonly corpus: readonly Document[];
  readonly queries: readonly Document[];
  readonly relevant: Judgements;
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
  const relevant = readJudgements(join(folder, 'qrels/test.tsv'));
  const queries = readTexts(join(folder, 'queries.jsonl'))
    .filter(({ id }) => relevant.has(id))
    .slice(0, count);
  const wanted = new Set(queries.flatMap(({ id }) => [...(relevant.get(id)?.keys() ?? [])]));
  const texts = readTexts(join(folder, 'corpus.jsonl'));
  return {
    corpus: count === Infinity ? texts : texts.filter(({ id }) => wanted.has(id)),
    queries,
    relevant,
    floor: count === Infinity ? readFloor(folder) : new Map(),
  };
}

/**
 * Judgements from a file of BEIR (a head, then query, text and grade between tabs) or TREC (query, 0, text, grade
 * between spaces). Grades of 0 and less are left out.
 *
 * @throws `file_not_found`; `invalid_argument` naming the line that cannot be read
 */
export function readJudgements(path: string): Map<string, Map<string, number>> {
  const judgements = new Map<string, Map<string, number>>();
  lines(path).forEach((line, index) => {
    const fields = line.includes('\t') ? line.split('\t') : line.trim().split(/\s+/);
    const [query = ''] = fields;
    const [text, grade] = fields.length === 4 ? fields.slice(2) : fields.slice(1);
    const value = Number(grade);
    if (text === undefined || grade === undefined || Number.isNaN(value)) {
      if (index === 0) return;
      throw new FlowError('invalid_argument', `${path}:${index + 1}: expected query, text and grade, got ${line}`);
    }
    if (value > 0) judgements.set(query, (judgements.get(query) ?? new Map<string, number>()).set(text, value));
  });
  return judgements;
}

/**
 * Documents from lines of JSON with `_id` or `id`, `text`, and perhaps `title` and `year`.
 *
 * @param fields whose texts, joined by spaces, become the document's text
 * @throws `file_not_found`; `invalid_argument` naming the line that cannot be read
 */
export function readTexts(path: string, fields: readonly string[] = ['title', 'text']): Document[] {
  return lines(path).map((line, index) => {
    const entry = parsed(line, `${path}:${index + 1}`);
    const id = entry['_id'] ?? entry['id'];
    const texts = fields.map((field) => entry[field]).filter((text) => typeof text === 'string');
    if (typeof id !== 'string' || texts.length === 0) {
      throw new FlowError('invalid_argument', `${path}:${index + 1}: expected _id and ${fields.join(' or ')}`);
    }
    const year = Number(entry['year'] ?? NaN);
    return new Document({
      id,
      text: texts.filter((text) => text !== '').join(' '),
      ...(Number.isInteger(year) ? { tags: { year } } : {}),
    });
  });
}

function parsed(line: string, place: string): Record<string, unknown> {
  try {
    const entry: unknown = JSON.parse(line);
    if (isObject(entry)) return entry;
  } catch (error) {
    throw FlowError.from(error, 'invalid_argument', `${place}: expected JSON`);
  }
  throw new FlowError('invalid_argument', `${place}: expected an object`);
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
  } catch (error) {
    throw FlowError.from(error, 'file_not_found', `cannot read ${path}`);
  }
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
