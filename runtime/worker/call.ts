import { type DocumentArray, FlowError, type JsonObject, monotonicMs } from '../../core/index.ts';
import type { Call, ExecutorLogger, RequestInfo } from '../../executors/sdk/index.ts';
import type { ToWorker } from '../wire/index.ts';

type RunMessage = Extract<ToWorker, { type: 'run' }>;

/** One call of an endpoint, from the moment its frame is read until its result is sent. */
export class HostCall implements Call {
  readonly endpoint: string;
  readonly parameters: JsonObject;
  readonly requests: readonly RequestInfo[];
  readonly deadline: number;
  readonly branches: ReadonlyMap<string, DocumentArray> | undefined;
  readonly logger: ExecutorLogger;
  readonly phases: (readonly [name: string, start: number, end: number])[] = [];
  /** Requests that the executor failed one by one, by id. */
  readonly failures = new Map<string, FlowError>();
  /** Tokens that the executor counted, by request id. */
  readonly tokens = new Map<string, number>();
  cost: number | undefined;
  calls: number | undefined;
  private aborter: AbortController | undefined;
  private isAborted = false;

  constructor(message: RunMessage, branches: ReadonlyMap<string, DocumentArray> | undefined, logger: ExecutorLogger) {
    this.endpoint = message.endpoint;
    this.parameters = message.parameters;
    this.deadline = message.deadline ?? Infinity;
    this.branches = branches;
    this.logger = logger;
    this.requests = message.requests.map((part) => ({
      requestId: part.requestId,
      rows: [part.first, part.end],
      parameters: part.parameters === undefined ? message.parameters : { ...message.parameters, ...part.parameters },
      ...(part.trace === undefined ? {} : { trace: part.trace }),
    }));
  }

  /** Made on first use: most endpoints never look. */
  get signal(): AbortSignal {
    this.aborter ??= new AbortController();
    if (this.isAborted) this.abort();
    return this.aborter.signal;
  }

  get wasCancelled(): boolean {
    return this.isAborted;
  }

  abort(): void {
    this.isAborted = true;
    this.aborter?.abort(new FlowError('cancelled', 'nobody waits for this call any more'));
  }

  fail(request: RequestInfo, error: FlowError): void {
    this.failures.set(request.requestId, error);
  }

  phase<T>(name: string, work: () => T): T {
    const start = monotonicMs();
    const done = (): void => {
      this.phases.push([name, start, monotonicMs()]);
    };
    let result: T;
    try {
      result = work();
    } catch (error) {
      done();
      throw error;
    }
    if (result instanceof Promise) return result.finally(done) as T;
    done();
    return result;
  }

  reportCost(cost: number, calls: number): void {
    this.cost = (this.cost ?? 0) + cost;
    this.calls = (this.calls ?? 0) + calls;
  }

  countTokens({ requestId }: RequestInfo, tokens: number): void {
    this.tokens.set(requestId, (this.tokens.get(requestId) ?? 0) + tokens);
  }

  /** The same call for one of its requests alone; what was counted for it before does not count. */
  only(request: RequestInfo): Call {
    this.tokens.delete(request.requestId);
    const abortSignal = (): AbortSignal => this.signal;
    return {
      endpoint: this.endpoint,
      parameters: this.parameters,
      requests: [{ ...request, rows: [0, request.rows[1] - request.rows[0]] }],
      get signal() {
        return abortSignal();
      },
      deadline: this.deadline,
      branches: undefined,
      logger: this.logger,
      fail: (failed, error) => {
        this.fail(failed, error);
      },
      phase: (name, work) => this.phase(name, work),
      reportCost: (cost, calls) => {
        this.reportCost(cost, calls);
      },
      countTokens: (counted, tokens) => {
        this.countTokens(counted, tokens);
      },
    };
  }
}
