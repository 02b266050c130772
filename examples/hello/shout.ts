import { type DocumentArray, dynamicBatching, Executor, requests } from 'sluice/executor';

/** Writes texts in capitals. Requests of different callers that wait at the same time share one call. */
export class Shout extends Executor {
  @requests('/shout', { effect: 'read' })
  @dynamicBatching({ preferredBatchSize: 32 })
  shout(docs: DocumentArray): void {
    for (const doc of docs) doc.text = doc.text?.toUpperCase() ?? '';
  }
}
