import { type Document, FlowError, type JsonObject, monotonicMs } from '../../core/index.ts';
import { answerType, requestToBody, responseFromJson, streamType } from '../codec.ts';
import { abortError } from '../deadline.ts';
import { HttpTransport } from '../http/transport.ts';
import type { ClientResponse } from '../response.ts';
import type { CallLimits, ClientRequest, Transport, TransportOptions } from '../transport.ts';
import { type Message, RequestSocket } from './request-socket.ts';

/** Documents that wait for a reader; the connection of a stream is not read while there are more. */
const maxWaitingDocuments = 16;

/**
 * Requests over WebSocket: JSON in text frames, all posts of a client on one connection, a connection for each stream,
 * so that a reader who is slow holds only its own up.
 *
 * It connects with the first request and again with the first after the connection ended. Nothing is sent twice: what
 * was on a connection that broke fails, and `retries` of the post decide.
 */
export class WebSocketTransport implements Transport {
  private readonly options: TransportOptions;
  /** The same port answers probes over HTTP. */
  private readonly http: HttpTransport;
  private readonly sockets = new Set<RequestSocket>();
  private shared: RequestSocket | undefined;

  constructor({ url, headers }: TransportOptions) {
    this.options = { url, headers };
    const twin = new URL(url.href.replace(/^ws/, 'http'));
    this.http = new HttpTransport({ url: twin, headers });
  }

  async send(request: ClientRequest, { signal, deadline }: CallLimits): Promise<ClientResponse> {
    const { requestId } = request;
    if (signal.aborted) throw abortError(signal);
    const text = requestToBody(request, headerOf(request, deadline, answerType));
    const socket = (this.shared ??= this.open());
    let isAnswered = false;
    let abort: () => void = () => undefined;
    try {
      const answer = await new Promise<Message>((resolve, reject: (error: unknown) => void) => {
        abort = () => reject(abortError(signal));
        signal.addEventListener('abort', abort, { once: true });
        socket.send(requestId, text, { onMessage: resolve, onFail: reject }, signal).catch(reject);
      });
      isAnswered = true;
      return responseFromJson(answer, requestId);
    } finally {
      signal.removeEventListener('abort', abort);
      socket.forget(requestId, isAnswered);
    }
  }

  async *stream(request: ClientRequest, { signal, deadline }: CallLimits): AsyncGenerator<Document, void> {
    if (signal.aborted) throw abortError(signal);
    const { requestId } = request;
    const inbox = new Inbox();
    const socket = this.open();
    const abort = (): void => inbox.onFail(abortError(signal));
    signal.addEventListener('abort', abort, { once: true });
    const text = requestToBody(request, headerOf(request, deadline, streamType));
    socket.send(requestId, text, inbox, signal).catch((error: unknown) => inbox.onFail(FlowError.from(error)));
    let count = 0;
    try {
      for (;;) {
        const message = await inbox.next((isFull) => socket.setReading(!isFull));
        const { docs, error } = responseFromJson(message, requestId);
        if (error !== undefined) throw error;
        // The last message is an answer, the ones before have no routes.
        if (message['routes'] !== undefined) {
          if (docs.length === 0) return;
          const advice = 'answers once, not with a stream: call it with post';
          throw new FlowError('streaming_endpoint', `${request.endpoint} ${advice}`, { details: { documents: count } });
        }
        count += docs.length;
        yield* docs;
      }
    } finally {
      signal.removeEventListener('abort', abort);
      // Closing it cancels what is not done.
      socket.close();
    }
  }

  status(limits: CallLimits): Promise<JsonObject> {
    return this.http.status(limits);
  }

  isReady(limits: CallLimits): Promise<boolean> {
    return this.http.isReady(limits);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.close();
    await this.http.close();
  }

  private open(): RequestSocket {
    const socket = new RequestSocket(this.options, () => {
      this.sockets.delete(socket);
      if (this.shared === socket) this.shared = undefined;
    });
    this.sockets.add(socket);
    return socket;
  }
}

/** What a request says in its header; a connection is shared, so nothing of it can stand in the handshake. */
function headerOf({ trace, priority }: ClientRequest, deadline: number, accept: string): JsonObject {
  const metadata: JsonObject = { accept };
  for (const [key, value] of Object.entries(trace)) if (typeof value === 'string') metadata[key] = value;
  if (priority !== 0) metadata['x-sluice-priority'] = String(priority);
  if (deadline !== Infinity) metadata['x-sluice-timeout'] = String(Math.max(1, Math.ceil(deadline - monotonicMs())));
  return { metadata };
}

/** Messages of a stream that nobody has read yet. */
class Inbox {
  private readonly messages: Message[] = [];
  private error: FlowError | undefined;
  private wake: () => void = () => undefined;
  private setFull: (isFull: boolean) => void = () => undefined;

  readonly onMessage = (message: Message): void => {
    this.messages.push(message);
    if (this.messages.length > maxWaitingDocuments) this.setFull(true);
    this.wake();
  };

  readonly onFail = (error: FlowError): void => {
    this.error ??= error;
    this.wake();
  };

  /** The next message, in order; a failure of the connection comes after those before it, the reader's own at once. */
  async next(setFull: (isFull: boolean) => void): Promise<Message> {
    this.setFull = setFull;
    for (;;) {
      const message = this.messages.shift();
      if (message !== undefined) {
        if (this.messages.length === maxWaitingDocuments) setFull(false);
        return message;
      }
      if (this.error !== undefined) throw this.error;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
