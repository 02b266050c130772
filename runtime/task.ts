import { type Document, DocumentArray, FlowError, type FlowRequest, type JsonObject } from '../core/index.ts';
import type { RequestRecord } from '../observability/index.ts';
import type { BatchParameters } from './batching/index.ts';

/** What an executor made of a request. */
export type TaskResult =
  | {
      readonly docs: DocumentArray;
      readonly values?: JsonObject;
      readonly replica: number;
      /** Tokens of its input, where the executor counts them. */
      readonly tokens?: number;
    }
  | { readonly error: FlowError };

/** Rows `[first, end)` of a task, as they are queued and sent. */
export interface TaskPart {
  readonly task: Task;
  readonly first: number;
  readonly end: number;
  /** 1; 2 when its first worker died. */
  readonly attempt: number;
  /** Monotonic ms since when it waits: its arrival, or the death of its first worker. */
  readonly waitingSince: number;
}

export interface TaskSettings {
  readonly request: FlowRequest;
  readonly record: RequestRecord;
  readonly docs: DocumentArray;
  /** As this executor sees them: what a batch shares, and what is the request's own. */
  readonly parameters: BatchParameters;
  /** Rows of each branch where branches stay apart. */
  readonly branches?: readonly (readonly [executor: string, first: number, end: number])[] | undefined;
  readonly deadline: number;
  /** Monotonic ms of its arrival in line. */
  readonly enqueuedAt: number;
  /** For streaming endpoints: takes the documents as they come. */
  readonly onItems?: ((docs: DocumentArray, taken: () => void) => void) | undefined;
}

/**
 * One request at one executor: its documents may travel in several batches and come back in any order; it is settled
 * once, when all rows are there or something failed.
 */
export class Task {
  readonly settings: TaskSettings;
  /** Whether any part of it has left the queue. */
  isSent = false;
  readonly result: Promise<TaskResult>;
  private resolve: (result: TaskResult) => void = () => undefined;
  private settled = false;
  private rowsMissing: number;
  private tokens: number | undefined;
  private readonly parts = new Map<number, readonly Document[]>();
  private readonly cleanups: (() => void)[] = [];

  constructor(settings: TaskSettings) {
    this.settings = settings;
    this.rowsMissing = settings.docs.length;
    this.result = new Promise((resolve) => (this.resolve = resolve));
  }

  get parameters(): BatchParameters {
    return this.settings.parameters;
  }

  get enqueuedAt(): number {
    return this.settings.enqueuedAt;
  }

  get isSettled(): boolean {
    return this.settled;
  }

  /** Runs when the task is settled, however: takes it out of queues and calls. At once if it already is. */
  onSettled(cleanup: () => void): void {
    if (this.settled) cleanup();
    else this.cleanups.push(cleanup);
  }

  /** Tokens that the executor counted for a part of the task; to be called before the part is filled. */
  countTokens(tokens: number | undefined): void {
    if (tokens !== undefined) this.tokens = (this.tokens ?? 0) + tokens;
  }

  /** The documents of rows `[first, end)`. A whole task may come back with another number of them. */
  fill(first: number, end: number, docs: DocumentArray, replica: number): void {
    if (end - first === this.settings.docs.length) {
      this.settle({ docs, replica, ...this.usage() });
      return;
    }
    this.parts.set(first, docs);
    this.rowsMissing -= end - first;
    if (this.rowsMissing > 0) return;
    const rows = new DocumentArray();
    for (const [, part] of [...this.parts].sort(([a], [b]) => a - b)) rows.push(...part);
    this.settle({ docs: rows, replica, ...this.usage() });
  }

  /** The executor answered with values; the documents stay as they were sent. */
  fillValues(values: JsonObject, replica: number): void {
    this.settle({ docs: this.settings.docs, values, replica, ...this.usage() });
  }

  /** Fails it; later answers to parts of it are ignored. */
  fail(error: FlowError): void {
    this.settle({ error });
  }

  private usage(): { tokens?: number } {
    return this.tokens === undefined ? {} : { tokens: this.tokens };
  }

  private settle(result: TaskResult): void {
    if (this.settled) return;
    this.settled = true;
    for (const cleanup of this.cleanups) cleanup();
    this.resolve(result);
  }
}
