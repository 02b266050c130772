import { type DocumentArray, Executor, requests } from '../sdk/index.ts';

/** Answers what it gets, at every endpoint; batching is switched on in the flow file. For measuring and trying out. */
export class Echo extends Executor {
  @requests(undefined, { effect: 'read' })
  echo(docs: DocumentArray): DocumentArray {
    return docs;
  }
}
