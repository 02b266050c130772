import type { FlowError, FlowRequest, FlowResponse, DocumentArray } from '../core/index.ts';
import type { Plan } from '../flows/index.ts';
import type { RequestRecord } from '../observability/index.ts';
import type { EndpointManifest } from './wire/index.ts';

/** A request that was handed in. */
export interface Submission {
  /** Always fulfils: failures are in `response.error`. */
  readonly response: Promise<FlowResponse>;
  /** Nobody waits any more: drops what is queued and tells workers; the response then carries `error`. */
  readonly cancel: (error: FlowError) => void;
}

/** A request to a streaming endpoint; documents arrive while the executor makes them. */
export interface StreamSubmission {
  /** Ends by throwing a FlowError when the endpoint fails. Stops reading slow down the executor. */
  readonly documents: AsyncIterable<DocumentArray>;
  readonly cancel: (error: FlowError) => void;
}

export type WorkerState =
  'starting' | 'downloading' | 'loading' | 'warming' | 'ready' | 'busy' | 'draining' | 'stopped' | 'failed';

/** One worker process as people see it. */
export interface WorkerStatus {
  readonly executor: string;
  readonly replica: number;
  /** Of the plan it was started for; grows with each reload. */
  readonly generation: number;
  readonly state: WorkerState;
  readonly pid: number | undefined;
  readonly restarts: number;
  readonly device: string;
  /** What it is doing while it starts, and how far it is (0 to 1). */
  readonly message?: string;
  readonly fraction?: number;
  /** Why it failed, root cause first. */
  readonly error?: FlowError;
}

export interface ExecutorStatus {
  readonly name: string;
  /** Class name; undefined until a worker has loaded it. */
  readonly className: string | undefined;
  readonly isReady: boolean;
  readonly queuedRequests: number;
  readonly workers: readonly WorkerStatus[];
  readonly endpoints: readonly EndpointManifest[];
}

export interface RuntimeStatus {
  readonly isReady: boolean;
  readonly isDraining: boolean;
  readonly executors: readonly ExecutorStatus[];
}

/** The flow, running. The gateway knows nothing else of it. */
export interface Runtime {
  readonly plan: Plan;
  /** Starts all workers; fulfils when every executor is ready, rejects with the root cause when one cannot start. */
  start(): Promise<void>;
  submit(request: FlowRequest, record: RequestRecord): Submission;
  stream(request: FlowRequest, record: RequestRecord): StreamSubmission;
  /** Called at every change of a worker; the result stops it. */
  onStatus(listener: (worker: WorkerStatus) => void): () => void;
  status(): RuntimeStatus;
  /** No new request; waits up to `timeoutMs` for those in flight, then ends every worker. */
  stop(timeoutMs: number): Promise<void>;
}
