import { DocumentArray, FlowError, monotonicMs } from '../core/index.ts';
import type { BatchRecord, Instrument } from '../observability/index.ts';
import {
  decodeDocuments,
  decodeError,
  encodeDocuments,
  type EndpointManifest,
  type RequestPart,
} from './wire/index.ts';
import type { ItemMessage, ResultMessage, WorkerProcess } from './supervisor/index.ts';
import type { TaskPart } from './task.ts';

/** Documents a stream may be ahead of its reader. */
const streamWindow = 16;

export interface BatchCallSettings {
  readonly id: number;
  readonly executor: string;
  readonly endpoint: EndpointManifest;
  readonly parts: readonly TaskPart[];
  readonly record: BatchRecord;
  readonly worker: WorkerProcess;
  readonly instrument: Instrument;
  /** The worker died; the parts still wait for an answer. */
  lost(parts: readonly TaskPart[], error: FlowError): void;
  /** How long the worker computed it, ms. */
  ran(runMs: number): void;
  /** The call is over, its place in the worker is free. */
  done(): void;
}

/** One call of an executor on its way through a worker and back. */
export class BatchCall {
  /** When the last of its requests has no use for an answer any more; monotonic ms. */
  readonly deadline: number;
  private readonly settings: BatchCallSettings;
  private readonly sentMs = monotonicMs();
  private waiting: number;
  private isOver = false;

  constructor(settings: BatchCallSettings) {
    this.settings = settings;
    this.waiting = settings.parts.length;
    this.deadline = Math.max(...settings.parts.map(({ task }) => task.settings.deadline));
  }

  get worker(): WorkerProcess {
    return this.settings.worker;
  }

  send(): void {
    const { id, endpoint, parts, worker } = this.settings;
    const docs = new DocumentArray();
    const requests: RequestPart[] = [];
    for (const { task, first, end } of parts) {
      const { settings } = task;
      const start = docs.length;
      for (let row = first; row < end; row++) {
        const doc = settings.docs[row];
        if (doc !== undefined) docs.push(doc);
      }
      const { own } = task.parameters;
      requests.push({
        requestId: settings.request.requestId,
        first: start,
        end: docs.length,
        ...(own === undefined ? {} : { parameters: own }),
        ...(settings.record.context.isSampled ? { trace: settings.record.context } : {}),
      });
      task.onSettled(() => {
        this.abandonOne();
      });
    }
    const [first] = parts;
    if (first === undefined) throw new FlowError('internal', 'a call without a request; this is a bug');
    const { branches } = first.task.settings;
    const encoded = encodeDocuments(docs);
    const deadline = Number.isFinite(this.deadline) ? this.deadline : null;
    worker.run(
      {
        type: 'run',
        id,
        endpoint: endpoint.name,
        parameters: first.task.parameters.shared,
        requests,
        deadline,
        documents: encoded.data,
        ...(branches === undefined ? {} : { branches }),
      },
      encoded.payload,
      {
        result: (message, payload) => {
          this.result(message, payload);
        },
        item: (message, payload) => {
          this.item(message, payload);
        },
        lost: (error) => {
          this.isOver = true;
          this.stampLost(error);
          this.settings.done();
          this.settings.lost(
            parts.filter(({ task }) => !task.isSettled),
            error,
          );
        },
      },
    );
    if (endpoint.isStreaming) worker.credit(id, streamWindow);
  }

  private result(message: ResultMessage, payload: Uint8Array): void {
    const { parts, record, worker } = this.settings;
    const receivedMs = monotonicMs();
    this.isOver = true;
    const [startMs, endMs] = message.timings.runMs;
    this.settings.ran(endMs - startMs);
    this.stamp(message, receivedMs);
    this.settings.done();
    try {
      if (message.outcomes.length !== parts.length) {
        throw new FlowError('protocol_error', `expected ${parts.length} outcomes, got ${message.outcomes.length}`);
      }
      const docs = decodeDocuments(message.documents, payload);
      let row = 0;
      message.outcomes.forEach((outcome, index) => {
        const part = parts[index];
        if (part === undefined) return;
        const { task, first, end } = part;
        if (outcome.type === 'error') {
          task.fail(decodeError(outcome.error));
          return;
        }
        task.countTokens(outcome.tokens);
        if (outcome.type === 'values') task.fillValues(outcome.values, record.replica);
        else {
          const all = parts.length === 1 && outcome.rows === docs.length;
          task.fill(
            first,
            end,
            all ? docs : DocumentArray.fromInputs(docs.slice(row, row + outcome.rows)),
            record.replica,
          );
          row += outcome.rows;
        }
      });
    } catch (error) {
      const fault = FlowError.from(
        error,
        'protocol_error',
        `${this.settings.executor} answered with something unreadable`,
      );
      for (const { task } of parts) task.fail(fault);
      worker.kill(fault);
    }
  }

  private item(message: ItemMessage, payload: Uint8Array): void {
    const { id, parts, worker } = this.settings;
    const docs = decodeDocuments(message.documents, payload);
    parts[0]?.task.settings.onItems?.(docs, () => {
      worker.credit(id, docs.length);
    });
  }

  /** Nobody waits for one of the requests any more; without any, the worker may stop. */
  private abandonOne(): void {
    this.waiting--;
    if (this.waiting === 0 && !this.isOver) this.settings.worker.cancel(this.settings.id);
  }

  /** The worker is gone, and its time stamps with it: the wait for it and the attempt as a whole are known. */
  private stampLost(error: FlowError): void {
    const { executor, instrument, parts, record: batch } = this.settings;
    const attempt = { batch, startMs: this.sentMs, endMs: monotonicMs(), error };
    for (const { task, waitingSince } of parts) {
      // Who is answered already, by its deadline or because it left, has no record to write to.
      if (task.isSettled) continue;
      const { record } = task.settings;
      instrument.phase(record, 'queue', executor, waitingSince, this.sentMs, { batch });
      instrument.failedAttempt(record, attempt);
    }
  }

  /** The phases of the call, on each of its requests. */
  private stamp({ timings }: ResultMessage, receivedMs: number): void {
    const { executor, instrument, parts, record: batch } = this.settings;
    const { preMs, runMs, postMs, phases } = timings;
    const details = { batch };
    const doneMs = postMs?.[1] ?? runMs[1];
    for (const { task, waitingSince } of parts) {
      const { record } = task.settings;
      instrument.phase(record, 'queue', executor, waitingSince, this.sentMs, details);
      instrument.phase(record, 'send', executor, this.sentMs, timings.receivedMs, details);
      if (preMs !== undefined) instrument.phase(record, 'pre', executor, preMs[0], preMs[1], details);
      instrument.phase(
        record,
        'run',
        executor,
        runMs[0],
        runMs[1],
        phases.length > 0 ? { batch, parts: phases } : details,
      );
      if (postMs !== undefined) instrument.phase(record, 'post', executor, postMs[0], postMs[1], details);
      instrument.phase(record, 'receive', executor, doneMs, receivedMs, details);
    }
  }
}
