import { createReadStream, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { FlowError, isObject } from '../core/index.ts';
import { type Columns, documentOf } from './columns.ts';
import { identityOf, type Row, type RowSource, stableId } from './row.ts';

export interface TextInput {
  /** A path; `-` for stdin. A name that ends in `.gz` is unpacked. */
  readonly file: string;
  readonly format: 'jsonl' | 'csv';
  readonly columns: Columns;
}

/** Rows of JSON lines, or of CSV whose first line names the columns. Blank lines are none. */
export function openTextRows(input: TextInput, stdin: Readable): RowSource {
  const { file, format, columns } = input;
  const { size, mtimeMs } = file === '-' ? { size: undefined, mtimeMs: 0 } : statOf(file);
  const counted = { bytes: 0, rows: 0 };
  return {
    identity: size === undefined ? undefined : identityOf(path.resolve(file), size, mtimeMs, format, columns),
    async *rows(skipped) {
      Object.assign(counted, { bytes: 0, rows: 0 });
      const raw = file === '-' ? stdin : createReadStream(file);
      raw.on('data', (chunk: Buffer) => (counted.bytes += chunk.length));
      raw.pause();
      const text = file.endsWith('.gz') ? pipeInto(raw, createGunzip()) : raw;
      try {
        for await (const [line, value] of format === 'csv' ? csvRecords(text) : jsonRecords(text)) {
          if (counted.rows++ < skipped) continue;
          yield rowOf(input, line, value);
        }
      } catch (error) {
        throw FlowError.from(error, 'invalid_argument', `cannot read ${file}`);
      } finally {
        raw.destroy();
      }
    },
    total: () => {
      if (size === undefined || counted.rows === 0 || counted.bytes === 0) return undefined;
      return Math.round((counted.rows * size) / Math.min(counted.bytes, size));
    },
  };
}

/** A record, or the error that it could not be read for. */
type Numbered = readonly [line: number, value: unknown];

function rowOf({ file, columns }: TextInput, line: number, value: unknown): Row {
  const place = { line };
  if (value instanceof Error) return { place, fault: value.message };
  try {
    return { place, doc: documentOf(value, columns, stableId(path.basename(file), line)) };
  } catch (error) {
    return { place, fault: FlowError.from(error).message };
  }
}

async function* jsonRecords(text: Readable): AsyncGenerator<Numbered, void> {
  let line = 0;
  for await (const content of linesOf(text)) {
    line++;
    const json = line === 1 ? content.replace(/^\uFEFF/, '') : content;
    if (json.trim() === '') continue;
    yield [line, parseJson(json)];
  }
}

async function* linesOf(text: Readable): AsyncGenerator<string, void> {
  text.setEncoding('utf8');
  let rest = '';
  for await (const chunk of text as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}

/** The same as `pipe`, but an error of the source also ends who reads the target. */
function pipeInto<T extends Transform>(source: Readable, target: T): T {
  source.once('error', (error) => target.destroy(error));
  return source.pipe(target);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    return new FlowError('malformed_json', `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A row with too few or too many columns is one that cannot be read; the others go on. */
async function* csvRecords(text: Readable): AsyncGenerator<Numbered, void> {
  const options = { columns: true, bom: true, info: true, relax_column_count: true, skip_empty_lines: true } as const;
  const records = pipeInto(text, parse({ ...options, relax_quotes: true }));
  for await (const item of records as AsyncIterable<unknown>) {
    if (!isObject(item) || !isObject(item['info'])) {
      throw new FlowError('internal', 'the CSV reader gave a record without its place; this is a bug');
    }
    const { lines, error } = item['info'];
    yield [Number(lines), error instanceof Error ? error : item['record']];
  }
}

function statOf(file: string): { size: number; mtimeMs: number } {
  try {
    return statSync(file);
  } catch (error) {
    throw FlowError.from(error, 'file_not_found', `cannot read ${file}`);
  }
}
