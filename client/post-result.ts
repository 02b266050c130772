import { type Document, DocumentArray, FlowError } from '../core/index.ts';
import type { ClientResponse } from './response.ts';

/** Answers of a post while they come; `cancel` makes the pending `next` fail at once. */
export interface ResponseStream {
  readonly responses: AsyncGenerator<ClientResponse, void>;
  readonly cancel: () => void;
}

/**
 * The result of a post, to be read once: iterate it for documents, iterate `responses()` for answers, or await it for
 * all documents in one array (an empty one when `onDone` or `onAlways` took them).
 *
 * Nothing is sent before it is read. Leaving a loop cancels what is in flight.
 */
export class PostResult implements AsyncIterable<Document>, PromiseLike<DocumentArray> {
  private readonly open: () => ResponseStream;
  private readonly isCollected: boolean;
  private isRead = false;
  private all: Promise<DocumentArray> | undefined;

  /** @param isCollected whether awaiting gives the documents */
  constructor(open: () => ResponseStream, isCollected: boolean) {
    this.open = open;
    this.isCollected = isCollected;
  }

  /** Answers one by one: in completion order, or in order of the inputs with `resultsInOrder`. */
  responses(): AsyncIterableIterator<ClientResponse, void> {
    const { responses, cancel } = this.read();
    return cancellable(responses, cancel);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Document, void> {
    const { responses, cancel } = this.read();
    return cancellable(documentsOf(responses), cancel);
  }

  then<Done = DocumentArray, Failed = never>(
    onDone?: ((docs: DocumentArray) => Done | PromiseLike<Done>) | null,
    onFailed?: ((error: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Done | Failed> {
    this.all ??= this.collect();
    return this.all.then(onDone, onFailed);
  }

  private async collect(): Promise<DocumentArray> {
    const docs = new DocumentArray();
    for await (const response of this.read().responses) {
      if (this.isCollected) for (const doc of response.docs) docs.push(doc);
    }
    return docs;
  }

  private read(): ResponseStream {
    if (this.isRead)
      throw new FlowError('invalid_argument', 'the result of a post can be read once, it was read before');
    this.isRead = true;
    return this.open();
  }
}

async function* documentsOf(responses: AsyncIterable<ClientResponse>): AsyncGenerator<Document, void> {
  for await (const response of responses) yield* response.docs;
}

/** The generator, but `return` does not wait for the item that comes next. */
export function cancellable<T>(items: AsyncGenerator<T, void>, cancel: () => void): AsyncIterableIterator<T, void> {
  return {
    next: () => items.next(),
    return() {
      cancel();
      return items.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
