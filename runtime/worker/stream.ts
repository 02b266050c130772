import { describeValue, DocumentArray, FlowError, isDocument } from '../../core/index.ts';
import type { HostCall } from './call.ts';

/** How many documents the parent still takes, and how to wake the generator when it takes more. */
export interface StreamCredit {
  credit: number;
  wake: (() => void) | undefined;
}

/** Sends what a generator yields, one document a frame, never more than the parent has room for. */
export async function sendStream(
  documents: AsyncIterable<unknown>,
  credit: StreamCredit,
  call: HostCall,
  send: (docs: DocumentArray) => void,
): Promise<void> {
  for await (const item of documents) {
    if (!isDocument(item)) {
      throw new FlowError(
        'invalid_result',
        `${call.endpoint}: expected a Document from yield, got ${describeValue(item)}`,
      );
    }
    while (credit.credit === 0 && !call.wasCancelled) {
      await new Promise<void>((resolve) => (credit.wake = resolve));
      credit.wake = undefined;
    }
    // Leaving the loop runs the generator's own finally blocks.
    if (call.wasCancelled) throw new FlowError('cancelled', 'nobody reads the stream any more');
    credit.credit--;
    send(DocumentArray.fromInputs([item]));
  }
}
