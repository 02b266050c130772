import type { MethodDefinition, ServerWritableStream } from '@grpc/grpc-js';
import { type Clock, FlowError } from '../../core/index.ts';
import type { Logger } from '../../observability/index.ts';
import { decodeDocumentRequest, type DocumentRequestMessage, encodeDocumentRequest } from '../../proto/index.ts';
import type { Exchange, RequestHandler } from '../handle.ts';
import { isExecutorFault } from '../status-proto.ts';
import { asBuffer, carrierOf, decodeDocumentCall, encodeDocument, encodeFailure } from './codec.ts';
import { drained } from './request-stream.ts';
import { statusError } from './status.ts';

export type DocumentMessages = ServerWritableStream<Uint8Array, DocumentRequestMessage>;

/** `stream_doc`: one document in, any number out. The request stays bytes until its fault can be told. */
export const documentStream: MethodDefinition<Uint8Array, DocumentRequestMessage> = {
  path: '/jina.JinaSingleDocumentRequestRPC/stream_doc',
  requestStream: false,
  responseStream: true,
  requestSerialize: asBuffer((bytes: Uint8Array) => bytes),
  requestDeserialize: (bytes) => bytes,
  responseSerialize: asBuffer(encodeDocumentRequest),
  responseDeserialize: decodeDocumentRequest,
};

interface StreamParts {
  readonly handler: RequestHandler;
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
}

/**
 * Sends the documents of a streaming endpoint as the caller takes them; never rejects.
 *
 * The executor's own failure is a last message with `header.status`; any other is the status of the call.
 */
export async function streamDocuments(
  { handler, clock, logger }: StreamParts,
  stream: DocumentMessages,
): Promise<void> {
  const startMs = clock.now();
  let exchange: Exchange | undefined;
  let message: DocumentRequestMessage | undefined;
  let error: FlowError | undefined;
  try {
    const accepted = handler.accept({ protocol: 'grpc', startMs });
    exchange = accepted;
    stream.on('cancelled', () => accepted.cancel(new FlowError('cancelled', 'the caller cancelled the stream')));
    message = decodeDocumentRequest(stream.request);
    exchange.hold(stream.request.length);
    const remainingMs = Math.max(1, Number(stream.getDeadline()) - Date.now());
    const call = decodeDocumentCall(message, carrierOf(stream.metadata), remainingMs);
    for await (const docs of exchange.stream(call, [startMs, clock.now()])) {
      for (const doc of docs) if (!stream.write(encodeDocument(message, doc))) await drained(stream);
    }
    stream.end();
  } catch (thrown) {
    error = FlowError.from(thrown);
    if (message !== undefined && isExecutorFault(error)) {
      stream.write(encodeFailure(message, error));
      stream.end();
    } else stream.emit('error', statusError(error));
  } finally {
    if (error?.code === 'internal') logger?.error({ error }, 'a stream of documents failed');
    exchange?.finish(error);
  }
}
