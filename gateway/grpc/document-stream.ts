import type { ServerWritableStream } from '@grpc/grpc-js';
import { type Clock, FlowError } from '../../core/index.ts';
import { decodeDocumentRequest, type DocumentRequestMessage, encodeDocumentRequest } from '../../proto/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { Exchange, RequestHandler } from '../handle.ts';
import { isExecutorFault } from '../status-proto.ts';
import { carrierOf, decodeDocumentCall, encodeDocument, encodeDocumentFailure } from './codec.ts';
import { statusError } from './status.ts';

export interface DocumentStreamParts {
  readonly handler: RequestHandler;
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
}

/** Requests and documents as bytes. */
export type DocumentCall = ServerWritableStream<Uint8Array, Uint8Array>;

/**
 * Answers one call of a streaming endpoint: a message for each document, as it is made.
 *
 * The next document is taken when the one before has left. The executor's own failure is told by a last message without
 * a document, what kept the request from it by the status of the call.
 */
export async function serveDocuments(
  call: DocumentCall,
  { handler, clock, logger }: DocumentStreamParts,
): Promise<void> {
  const startMs = clock.now();
  let exchange: Exchange | undefined;
  let message: DocumentRequestMessage | undefined;
  let failure: FlowError | undefined;
  const left = new FlowError('cancelled', 'the caller cancelled the call before its end');
  call.on('cancelled', () => exchange?.cancel(left));
  try {
    exchange = handler.accept({ protocol: 'grpc', startMs });
    message = decodeDocumentRequest(call.request);
    exchange.hold(call.request.length);
    const remainingMs = Math.max(1, Number(call.getDeadline()) - Date.now());
    const request = decodeDocumentCall(message, carrierOf(call.metadata), remainingMs);
    for await (const docs of exchange.stream(request, [startMs, clock.now()])) {
      for (const doc of docs) await write(call, encodeDocument(message, doc));
    }
  } catch (error) {
    failure = FlowError.from(error);
    if (failure.code === 'internal') logger?.error({ error: failure }, 'a stream failed');
  }
  if (call.cancelled) failure = left;
  else if (failure === undefined) call.end();
  else if (message === undefined || !isExecutorFault(failure)) call.emit('error', statusError(failure));
  else {
    await write(call, encodeDocumentFailure(message, failure));
    call.end();
  }
  exchange?.finish(failure);
}

async function write(call: DocumentCall, message: DocumentRequestMessage): Promise<void> {
  if (call.cancelled || call.write(encodeDocumentRequest(message))) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      call.off('drain', done).off('cancelled', done).off('close', done);
      resolve();
    };
    call.once('drain', done).once('cancelled', done).once('close', done);
  });
}
