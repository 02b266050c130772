import type { ExceptionInfo, JsonObject, Reason, TraceContext } from '../../core/index.ts';

/** Versions of the worker protocol this build speaks, both ends included. Described in proto/worker-protocol.md. */
export const protocolVersions: VersionRange = { min: 1, max: 1 };

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** Where the class is; the same as a plan's ExecutorSource. */
export type SourceData =
  | { readonly kind: 'module'; readonly path: string }
  | { readonly kind: 'builtin'; readonly name: string }
  | { readonly kind: 'package'; readonly specifier: string; readonly resolveFrom: string };

export interface BatchingData {
  readonly preferredBatchSize: number;
  readonly timeoutMs: number;
  readonly flushAll: boolean;
}

/** What a worker has to load. */
export interface ExecutorData {
  readonly name: string;
  readonly source: SourceData;
  readonly className?: string;
  readonly with: JsonObject;
  readonly metas: JsonObject;
  readonly requests: Readonly<Record<string, string>>;
  readonly dynamicBatching: Readonly<Record<string, Partial<BatchingData> & { readonly useDynamicBatching?: boolean }>>;
  readonly concurrency?: number;
  readonly replica: number;
  readonly replicas: number;
  readonly shard: number;
  readonly shards: number;
  readonly device: string;
  readonly threads: number;
  readonly workspace: string;
}

/** One endpoint of a loaded executor. */
export interface EndpointManifest {
  readonly name: string;
  readonly method: string;
  readonly effect: 'read' | 'upsert' | 'write';
  readonly cost: 'items' | 'characters' | 'bytes' | 'tensor' | 'tokens';
  readonly perRequest: readonly string[];
  readonly hasPre: boolean;
  /** Whether it may return another number of documents than it was given. */
  readonly changesCount: boolean;
  /** Whether it yields documents one after another. */
  readonly isStreaming: boolean;
  readonly dynamicBatching?: BatchingData;
}

/** What a loaded executor offers. */
export interface Manifest {
  readonly className: string;
  readonly state: 'none' | 'exclusive';
  readonly concurrency: number;
  readonly endpoints: readonly EndpointManifest[];
}

export interface CalibrationData {
  readonly callCost: number;
  /** null stands for no limit. */
  readonly maxCallCost: number | null;
}

/** An error as plain data. Stacks are logged where they happen and never sent. */
export interface ErrorData {
  readonly reason: Reason;
  readonly message: string;
  readonly details: JsonObject;
  readonly exception?: ExceptionInfo;
}

/** Documents flattened to a list, numbers and bytes in columns of the payload; see documents.ts. */
export interface DocumentsData {
  readonly docs: readonly JsonObject[];
  readonly columns: readonly ColumnData[];
}

/** Where a field's bytes lie in the payload: rows one after another. */
export interface ColumnData {
  readonly field: 'embedding' | 'tensor' | 'blob';
  /** Indices into the flattened documents; missing: all of them. */
  readonly rows?: readonly number[];
  readonly offset: number;
  /** For tensors: one dtype and one shape for all rows. */
  readonly dtype?: string;
  readonly shape?: readonly number[];
  /** For blobs: bytes of each row. */
  readonly lengths?: readonly number[];
}

/** One request's part of a batch: rows `[first, end)`. */
export interface RequestPart {
  readonly requestId: string;
  readonly first: number;
  readonly end: number;
  /** Values of the endpoint's `perRequest` parameters. */
  readonly parameters?: JsonObject;
  readonly trace?: TraceContext;
}

/** Monotonic ms of what the child did with a batch, and what it counted. */
export interface RunTimings {
  readonly receivedMs: number;
  readonly preMs?: readonly [start: number, end: number];
  readonly runMs: readonly [start: number, end: number];
  readonly postMs?: readonly [start: number, end: number];
  /** Parts of the run that the executor timed. */
  readonly phases: readonly (readonly [name: string, start: number, end: number])[];
  /** Exact cost and number of model calls, where the executor reports them. */
  readonly cost?: number;
  readonly calls?: number;
}

/** What one request of a batch got; `tokens` are those of its input, where the executor counts them. */
export type Outcome =
  /** The next `rows` documents of the result. */
  | { readonly type: 'documents'; readonly rows: number; readonly tokens?: number }
  /** The documents as they were sent, and values for `__results__`. */
  | { readonly type: 'values'; readonly values: JsonObject; readonly tokens?: number }
  | { readonly type: 'error'; readonly error: ErrorData };

export type MetricDelta = readonly [metric: string, labels: readonly string[], values: readonly number[]];

export type ToWorker =
  | {
      readonly type: 'start';
      readonly protocol: VersionRange;
      readonly mode: 'serve' | 'describe';
      readonly executor: ExecutorData;
    }
  | {
      readonly type: 'run';
      readonly id: number;
      readonly endpoint: string;
      readonly parameters: JsonObject;
      readonly requests: readonly RequestPart[];
      /** Monotonic ms; null for none. */
      readonly deadline: number | null;
      readonly documents: DocumentsData;
      /** At a join without reduce: rows of each branch, by executor name. */
      readonly branches?: readonly (readonly [executor: string, first: number, end: number])[];
    }
  | { readonly type: 'cancel'; readonly id: number }
  /** The parent takes `items` more documents of a stream. */
  | { readonly type: 'credit'; readonly id: number; readonly items: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'drain' };

export type ToParent =
  | { readonly type: 'hello'; readonly protocol: VersionRange; readonly pid: number; readonly manifest: Manifest }
  | {
      readonly type: 'state';
      readonly state: 'downloading' | 'loading' | 'warming' | 'ready';
      readonly message?: string;
      readonly fraction?: number;
      readonly calibration?: CalibrationData;
    }
  | { readonly type: 'failed'; readonly error: ErrorData }
  | {
      readonly type: 'result';
      readonly id: number;
      readonly outcomes: readonly Outcome[];
      readonly documents: DocumentsData;
      readonly timings: RunTimings;
    }
  | { readonly type: 'item'; readonly id: number; readonly documents: DocumentsData }
  | { readonly type: 'pong'; readonly id: number }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly fields: JsonObject;
      readonly message: string;
    }
  | {
      readonly type: 'metrics';
      readonly deltas: readonly MetricDelta[];
      readonly memoryBytes: number;
      readonly cpuMs: number;
      readonly loopDelayMs: number;
    };
