import type { Writable } from 'node:stream';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { DataRequestMessage } from '../../proto/index.ts';

/** Requests come as bytes: what they say is read where a fault of it can be told. */
export type Messages = ServerDuplexStream<Uint8Array, DataRequestMessage>;

export interface StreamSettings {
  /** Requests that are not answered yet; no further one is read then. */
  readonly prefetch: number;
  /** Whether answers come in the order of their requests; else as they are ready. */
  readonly isOrdered: boolean;
}

/**
 * Answers every request of a stream, several at a time, and ends it after the last.
 *
 * A client that does not read its answers is not read from either.
 *
 * @param answer fulfils with the answer, or rejects with what ends the stream
 */
export function serveStream(
  stream: Messages,
  { prefetch, isOrdered }: StreamSettings,
  answer: (bytes: Uint8Array) => Promise<DataRequestMessage>,
): void {
  let open = 0;
  let hasEnded = false;
  let isBroken = false;
  let written = Promise.resolve();
  // As many answers wait for a slow reader as requests are in flight.
  stream.setMaxListeners(0);

  const fail = (error: unknown): void => {
    if (isBroken) return;
    isBroken = true;
    stream.emit('error', error);
  };
  const write = async (message: DataRequestMessage): Promise<void> => {
    if (isBroken || stream.cancelled) return;
    if (!stream.write(message)) await drained(stream);
  };
  const serve = async (bytes: Uint8Array): Promise<void> => {
    const answered = answer(bytes);
    if (isOrdered) {
      const before = written;
      written = Promise.allSettled([before, answered]).then(async () => {
        // Only now: a failure that ends the stream must not overtake the answers before it.
        await write(await answered);
      });
      await written;
    } else await write(await answered);
    open -= 1;
    if (open < prefetch) stream.resume();
    if (hasEnded && open === 0 && !isBroken) stream.end();
  };

  stream.on('data', (bytes: Uint8Array) => {
    open += 1;
    if (open >= prefetch) stream.pause();
    serve(bytes).catch(fail);
  });
  stream.once('end', () => {
    hasEnded = true;
    if (open === 0 && !isBroken) stream.end();
  });
}

/** Fulfils when more may be written, or nobody is there to read it. */
export function drained(stream: Writable & { readonly cancelled: boolean }): Promise<void> {
  // It takes nothing any more, and told so once.
  if (stream.cancelled || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('cancelled', done).off('close', done);
      resolve();
    };
    stream.once('drain', done).once('cancelled', done).once('close', done);
  });
}
