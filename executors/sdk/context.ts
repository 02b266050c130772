import type { DocumentArray, FlowError, JsonObject, TraceContext } from '../../core/index.ts';

/** Structured logger; fields first, then the message. Lines carry the executor, the replica and the trace id. */
export interface ExecutorLogger {
  debug(fields: JsonObject, message: string): void;
  info(fields: JsonObject, message: string): void;
  warn(fields: JsonObject, message: string): void;
  error(fields: JsonObject, message: string): void;
}

/** How far the start of a worker is; shown to people while they wait. */
export interface LoadProgress {
  readonly state: 'downloading' | 'loading' | 'warming';
  readonly message: string;
  /** 0 to 1 where it is known. */
  readonly fraction?: number;
}

/** What an executor knows about the place it runs in. */
export interface ExecutorContext {
  /** Name of the executor in the flow. */
  readonly name: string;
  /** 0-based number of this replica, and how many there are. */
  readonly replica: number;
  readonly replicas: number;
  /** 0-based number of this shard, and how many there are. */
  readonly shard: number;
  readonly shards: number;
  /** Device the executor should use; `cpu` by default. */
  readonly device: string;
  /** Threads that the worker should use for computing: the machine's cores shared among the replicas, at least 1. */
  readonly threads: number;
  /** `metas` of the executor's YAML and `uses_metas`. */
  readonly metas: JsonObject;
  /** Environment of the worker: the parent's and the flow file's `env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: ExecutorLogger;
  /** A folder of this executor alone, made on first use; locked for executors with `state: exclusive`. */
  workspace(): string;
  /** Tells people how far loading is; each call also counts as a sign of life. */
  progress(progress: LoadProgress): void;
  /** Adds to the counter `sluice_executor_count_total{name}`. `name` must come from a small fixed set. */
  count(name: string, amount?: number): void;
}

/** One request among those of a batch. */
export interface RequestInfo {
  readonly requestId: string;
  /** Rows of the batch that belong to it: `[first, end)`. */
  readonly rows: readonly [first: number, end: number];
  /** All parameters that this executor sees, the ones declared per request included. */
  readonly parameters: JsonObject;
  readonly trace?: TraceContext;
}

/** What an endpoint's method is told beside its documents. */
export interface Call {
  readonly endpoint: string;
  /** Parameters that all requests of the batch share. */
  readonly parameters: JsonObject;
  /** The requests of the batch, in row order; one unless the endpoint batches. */
  readonly requests: readonly RequestInfo[];
  /** Aborts when nobody waits for any row of the call any more. */
  readonly signal: AbortSignal;
  /** Monotonic ms by which the first answer is due; Infinity if never. */
  readonly deadline: number;
  /** At a join: the documents of each incoming branch, by the name of its last executor. */
  readonly branches: ReadonlyMap<string, DocumentArray> | undefined;
  readonly logger: ExecutorLogger;
  /**
   * Answers one request of the batch with an error while the others go on. Its rows stay where they are, in the
   * documents and in the result, and are not sent. Throwing fails every request of the batch instead.
   */
  fail(request: RequestInfo, error: FlowError): void;
  /** Times a part of the call; it becomes a child span of the run, such as `model`. Names from a small fixed set. */
  phase<T>(name: string, work: () => T): T;
  /** Tells the parent the exact cost that was computed (tokens), and how many model calls it took. */
  reportCost(cost: number, calls: number): void;
  /**
   * Counts tokens of input that the model read for one request, padding not included; several counts add up. Callers
   * are told as usage, whatever executors counted for them together.
   */
  countTokens(request: RequestInfo, tokens: number): void;
}
