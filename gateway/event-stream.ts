import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type Clock, type DocumentArray, FlowError, type TensorForm } from '../core/index.ts';
import { documentText } from './document-text.ts';

/** A comment is sent this often, so that proxies do not close a stream that is quiet. */
const pingMs = 15_000;

export interface EventStreamOptions {
  readonly clock: Clock;
  readonly tensors: TensorForm;
  /** Sent with the first event, beside those of an event stream. */
  readonly headers: OutgoingHttpHeaders;
  /** The data of the event that tells an error. */
  errorText(error: FlowError): string;
}

/**
 * Sends documents as server-sent events while they are made: one event for each, then `end`.
 *
 * The next document is taken when the one before has left; an error is told by an `error` event before `end`.
 *
 * @returns the error that was told, if any
 * @throws FlowError when the source fails before anything was sent: the caller can still answer with a status.
 */
export async function sendEvents(
  out: ServerResponse,
  source: AsyncIterable<DocumentArray>,
  options: EventStreamOptions,
): Promise<FlowError | undefined> {
  const stopPings = startPings(out, options);
  let failure: FlowError | undefined;
  try {
    for await (const docs of source) {
      for (const doc of docs) await send(out, options, `event: update\r\ndata: ${eventData(doc, options)}\r\n\r\n`);
    }
  } catch (error) {
    failure = FlowError.from(error);
  } finally {
    stopPings();
  }
  if (out.destroyed) return failure;
  if (failure !== undefined) {
    if (!out.headersSent) throw failure;
    await send(out, options, `event: error\r\ndata: ${options.errorText(failure)}\r\n\r\n`);
  }
  await send(out, options, 'event: end\r\n\r\n');
  out.end();
  return failure;
}

/** Clients cut a stream at the text `event: `, so it must not stand inside of a document. */
function eventData(doc: DocumentArray[number], { tensors }: EventStreamOptions): string {
  return documentText(doc, tensors).replaceAll('event: ', 'event:\\u0020');
}

async function send(out: ServerResponse, { headers }: EventStreamOptions, event: string): Promise<void> {
  if (out.destroyed) return;
  open(out, headers);
  if (out.write(event)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      out.off('drain', done).off('close', done);
      resolve();
    };
    out.on('drain', done).on('close', done);
  });
}

function open(out: ServerResponse, headers: OutgoingHttpHeaders): void {
  if (out.headersSent) return;
  out.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    ...headers,
  });
}

function startPings(out: ServerResponse, { clock, headers }: EventStreamOptions): () => void {
  let stop = clock.after(pingMs, ping);
  function ping(): void {
    // A reader that does not keep up has enough to read.
    if (!out.destroyed && !out.writableNeedDrain) {
      open(out, headers);
      out.write(`: ping - ${new Date().toISOString()}\r\n\r\n`);
    }
    stop = clock.after(pingMs, ping);
  }
  return () => stop();
}
