import { FlowError, isObject, systemClock } from '../../core/index.ts';
import { parseJson } from '../codec.ts';
import { delay } from '../deadline.ts';
import type { Socket, SocketEnd, SocketOptions } from './socket.ts';
import { openSocket } from './socket-node.ts';
import { closeError } from './status.ts';

export type Message = Record<string, unknown>;

/** Who waits for the messages to one request. */
export interface Receiver {
  readonly onMessage: (message: Message) => void;
  readonly onFail: (error: FlowError) => void;
}

/** More than this is not handed to a connection whose other side does not read. */
const maxBufferedBytes = 2 ** 20;
/** Browsers tell no event when it has left. */
const bufferPollMs = 5;

/** One connection that carries many requests; messages are told apart by the id of their request. */
export class RequestSocket {
  private readonly url: URL;
  private readonly socket: Socket;
  private readonly opened: Promise<void>;
  private readonly receivers = new Map<string, Receiver & { readonly length: number }>();
  private isOpen = false;
  private end: SocketEnd | undefined;

  /** @param onEnd called when no further request may be sent on it */
  constructor(options: Pick<SocketOptions, 'url' | 'headers'>, onEnd: () => void) {
    this.url = options.url;
    let settle: () => void = () => undefined;
    this.opened = new Promise((resolve) => {
      settle = resolve;
    });
    this.socket = openSocket({
      ...options,
      onOpen: () => {
        this.isOpen = true;
        settle();
      },
      onMessage: (text) => this.receive(text),
      onEnd: (end) => {
        this.end ??= end;
        onEnd();
        settle();
        this.failAll();
      },
    });
  }

  /**
   * Sends a request; waits before that while the other side does not read. Its messages go to `receiver` from then on,
   * until `forget`. Whether it was sent is told: what was not needs no cancelling.
   *
   * @throws the signal's reason, or why the connection ended
   */
  async send(requestId: string, text: string, receiver: Receiver, signal: AbortSignal): Promise<void> {
    this.receivers.set(requestId, { ...receiver, length: text.length });
    this.socket.setHolding(true);
    await this.opened;
    while (this.end === undefined && this.socket.bufferedAmount > maxBufferedBytes) {
      await delay(bufferPollMs, signal, systemClock);
    }
    if (this.end !== undefined) throw this.failureOf(requestId);
    if (this.receivers.has(requestId)) this.socket.send(text);
  }

  /** Nobody waits for messages to this request any more. @param isAnswered else the gateway is told to stop */
  forget(requestId: string, isAnswered: boolean): void {
    this.receivers.delete(requestId);
    if (this.receivers.size === 0) this.socket.setHolding(false);
    if (!isAnswered && this.isOpen && this.end === undefined) this.socket.send(JSON.stringify({ cancel: requestId }));
  }

  setReading(isReading: boolean): void {
    if (this.isOpen && this.end === undefined) this.socket.setReading(isReading);
  }

  close(): void {
    this.socket.close();
  }

  private receive(text: string): void {
    const message = parseJson(text);
    const header = isObject(message) ? message['header'] : undefined;
    const requestId = isObject(header) ? header['request_id'] : undefined;
    if (!isObject(message) || typeof requestId !== 'string') {
      const came = JSON.stringify(text.slice(0, 200));
      const error = new FlowError('protocol_error', `expected a JSON answer with header.request_id, got ${came}`);
      for (const { onFail } of this.receivers.values()) onFail(error);
      this.close();
      return;
    }
    // Nobody waits for what comes to a request that was given up.
    this.receivers.get(requestId)?.onMessage(message);
  }

  private failAll(): void {
    const failures = [...this.receivers].map(([id, { onFail }]) => [onFail, this.failureOf(id)] as const);
    for (const [onFail, error] of failures) onFail(error);
  }

  private failureOf(requestId: string): FlowError {
    const lengths = [...this.receivers.values()].map(({ length }) => length);
    const isLargest = this.receivers.get(requestId)?.length === Math.max(...lengths);
    return closeError(this.end ?? { code: 1006, reason: '' }, this.url, this.isOpen, isLargest);
  }
}
