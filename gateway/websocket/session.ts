import type { RawData, WebSocket } from 'ws';
import { type Clock, DocumentArray, FlowError, type FlowResponse, newId } from '../../core/index.ts';
import type { Carrier, Logger } from '../../observability/index.ts';
import type { EndpointDirectory } from '../endpoints.ts';
import { type Call, Exchange, type RequestHandler } from '../handle.ts';
import type { GatewayPlan } from '../paths.ts';
import { type Format, type Frame, type Incoming, type Outgoing, readFrame, type Received } from './codec.ts';
import { closeCode, type CloseCode, closeCodes, closeReason, endsConnection } from './status.ts';

export interface SessionParts {
  readonly plan: GatewayPlan;
  readonly handler: RequestHandler;
  readonly endpoints: EndpointDirectory;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
}

/** A connection as its handshake left it. */
export interface Connection {
  readonly socket: WebSocket;
  readonly format: Format;
  /** Headers of the handshake. */
  readonly carrier: Carrier;
}

/** While a reader lags behind by more, no further request of it is taken. */
const maxUnsentBytes = 2 ** 20;

/** One connection that carries requests: each frame is one, answers go out as they are ready. */
export class Session {
  readonly #parts: SessionParts;
  readonly #connection: Connection;
  readonly #socket: WebSocket;
  /** Accepted and not answered yet, with the caller's ids; an answer has left when the system has taken its bytes. */
  readonly #open = new Map<Exchange, string | undefined>();
  /**
   * Frames that came while no request was taken. A pause stops reading, but what the last piece of the stream held
   * still comes: there are never more here than that.
   */
  #waiting: (Frame & { readonly arrivalMs: number })[] = [];
  #sentCount = 0;
  /** Nothing that comes now is read. */
  #isInputOver = false;
  /** How the connection is closed when all that was accepted is answered. */
  #ending: { readonly code: CloseCode; readonly reason: string } | undefined;

  constructor(parts: SessionParts, connection: Connection) {
    this.#parts = parts;
    this.#connection = connection;
    const { socket } = connection;
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      this.#waiting.push({ bytes: bufferOf(data), isBinary, arrivalMs: parts.clock.now() });
      this.#pump();
    });
    socket.on('error', (error) => this.#break(error));
    socket.once('close', () => this.#abandon('the caller closed the connection before its answer'));
  }

  /** Messages whose bytes have left. */
  get sentCount(): number {
    return this.#sentCount;
  }

  /** Closes after the last answer; requests that come before that are refused. */
  drain(): void {
    this.#ending ??= { code: closeCodes.goingAway, reason: 'the service is shutting down' };
    this.#settle();
  }

  /** Takes what waits as far as there is room; reads on when nothing waits any more. */
  #pump(): void {
    while (this.#hasRoom()) {
      const frame = this.#waiting.shift();
      if (frame === undefined) break;
      if (!this.#isInputOver) this.#read(frame, frame.arrivalMs);
    }
    if (this.#waiting.length > 0) this.#socket.pause();
    else if (this.#socket.isPaused) this.#socket.resume();
    this.#settle();
  }

  #hasRoom(): boolean {
    return this.#open.size < this.#parts.plan.prefetch && this.#socket.bufferedAmount < maxUnsentBytes;
  }

  #settle(): void {
    if (this.#ending === undefined || this.#open.size > 0 || this.#waiting.length > 0) return;
    this.#close(this.#ending.code, this.#ending.reason);
  }

  #read(frame: Frame, startMs: number): void {
    const { format, carrier } = this.#connection;
    let received: Received;
    try {
      received = readFrame(frame, format, carrier);
    } catch (error) {
      const fault = FlowError.from(error);
      this.#count(fault, startMs);
      this.#fail(fault);
      return;
    }
    switch (received.type) {
      case 'end':
        this.#isInputOver = true;
        this.#ending ??= { code: closeCodes.normal, reason: '' };
        break;
      case 'cancel':
        this.#cancel(received.requestId);
        break;
      case 'request':
        void this.#serve(received.request, frame.bytes.length, startMs);
    }
  }

  /** One request from its frame to its answer; never rejects. */
  async #serve(request: Incoming, bytes: number, startMs: number): Promise<void> {
    const exchange = this.#accept(startMs);
    if (exchange instanceof FlowError) {
      await this.#refuse(request, exchange, newId());
      return;
    }
    this.#open.set(exchange, request.requestId);
    let failure: FlowError | undefined;
    try {
      exchange.hold(bytes);
      const call = request.call();
      const isStreaming = this.#parts.endpoints.all.get(call.endpoint)?.isStreaming === true;
      if (request.part !== undefined && isStreaming) {
        failure = await this.#stream(request, request.part, exchange, call);
      } else failure = await this.#answer(request, exchange, call);
    } catch (error) {
      failure = FlowError.from(error);
      await this.#refuse(request, failure, exchange.requestId);
    }
    if (failure?.code === 'internal') {
      this.#parts.logger?.error({ error: failure, request_id: exchange.requestId }, 'a request failed');
    }
    this.#open.delete(exchange);
    exchange.finish(failure);
    this.#pump();
  }

  #accept(startMs: number): Exchange | FlowError {
    try {
      return this.#parts.handler.accept({ protocol: 'websocket', startMs });
    } catch (error) {
      return FlowError.from(error);
    }
  }

  /** A message that is no request counts as one that failed. */
  #count(fault: FlowError, startMs: number): void {
    const exchange = this.#accept(startMs);
    if (exchange instanceof Exchange) exchange.finish(fault);
  }

  /** The bytes that came are no WebSocket, or the connection broke; the library closes it with the code for that. */
  #break(error: Error & { readonly code?: string }): void {
    if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
      const { maxBodyBytes } = this.#parts.plan;
      const fault = new FlowError('request_too_large', `expected messages of at most ${maxBodyBytes} bytes, got more`);
      this.#count(fault, this.#parts.clock.now());
    }
    this.#parts.logger?.debug({ error }, 'a WebSocket connection failed');
    this.#abandon('the connection broke before the answer');
  }

  async #answer(request: Incoming, exchange: Exchange, call: Call): Promise<FlowError | undefined> {
    const { clock } = this.#parts;
    const response = await exchange.run(call, [exchange.arrival.startMs, clock.now()]);
    const { error } = response;
    if (error !== undefined) {
      const { isNamed } = request;
      if (endsConnection(error, { isNamed, hasOwnLimit: call.timeoutMs !== undefined })) {
        this.#fail(error);
        return error;
      }
    }
    return this.#sendAnswer(request, exchange, response);
  }

  /** Each document as it is made, then an answer without any; the next document is made when the one before has left. */
  async #stream(
    request: Incoming,
    part: NonNullable<Incoming['part']>,
    exchange: Exchange,
    call: Call,
  ): Promise<FlowError | undefined> {
    const { clock } = this.#parts;
    const { requestId } = exchange;
    const { endpoint, parameters } = call;
    const response = { requestId, endpoint, parameters, docs: new DocumentArray(), routes: [] };
    try {
      for await (const docs of exchange.stream(call, [exchange.arrival.startMs, clock.now()])) {
        for (const doc of docs) await this.#send(part(doc, requestId));
      }
    } catch (error) {
      return this.#sendAnswer(request, exchange, { ...response, error: FlowError.from(error) });
    }
    return this.#sendAnswer(request, exchange, response);
  }

  /** Fulfils with why the request failed, if it did. */
  async #sendAnswer(request: Incoming, exchange: Exchange, response: FlowResponse): Promise<FlowError | undefined> {
    const { clock } = this.#parts;
    if (!this.#isOpen()) return response.error ?? goneError();
    const encodeMs = clock.now();
    const answer = request.answer(response, { startMs: exchange.arrival.startMs, endMs: encodeMs });
    exchange.phase('encode', encodeMs, clock.now());
    const hasLeft = await this.#send(answer);
    return response.error ?? (hasLeft ? undefined : goneError());
  }

  /** Answers a request that never reached the flow. */
  async #refuse(request: Incoming, error: FlowError, freshId: string): Promise<void> {
    const { isNamed, requestId } = request;
    const isUnreadable = error.code === 'invalid_argument' && requestId === undefined;
    if (isUnreadable || endsConnection(error, { isNamed, hasOwnLimit: false })) this.#fail(error);
    else await this.#send(request.failure(error, freshId));
  }

  /** Fulfils when the bytes have left, with whether they did. */
  #send(message: Outgoing): Promise<boolean> {
    return new Promise((resolve) => {
      this.#socket.send(message, (error) => {
        const hasLeft = !(error instanceof Error);
        if (hasLeft) this.#sentCount += 1;
        resolve(hasLeft);
        this.#pump();
      });
    });
  }

  #cancel(requestId: string): void {
    const error = new FlowError('cancelled', 'the caller cancelled the request before its answer');
    for (const [exchange, id] of this.#open) if (id === requestId) exchange.cancel(error);
  }

  /** A failure that ends the connection. Of a service that stops the other answers still go out before. */
  #fail(error: FlowError): void {
    const ending = { code: closeCode(error), reason: closeReason(error.message) };
    if (error.reason === 'draining') {
      this.#ending = ending;
      this.#settle();
      return;
    }
    this.#close(ending.code, ending.reason);
    this.#abandon('the connection was closed because another of its requests failed');
  }

  #close(code: CloseCode, reason: string): void {
    this.#isInputOver = true;
    this.#waiting = [];
    if (!this.#isOpen()) return;
    this.#socket.close(code, reason);
    // The other side's answer to the close has to be read.
    this.#socket.resume();
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Nobody is there to take what is still open. */
  #abandon(why: string): void {
    this.#isInputOver = true;
    this.#waiting = [];
    for (const exchange of this.#open.keys()) exchange.cancel(new FlowError('cancelled', why));
  }
}

function goneError(): FlowError {
  return new FlowError('cancelled', 'the caller closed the connection before its answer');
}

function bufferOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
