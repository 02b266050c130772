import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { FlowError, isObject, type Reason } from '../core/index.ts';
import type { RowPlace } from './row.ts';

/** A row that was left out. */
export interface BadRow {
  readonly place: RowPlace;
  readonly reason: Reason;
  readonly message: string;
}

export interface LedgerFiles {
  /** Where the job got to; removed when it is done. */
  readonly state: string;
  /** Rows that were left out, one JSON object a line; there is none while all are well. */
  readonly badRows: string;
}

/**
 * What a job has done, on the disk: how many rows from the beginning are acknowledged, and which were left out.
 *
 * Batches end in any order; only what has no gap before it counts. The state is written beside its file and renamed,
 * after the report of the bad rows before it, so that a kill at any moment leaves both readable: what the report has
 * beyond the state is cut off when the job goes on, and comes again.
 */
export class JobLedger {
  /** Rows from the beginning of the input that need not be sent again; those left out are among them. */
  rows = 0;
  bad = 0;
  private reportBytes = 0;
  private readonly files: LedgerFiles;
  private readonly identity: string | undefined;
  private readonly report: number;
  /** Batches that ended before one in front of them, by their first row. */
  private readonly early = new Map<number, { readonly rows: number; readonly bad: readonly BadRow[] }>();

  /**
   * @param identity of the input and of what is done with it; a state of another one does not count; undefined: no
   *   state is kept
   * @param isAnew whether a state that is there does not count either
   */
  constructor(files: LedgerFiles, identity: string | undefined, isAnew = false) {
    this.files = files;
    this.identity = identity;
    for (const file of [files.state, files.badRows]) mkdirSync(path.dirname(file), { recursive: true });
    if (!isAnew) this.load();
    this.report = openSync(files.badRows, existsSync(files.badRows) ? 'r+' : 'w+');
    ftruncateSync(this.report, this.reportBytes);
  }

  /** Rows `[first, first + rows)` are dealt with, all but the bad ones acknowledged. */
  done(first: number, rows: number, bad: readonly BadRow[]): void {
    this.early.set(first, { rows, bad });
    let next = this.early.get(this.rows);
    if (next === undefined) return;
    for (; next !== undefined; next = this.early.get(this.rows)) {
      this.early.delete(this.rows);
      for (const { place, reason, message } of next.bad) this.write({ ...place, reason, message });
      this.bad += next.bad.length;
      this.rows += next.rows;
    }
    this.save();
  }

  /** @param isComplete whether the whole input is dealt with: the next job begins anew */
  close(isComplete: boolean): void {
    closeSync(this.report);
    if (isComplete) rmSync(this.files.state, { force: true });
    if (this.reportBytes === 0) rmSync(this.files.badRows, { force: true });
  }

  private write(row: object): void {
    this.reportBytes += writeSync(this.report, `${JSON.stringify(row)}\n`, this.reportBytes);
  }

  private save(): void {
    fsyncSync(this.report);
    if (this.identity === undefined) return;
    const { identity, rows, bad, reportBytes } = this;
    const draft = `${this.files.state}.new`;
    const file = openSync(draft, 'w');
    writeSync(file, JSON.stringify({ version: 1, identity, rows, bad, reportBytes }));
    fsyncSync(file);
    closeSync(file);
    renameSync(draft, this.files.state);
  }

  private load(): void {
    if (this.identity === undefined || !existsSync(this.files.state)) return;
    const state: unknown = parse(readFileSync(this.files.state, 'utf8'), this.files.state);
    if (!isObject(state) || state['version'] !== 1 || state['identity'] !== this.identity) return;
    this.rows = Number(state['rows']);
    this.bad = Number(state['bad']);
    this.reportBytes = Number(state['reportBytes']);
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw FlowError.from(error, 'invalid_argument', `${file} is no state of a job; remove it to begin anew`);
  }
}
