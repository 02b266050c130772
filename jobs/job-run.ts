import PQueue from 'p-queue';
import { DocumentArray, FlowError, type Reason } from '../core/index.ts';
import type { BadRow, JobLedger } from './job-ledger.ts';
import type { Row, RowSource } from './row.ts';

export interface JobSettings {
  readonly source: RowSource;
  readonly ledger: JobLedger;
  /** Sends one batch; throws the FlowError of its failure, after it was tried again where that helps. */
  readonly send: (docs: DocumentArray) => Promise<void>;
  /** Most rows, and about the most bytes of blobs and texts, of one batch. */
  readonly batchRows: number;
  readonly batchBytes: number;
  /** Batches on their way at the same time. */
  readonly concurrency: number;
  /** Ends the job when it aborts: what is on its way is waited for. */
  readonly signal: AbortSignal;
  /** Called after each batch. */
  readonly onProgress: () => void;
}

/** Faults that have nothing to do with the rows: the job ends, and can be taken up again. */
const fatal: ReadonlySet<Reason> = new Set<Reason>([
  'cancelled',
  'connection_failed',
  'draining',
  'executor_unavailable',
  'internal',
  'not_ready',
  'protocol_error',
  'queue_full',
  'too_many_batch_keys',
  'unknown_endpoint',
  'unknown_path',
  'unknown_target',
]);

interface Batch {
  readonly first: number;
  readonly rows: Row[];
  bytes: number;
}

/**
 * Sends all rows that the ledger does not have yet.
 *
 * A batch that fails is cut in halves and sent again until the rows at fault are alone; these are left out.
 *
 * @returns whether the input came to its end; false when the signal aborted
 * @throws FlowError when the flow cannot be reached any more, or the input cannot be read
 */
export async function runJob(settings: JobSettings): Promise<boolean> {
  const { ledger, concurrency, signal, onProgress } = settings;
  const queue = new PQueue({ concurrency });
  let failure: FlowError | undefined;
  const work = async (batch: Batch): Promise<void> => {
    if (failure !== undefined) return;
    try {
      ledger.done(batch.first, batch.rows.length, await sendRows(batch.rows, settings));
      onProgress();
    } catch (error) {
      failure ??= FlowError.from(error);
    }
  };
  try {
    for await (const batch of batchesOf(settings)) {
      if (isOver()) break;
      // The queue owns the task, which never rejects.
      void queue.add(() => work(batch));
      await queue.onSizeLessThan(1);
    }
  } finally {
    await queue.onIdle();
  }
  if (failure !== undefined) throw failure;
  return !signal.aborted;

  function isOver(): boolean {
    return failure !== undefined || signal.aborted;
  }
}

async function* batchesOf({ source, ledger, batchRows, batchBytes }: JobSettings): AsyncGenerator<Batch, void> {
  let batch: Batch = { first: ledger.rows, rows: [], bytes: 0 };
  for await (const row of source.rows(ledger.rows)) {
    batch.rows.push(row);
    if ('doc' in row) batch.bytes += (row.doc.blob?.byteLength ?? 0) + (row.doc.text?.length ?? 0);
    if (batch.rows.length < batchRows && batch.bytes < batchBytes) continue;
    yield batch;
    batch = { first: batch.first + batch.rows.length, rows: [], bytes: 0 };
  }
  if (batch.rows.length > 0) yield batch;
}

async function sendRows(rows: readonly Row[], settings: JobSettings): Promise<BadRow[]> {
  const bad: BadRow[] = [];
  const good: Readable[] = [];
  for (const row of rows) {
    if ('doc' in row) good.push(row);
    else bad.push({ place: row.place, reason: 'invalid_argument', message: row.fault });
  }
  return [...bad, ...(await sendGood(good, settings))];
}

type Readable = Extract<Row, { doc: unknown }>;

async function sendGood(rows: readonly Readable[], settings: JobSettings): Promise<BadRow[]> {
  const [first] = rows;
  if (first === undefined) return [];
  try {
    await settings.send(DocumentArray.fromInputs(rows.map(({ doc }) => doc)));
    return [];
  } catch (caught) {
    const { reason, message } = FlowError.from(caught);
    if (fatal.has(reason)) throw caught;
    if (rows.length === 1) return [{ place: first.place, reason, message }];
    const middle = rows.length >> 1;
    const left = await sendGood(rows.slice(0, middle), settings);
    return [...left, ...(await sendGood(rows.slice(middle), settings))];
  }
}
