import type { ClientDuplexStream } from '@grpc/grpc-js';
import { FlowError } from '../../core/index.ts';
import type { DataRequestMessage } from '../../proto/index.ts';
import { abortError } from '../deadline.ts';
import { messageFromBytes } from './codec.ts';

/** Messages stay bytes for the library: what they say is read where a fault of it can be told. */
export type Call = ClientDuplexStream<Uint8Array, Uint8Array>;

interface Waiting {
  readonly resolve: (message: DataRequestMessage) => void;
  readonly reject: (error: FlowError) => void;
}

/** One `Call` stream: many requests, each answered once, in any order. */
export class CallStream {
  private readonly call: Call;
  private readonly toError: (error: unknown) => FlowError;
  private readonly waiting = new Map<string, Waiting>();
  private failure: FlowError | undefined;
  /** Fulfils when the stream takes more; undefined while it does. */
  private drained: Promise<void> | undefined;

  /** @param onEnd called once, when no further request may be sent on it */
  constructor(call: Call, toError: (error: unknown) => FlowError, onEnd: () => void) {
    this.call = call;
    this.toError = toError;
    call.on('data', (bytes: Uint8Array) => this.receive(bytes));
    // An end without error is one too for whom it leaves without an answer.
    call.on('error', (error) => this.fail(this.toError(error)));
    call.on('status', () => {
      this.fail(new FlowError('connection_failed', 'the gateway ended the stream before the answer'));
      onEnd();
    });
  }

  /**
   * Sends a request and waits for its answer; waits before it sends while the gateway does not read.
   *
   * @throws the signal's reason, or why the stream broke; then the gateway may or may not have worked on the request
   */
  async exchange(requestId: string, bytes: Uint8Array, signal: AbortSignal): Promise<DataRequestMessage> {
    const answer = new Promise<DataRequestMessage>((resolve, reject) => {
      this.waiting.set(requestId, { resolve, reject });
    });
    const abort = (): void => this.waiting.get(requestId)?.reject(abortError(signal));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      await Promise.race([answer, this.write(requestId, bytes)]);
      return await answer;
    } catch (error) {
      // Cancelling the stream ends all its requests with a status of its own.
      throw signal.aborted ? abortError(signal) : error;
    } finally {
      signal.removeEventListener('abort', abort);
      this.waiting.delete(requestId);
    }
  }

  /** Ends the stream; what is not answered is cancelled. */
  close(): void {
    if (this.failure !== undefined) return;
    if (this.waiting.size === 0) this.call.end();
    else this.call.cancel();
  }

  private async write(requestId: string, bytes: Uint8Array): Promise<void> {
    while (this.drained !== undefined) await this.drained;
    // It may have been given up while it waited.
    if (!this.waiting.has(requestId)) return;
    if (this.failure !== undefined) throw this.failure;
    if (this.call.write(bytes)) return;
    this.drained = new Promise((resolve) => {
      const done = (): void => {
        this.call.off('drain', done).off('status', done);
        this.drained = undefined;
        resolve();
      };
      this.call.once('drain', done).once('status', done);
    });
  }

  private receive(bytes: Uint8Array): void {
    try {
      const message = messageFromBytes(bytes);
      const requestId = message.header?.request_id ?? '';
      // Nobody waits for the answer to a request that was given up; one without an id would be missed for ever.
      if (requestId === '') throw new FlowError('protocol_error', 'expected a request_id in the header of an answer');
      this.waiting.get(requestId)?.resolve(message);
    } catch (error) {
      this.fail(FlowError.from(error));
      this.call.cancel();
    }
  }

  private fail(error: FlowError): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.values()) reject(this.failure);
  }
}
