import PQueue from 'p-queue';
import { type DocumentArray, FlowError } from '../core/index.ts';
import { abortError } from './deadline.ts';
import type { DocumentSource } from './inputs.ts';
import type { ClientResponse } from './response.ts';

export interface PostRunOptions {
  readonly open: () => Promise<DocumentSource>;
  /** Sends one request; must end soon after `controller` aborts. */
  readonly send: (docs: DocumentArray) => Promise<ClientResponse>;
  /** Ends the run when it aborts, with a FlowError as the reason; stop() aborts it. */
  readonly controller: AbortController;
  readonly requestSize: number;
  /** Requests that are sent or answered but not read yet. */
  readonly prefetch: number;
  readonly isOrdered: boolean;
}

/** A request's place: taken when it is sent, given back when its answer is read. */
interface Slot {
  outcome: ClientResponse | FlowError | undefined;
  giveBack: () => void;
}

/**
 * The requests of one post: reads the source only while a slot is free, and hands answers out in the order they were
 * sent or as they come. An answer that nobody reads keeps its slot, so a reader that stops also stops the source.
 */
export class PostRun {
  private readonly options: PostRunOptions;
  private readonly queue: PQueue;
  private readonly signal: AbortSignal;
  /** In order: all that are sent; otherwise: those that are answered. */
  private readonly slots: Slot[] = [];
  private unread = 0;
  private source: DocumentSource | undefined;
  private pump: Promise<void> | undefined;
  private isSourceEnded = false;
  private sourceError: FlowError | undefined;
  private wake: () => void = () => undefined;

  constructor(options: PostRunOptions) {
    this.options = options;
    this.signal = options.controller.signal;
    this.signal.addEventListener('abort', () => this.wake(), { once: true });
    this.queue = new PQueue({ concurrency: options.prefetch });
  }

  /** Starts the run at its first call; undefined at the end. @throws FlowError when a request got no answer. */
  async next(): Promise<ClientResponse | undefined> {
    this.pump ??= this.readSource();
    for (;;) {
      if (this.isStopped()) throw abortError(this.signal);
      const outcome = this.slots[0]?.outcome;
      if (outcome !== undefined) {
        this.slots.shift()?.giveBack();
        this.unread--;
        if (outcome instanceof FlowError) throw outcome;
        return outcome;
      }
      if (this.isSourceEnded && this.unread === 0) {
        if (this.sourceError !== undefined) throw this.sourceError;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Ends the run: cancels what is in flight, closes the source and fulfils when no request runs any more. */
  async stop(): Promise<void> {
    this.options.controller.abort(new FlowError('cancelled', 'the post has ended'));
    for (const slot of this.slots) slot.giveBack();
    await this.queue.onIdle();
    await this.source?.close();
  }

  /** Never rejects: a fault of the source is thrown by `next` after the answers to what was read before it. */
  private async readSource(): Promise<void> {
    const { open, requestSize, prefetch } = this.options;
    try {
      this.source = await open();
      while (!this.isStopped()) {
        if (this.queue.pending >= prefetch) {
          await new Promise<void>((resolve) => {
            this.queue.once('next', resolve);
          });
          continue;
        }
        const docs = await this.source.next(requestSize);
        if (docs === undefined) break;
        if (!this.isStopped()) this.start(docs);
      }
      // stop() could not close a source that was still being opened.
      if (this.isStopped()) await this.source.close();
    } catch (error) {
      this.sourceError = FlowError.from(error);
    }
    this.isSourceEnded = true;
    this.wake();
  }

  private start(docs: DocumentArray): void {
    const slot: Slot = { outcome: undefined, giveBack: () => undefined };
    const isRead = new Promise<void>((resolve) => {
      slot.giveBack = resolve;
    });
    this.unread++;
    if (this.options.isOrdered) this.slots.push(slot);
    // The queue owns the task, which never rejects; stop() waits for the queue.
    void this.queue.add(async () => {
      slot.outcome = await this.send(docs);
      if (this.isStopped()) return;
      if (!this.options.isOrdered) this.slots.push(slot);
      this.wake();
      await isRead;
    });
  }

  private isStopped(): boolean {
    return this.signal.aborted;
  }

  private async send(docs: DocumentArray): Promise<ClientResponse | FlowError> {
    try {
      return await this.options.send(docs);
    } catch (error) {
      return FlowError.from(error);
    }
  }
}
