import { type DocumentArray, FlowError } from '../core/index.ts';
import type { Task } from './task.ts';

interface Item {
  readonly docs: DocumentArray;
  /** Tells the worker that there is room for one more. */
  readonly taken: () => void;
}

/** Documents on their way from a streaming endpoint to one reader; holds at most the window the worker was given. */
export class DocumentStream implements AsyncIterable<DocumentArray> {
  private readonly items: Item[] = [];
  private task: Task | undefined;
  private error: FlowError | undefined;
  private isComplete = false;
  private wake: (() => void) | undefined;

  push(docs: DocumentArray, taken: () => void): void {
    this.items.push({ docs, taken });
    this.wake?.();
  }

  /** Ends with the task: in order, or with its error. */
  follow(task: Task): void {
    this.task = task;
    void task.result.then((result) => {
      if ('error' in result) this.error ??= result.error;
      this.isComplete = true;
      this.wake?.();
    });
  }

  /** Ends the stream with an error and stops the worker. */
  fail(error: FlowError): void {
    this.error ??= error;
    this.isComplete = true;
    this.task?.fail(error);
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DocumentArray> {
    try {
      for (;;) {
        const item = this.items.shift();
        if (item !== undefined) {
          yield item.docs;
          item.taken();
        } else if (this.isComplete) {
          if (this.error !== undefined) throw this.error;
          return;
        } else {
          await new Promise<void>((resolve) => (this.wake = resolve));
          this.wake = undefined;
        }
      }
    } finally {
      // A reader that leaves early ends the work.
      if (!this.isComplete) this.task?.fail(new FlowError('cancelled', 'the reader of the stream left'));
    }
  }
}
