import {
  Document,
  DocumentArray,
  type ExceptionInfo,
  FlowError,
  type FlowRequest,
  type FlowResponse,
  type JsonObject,
  monotonicMs,
  type Route,
} from '../../../core/index.ts';
import type { Plan } from '../../../flows/index.ts';
import type {
  EndpointManifest,
  Runtime,
  RuntimeStatus,
  StreamSubmission,
  Submission,
  WorkerState,
  WorkerStatus,
} from '../../../runtime/index.ts';

import { parametersOf } from '../../../runtime/node-parameters.ts';

export interface WorkCall {
  readonly parameters: JsonObject;
  readonly request: FlowRequest;
  /** Aborts when the request is cancelled; its reason is the FlowError. */
  readonly signal: AbortSignal;
}

type Work = (docs: DocumentArray, call: WorkCall) => DocumentArray | undefined | Promise<DocumentArray | undefined>;
type StreamWork = (docs: DocumentArray, call: WorkCall) => AsyncGenerator<Document, void>;

/** An executor that lives in the test's own process. */
export interface InProcessExecutor {
  readonly name: string;
  readonly className: string;
  readonly endpoints: Readonly<Record<string, Work>>;
  readonly streams?: Readonly<Record<string, StreamWork>>;
}

/** A whole runtime in one process: executors one after another, by the same rules as the one with workers. */
export class InProcessRuntime implements Runtime {
  readonly plan: Plan;
  readonly executors: readonly InProcessExecutor[];
  /** Every request that was handed in, in order. */
  readonly requests: FlowRequest[] = [];
  readonly cancelled: FlowError[] = [];
  statusCalls = 0;
  #state: WorkerState = 'ready';
  #failure: FlowError | undefined;
  readonly #listeners = new Set<(worker: WorkerStatus) => void>();

  constructor(plan: Plan, executors: readonly InProcessExecutor[]) {
    this.plan = plan;
    this.executors = executors;
  }

  /** Puts the worker of every executor into a state; before the first `ready` they bind nothing yet. */
  become(state: WorkerState, failure?: FlowError): void {
    this.#state = state;
    this.#failure = failure;
    for (const executor of this.executors) {
      for (const listener of this.#listeners) listener(this.#worker(executor));
    }
  }

  start(): Promise<void> {
    this.become('ready');
    return Promise.resolve();
  }

  submit(request: FlowRequest): Submission {
    this.requests.push(request);
    const abort = new AbortController();
    return {
      response: this.#run(request, abort.signal),
      cancel: (error) => {
        this.cancelled.push(error);
        abort.abort(error);
      },
    };
  }

  stream(request: FlowRequest): StreamSubmission {
    this.requests.push(request);
    const abort = new AbortController();
    const work = this.executors.map(({ streams }) => streams?.[request.endpoint]).find((found) => found !== undefined);
    const { parameters } = request;
    return {
      documents: pull(work?.(request.docs, { parameters, request, signal: abort.signal }), abort.signal),
      cancel: (error) => {
        this.cancelled.push(error);
        abort.abort(error);
      },
    };
  }

  onStatus(listener: (worker: WorkerStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  status(): RuntimeStatus {
    this.statusCalls++;
    const isReady = this.#state === 'ready' || this.#state === 'busy';
    const isLoaded = isReady || this.#state === 'failed';
    return {
      isReady,
      isDraining: false,
      executors: this.executors.map((executor) => ({
        name: executor.name,
        className: isLoaded ? executor.className : undefined,
        isReady,
        queuedRequests: 0,
        workers: [this.#worker(executor)],
        endpoints: isLoaded ? manifests(executor) : [],
      })),
    };
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  #worker({ name }: InProcessExecutor): WorkerStatus {
    return {
      executor: name,
      replica: 0,
      generation: 1,
      state: this.#state,
      pid: process.pid,
      restarts: 0,
      device: 'cpu',
      ...(this.#state === 'loading' ? { message: 'reading weights', fraction: 0.5 } : {}),
      ...(this.#failure === undefined ? {} : { error: this.#failure }),
    };
  }

  async #run(request: FlowRequest, signal: AbortSignal): Promise<FlowResponse> {
    const { requestId, endpoint, parameters, targetExecutor = '' } = request;
    const routes: Route[] = [];
    let { docs } = request;
    const answer = (error?: FlowError): FlowResponse => {
      const whole = { requestId, endpoint, parameters, docs, routes };
      return error === undefined ? whole : { ...whole, error };
    };
    const targeted = this.executors.filter(({ name }) => new RegExp(`^(?:${targetExecutor})`).test(name));
    if (targeted.length === 0) return answer(new FlowError('unknown_target', 'target_executor matches no executor'));
    if (endpoint !== '/' && targeted.every((executor) => workOf(executor, endpoint) === undefined)) {
      return answer(new FlowError('unknown_endpoint', `no executor binds the endpoint "${endpoint}"`));
    }
    for (const executor of this.executors) {
      const route: Route = { executor: executor.name, startMs: monotonicMs() };
      routes.push(route);
      if (!targeted.includes(executor)) continue;
      const work = workOf(executor, endpoint);
      if (work === undefined) {
        // Reached, but it has nothing to do.
        route.endMs = monotonicMs();
        continue;
      }
      try {
        const call = { parameters: parametersOf(parameters, executor.name), request, signal };
        docs = (await unlessAborted(work(docs, call), signal)) ?? docs;
      } catch (error) {
        route.error = failureOf(error, executor.className);
        route.endMs = monotonicMs();
        return answer(route.error);
      }
      route.endMs = monotonicMs();
    }
    return answer();
  }
}

function workOf({ endpoints }: InProcessExecutor, endpoint: string): Work | undefined {
  return endpoints[endpoint] ?? endpoints['/default'];
}

async function unlessAborted<T>(work: T | Promise<T>, signal: AbortSignal): Promise<T> {
  if (!(work instanceof Promise)) return work;
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(FlowError.from(signal.reason)), { once: true });
  });
  return Promise.race([work, aborted]);
}

async function* pull(source: AsyncGenerator<Document, void> | undefined, signal: AbortSignal) {
  if (source === undefined) throw new FlowError('streaming_endpoint', 'the endpoint gives one answer');
  try {
    for await (const doc of source) {
      if (signal.aborted) throw FlowError.from(signal.reason);
      yield DocumentArray.fromInputs([doc]);
    }
  } catch (error) {
    throw failureOf(error, 'Streamer');
  }
}

/** As an executor's error arrives from a worker: with the class names of both sides. */
function failureOf(error: unknown, executor: string): FlowError {
  if (error instanceof FlowError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const exception: ExceptionInfo = { name, args: [message], executor };
  return new FlowError('executor_error', message, { exception });
}

function manifests({ endpoints, streams = {} }: InProcessExecutor): EndpointManifest[] {
  const manifest = (name: string, isStreaming: boolean): EndpointManifest => ({
    name,
    method: name.slice(1),
    effect: 'read',
    cost: 'items',
    perRequest: [],
    hasPre: false,
    changesCount: false,
    isStreaming,
  });
  return [
    ...Object.keys(endpoints).map((name) => manifest(name, false)),
    ...Object.keys(streams).map((name) => manifest(name, true)),
  ];
}
