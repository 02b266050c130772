import type { ExecutorStatus, Runtime, RuntimeStatus, WorkerStatus } from '../runtime/index.ts';

/** An endpoint of the flow: what the executors that bind it say together. */
export interface FlowEndpoint {
  readonly name: string;
  readonly executors: readonly string[];
  /** Whether it answers with documents one after another. */
  readonly isStreaming: boolean;
}

/** The endpoint that serves what no other binds; it is reached by name only where a client insists. */
export const defaultEndpoint = '/default';

/** Asks every executor whether it could be reached, and runs none. Jina's gateways call it on those behind them. */
export const dryRunEndpoint = '_jina_dry_run_';

/**
 * The endpoints that the loaded executors bind, followed while workers come and go.
 *
 * Asking the runtime costs; workers that only turn busy and ready again do not lead to it.
 */
export class EndpointDirectory {
  readonly #runtime: Runtime;
  readonly #serving = new Map<string, boolean>();
  readonly #unsubscribe: () => void;
  #endpoints: ReadonlyMap<string, FlowEndpoint> | undefined;
  #isComplete = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#unsubscribe = runtime.onStatus((worker) => this.#follow(worker));
  }

  /** By name, in the order of the flow. The same map until something changed. */
  get all(): ReadonlyMap<string, FlowEndpoint> {
    return this.#endpoints ?? this.#collect();
  }

  /** Whether every executor was loaded once, so that an endpoint that is not there does not exist. */
  get isComplete(): boolean {
    if (!this.#isComplete) this.#collect();
    return this.#isComplete;
  }

  /** The endpoint as a metric label: its name if an executor binds it, `other` if not. */
  label(endpoint: string): string {
    return this.all.has(endpoint) ? endpoint : 'other';
  }

  status(): RuntimeStatus {
    return this.#runtime.status();
  }

  close(): void {
    this.#unsubscribe();
  }

  #collect(): ReadonlyMap<string, FlowEndpoint> {
    const { executors } = this.#runtime.status();
    // What an executor binds is known when one of its workers has loaded it, and stays known.
    this.#isComplete ||= executors.every(({ className }) => className !== undefined);
    this.#endpoints = collect(executors);
    return this.#endpoints;
  }

  #follow(worker: WorkerStatus): void {
    const key = `${worker.executor}/${worker.replica}`;
    const isServing = worker.state === 'ready' || worker.state === 'busy';
    if (this.#serving.get(key) === isServing) return;
    this.#serving.set(key, isServing);
    this.#endpoints = undefined;
  }
}

function collect(executors: readonly ExecutorStatus[]): ReadonlyMap<string, FlowEndpoint> {
  const endpoints = new Map<string, FlowEndpoint>();
  for (const executor of executors) {
    for (const { name, isStreaming } of executor.endpoints) {
      const known = endpoints.get(name);
      endpoints.set(name, {
        name,
        executors: [...(known?.executors ?? []), executor.name],
        isStreaming: isStreaming || known?.isStreaming === true,
      });
    }
  }
  return endpoints;
}
