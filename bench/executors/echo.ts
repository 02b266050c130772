import { type DocumentArray, dynamicBatching, Executor, requests } from 'sluice/executor';

/** Answers the documents as they came: what is measured is everything around it. */
export class Echo extends Executor {
  /** Each request is a call of its own. */
  @requests('/echo', { effect: 'read' })
  echo(docs: DocumentArray): DocumentArray {
    return docs;
  }

  /** Requests that wait at the same time become one call. */
  @requests('/echo-batched', { effect: 'read' })
  @dynamicBatching({ preferredBatchSize: 64 })
  echoBatched(docs: DocumentArray): DocumentArray {
    return docs;
  }
}
