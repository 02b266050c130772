import {
  type Clock,
  Deadlines,
  type DocumentArray,
  type Expiring,
  FlowError,
  type FlowRequest,
  type FlowResponse,
  newId,
  type TraceContext,
} from '../core/index.ts';
import type { Instrument, Phase, RequestRecord } from '../observability/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { dryRunEndpoint, type EndpointDirectory } from './endpoints.ts';
import { readiness } from './probes.ts';

/** A request as a codec understood it. */
export interface Call {
  readonly endpoint: string;
  readonly targetExecutor: string | undefined;
  readonly parameters: FlowRequest['parameters'];
  readonly docs: DocumentArray;
  /** How long the caller waits, ms from its arrival; undefined: the gateway's default. */
  readonly timeoutMs: number | undefined;
  readonly priority: number;
  readonly trace: TraceContext | undefined;
}

/** Where a request came from. */
export interface Arrival {
  readonly protocol: string;
  readonly method?: string;
  /** Monotonic ms of its first byte. */
  readonly startMs: number;
}

export interface HandlerParts {
  readonly runtime: Runtime;
  readonly instrument: Instrument;
  readonly endpoints: EndpointDirectory;
  readonly clock: Clock;
}

/** Bodies held in memory at once, as a multiple of the largest body that is allowed. */
const heldBodies = 8;

/** What every protocol does with a request: admits it, gives it a deadline and a record, hands it to the runtime. */
export class RequestHandler {
  readonly #parts: HandlerParts;
  readonly #maxHeldBytes: number;
  readonly #open = new Set<Exchange>();
  readonly #account: Account;
  readonly #openByProtocol = new Map<string, number>();
  #heldBytes = 0;
  #isDraining = false;
  #onIdle: (() => void) | undefined;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#maxHeldBytes = heldBodies * parts.runtime.plan.gateway.maxBodyBytes;
    this.#account = {
      deadlines: new Deadlines(parts.clock),
      hold: (bytes) => this.#hold(bytes),
      leave: (exchange, bytes) => this.#leave(exchange, bytes),
    };
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Takes a request in before its body is read; the caller must finish it, whatever happens.
   *
   * @throws `draining` when the gateway stops, `not_ready` until every executor was loaded once.
   */
  accept(arrival: Arrival): Exchange {
    if (this.#isDraining) throw new FlowError('draining', 'the service is shutting down; send the request again');
    if (!this.#parts.endpoints.isComplete) throw startingError();
    const exchange = new Exchange(this.#parts, arrival, this.#account);
    this.#open.add(exchange);
    this.#countOpen(arrival.protocol, 1);
    return exchange;
  }

  /**
   * Takes no new request; fulfils when all accepted ones are answered.
   *
   * @param timeoutMs what is still open then is cancelled and gets `draining` as its answer
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    if (this.#open.size > 0) await this.#becomeIdle(timeoutMs);
    this.#account.deadlines.close();
  }

  async #becomeIdle(timeoutMs: number): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    const stop = this.#parts.clock.after(timeoutMs, () => {
      const error = new FlowError('draining', `the service stopped before the answer was ready (${timeoutMs} ms)`);
      for (const exchange of this.#open) exchange.cancel(error);
      // Whoever does not take the answer now is cut off.
      this.#parts.clock.after(1000, () => this.#onIdle?.());
    });
    await idle;
    stop();
  }

  #hold(bytes: number): void {
    if (this.#heldBytes + bytes > this.#maxHeldBytes) {
      throw new FlowError(
        'queue_full',
        `the bodies of all open requests may have ${this.#maxHeldBytes} bytes, ${this.#heldBytes} are held`,
      );
    }
    this.#heldBytes += bytes;
  }

  #leave(exchange: Exchange, bytes: number): void {
    this.#heldBytes -= bytes;
    this.#open.delete(exchange);
    this.#countOpen(exchange.arrival.protocol, -1);
    if (this.#open.size === 0) this.#onIdle?.();
  }

  #countOpen(protocol: string, change: 1 | -1): void {
    const count = (this.#openByProtocol.get(protocol) ?? 0) + change;
    this.#openByProtocol.set(protocol, count);
    this.#parts.instrument.gauge('sluice_inflight_requests', { protocol }, count);
  }
}

/** Until every executor was loaded once nobody knows which endpoints there are. */
export function startingError(): FlowError {
  return new FlowError('not_ready', 'the flow is still starting; /health/ready tells how far it is');
}

/** What the requests of a handler share. */
interface Account {
  readonly deadlines: Deadlines;
  hold(bytes: number): void;
  leave(exchange: Exchange, bytes: number): void;
}

/** One request on its way through the gateway: accepted, running, finished. */
export class Exchange implements Expiring {
  readonly requestId = newId();
  readonly arrival: Arrival;
  readonly #parts: HandlerParts;
  readonly #account: Account;
  #record: RequestRecord | undefined;
  #heldBytes = 0;
  /** Monotonic ms; known when the body was read. */
  deadline = Infinity;
  #submission: { cancel(error: FlowError): void } | undefined;
  #cancelled: FlowError | undefined;
  #isFinished = false;

  constructor(parts: HandlerParts, arrival: Arrival, account: Account) {
    this.#parts = parts;
    this.arrival = arrival;
    this.#account = account;
  }

  /** Counts bytes of the body. @throws `queue_full` when all open requests together hold too many. */
  hold(bytes: number): void {
    this.#account.hold(bytes);
    this.#heldBytes += bytes;
  }

  /** Hands the request to the runtime. Always fulfils: failures are in `error`. */
  async run(call: Call, decode: readonly [startMs: number, endMs: number]): Promise<FlowResponse> {
    const request = this.#admit(call, decode);
    if (call.endpoint === dryRunEndpoint) return this.#dryRun(request);
    try {
      const submission = this.#parts.runtime.submit(request, this.#open(call.endpoint, call.trace));
      this.#watch(submission);
      return await submission.response;
    } catch (error) {
      return { ...request, routes: [], error: FlowError.from(error) };
    } finally {
      this.#account.deadlines.remove(this);
    }
  }

  /** Whether every executor would take a request; none is run. */
  #dryRun(request: FlowRequest): FlowResponse {
    const { clock, endpoints } = this.#parts;
    const status = endpoints.status();
    const startMs = clock.now();
    const routes = status.executors.map(({ name }) => ({ executor: name, startMs, endMs: clock.now() }));
    const { isReady, reasons } = readiness(status, false);
    if (isReady) return { ...request, routes };
    return { ...request, routes, error: new FlowError('executor_unavailable', reasons.join('; ')) };
  }

  /** Hands the request to a streaming endpoint; iterating throws the FlowError of a failure. */
  async *stream(call: Call, decode: readonly [startMs: number, endMs: number]): AsyncGenerator<DocumentArray, void> {
    const request = this.#admit(call, decode);
    try {
      const submission = this.#parts.runtime.stream(request, this.#open(call.endpoint, call.trace));
      this.#watch(submission);
      yield* submission.documents;
    } catch (error) {
      // A cancelled stream may end in any way: why it was cancelled is what the caller should read.
      throw this.#cancelled ?? FlowError.from(error);
    } finally {
      this.#account.deadlines.remove(this);
    }
    if (this.#cancelled !== undefined) throw this.#cancelled;
  }

  /** Nobody waits any more, or the time is up. */
  cancel(error: FlowError): void {
    if (this.#isFinished || this.#cancelled !== undefined) return;
    this.#cancelled = error;
    this.#submission?.cancel(error);
  }

  /** The deadline has passed. */
  expire(): void {
    const timeoutMs = Math.round(this.deadline - this.arrival.startMs);
    this.cancel(new FlowError('deadline_exceeded', `no answer within ${timeoutMs} ms`));
  }

  /** A phase that the gateway did itself. */
  phase(phase: Phase, startMs: number, endMs: number): void {
    if (this.#record !== undefined) this.#parts.instrument.phase(this.#record, phase, 'gateway', startMs, endMs);
  }

  /** The answer is out, or nobody is there to take it. Later calls do nothing. */
  finish(error?: FlowError): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const record = this.#open('other', undefined);
    const endpointLabel = this.#parts.endpoints.label(record.endpoint);
    const endMs = this.#parts.clock.now();
    this.#parts.instrument.finish(
      record,
      error === undefined ? { endMs, endpointLabel } : { endMs, error, endpointLabel },
    );
    this.#account.leave(this, this.#heldBytes);
  }

  #admit(call: Call, decode: readonly [startMs: number, endMs: number]): FlowRequest {
    const { endpoint, targetExecutor, parameters, docs, priority } = call;
    const record = this.#open(endpoint, call.trace);
    this.phase('decode', ...decode);
    const timeoutMs = call.timeoutMs ?? this.#parts.runtime.plan.gateway.timeoutMs;
    this.deadline = this.arrival.startMs + timeoutMs;
    const request: FlowRequest = {
      requestId: this.requestId,
      endpoint,
      ...(targetExecutor === undefined ? {} : { targetExecutor }),
      parameters,
      docs,
      deadline: this.deadline,
      priority,
      trace: record.context,
    };
    this.phase('admit', decode[1], this.#parts.clock.now());
    return request;
  }

  #open(endpoint: string, incoming: TraceContext | undefined): RequestRecord {
    const { protocol, method, startMs } = this.arrival;
    const { requestId } = this;
    this.#record ??= this.#parts.instrument.begin({ requestId, protocol, method, endpoint, startMs, incoming });
    return this.#record;
  }

  #watch(submission: { cancel(error: FlowError): void }): void {
    this.#submission = submission;
    if (this.#cancelled === undefined) this.#account.deadlines.add(this);
    else submission.cancel(this.#cancelled);
  }
}
