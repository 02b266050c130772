import type { JsonObject } from '../core/index.ts';

/** Where an executor's class comes from. */
export type ExecutorSource =
  /** A .ts or .js file; absolute path. */
  | { readonly kind: 'module'; readonly path: string }
  /** One that ships with Sluice, such as `Encoder`. */
  | { readonly kind: 'builtin'; readonly name: string }
  /** An npm package, resolved from the folder of the flow file. */
  | { readonly kind: 'package'; readonly specifier: string; readonly resolveFrom: string };

/** `dynamic_batching` of one endpoint or method, as far as the YAML says it. */
export interface BatchingOverride {
  readonly preferredBatchSize?: number;
  readonly timeoutMs?: number;
  readonly flushAll?: boolean;
  readonly useDynamicBatching?: boolean;
}

/** One executor of the flow, checked and with every default filled in. */
export interface ExecutorPlan {
  readonly name: string;
  readonly source: ExecutorSource;
  /** Class to take from the source when it exports several. */
  readonly className?: string;
  readonly with: JsonObject;
  readonly metas: JsonObject;
  /** Endpoint to method; replaces the method's own binding. */
  readonly requests: Readonly<Record<string, string>>;
  /** By endpoint or method name; an endpoint's wins. */
  readonly dynamicBatching: Readonly<Record<string, BatchingOverride>>;
  /** Names of the executors before it; empty: it gets the request itself. */
  readonly needs: readonly string[];
  /** Called, but nobody waits for it. */
  readonly isFloating: boolean;
  /** Whether branches that meet here stay apart (`Call.branches`) instead of being merged by id. */
  readonly noReduce: boolean;
  readonly replicas: number;
  /** Devices by replica, round robin; `['cpu']` by default. */
  readonly devices: readonly string[];
  /** Batches at the same time in one worker; undefined: what the class says. */
  readonly concurrency?: number;
  readonly env: Readonly<Record<string, string>>;
  /** Folder for the workspaces of the executor's replicas. */
  readonly workspace: string;
  /** Total limit of a worker's start; undefined: it fails only after 60 s without progress. */
  readonly timeoutReadyMs?: number;
  /** Limit of one call of this executor; undefined: the request's deadline alone. */
  readonly timeoutSendMs?: number;
  readonly queue: QueueBounds;
}

export interface QueueBounds {
  /** Requests waiting for one endpoint; default 1024. */
  readonly requests: number;
  /** Estimated bytes waiting for one endpoint; default 256 MiB. */
  readonly bytes: number;
}

export type Protocol = 'http' | 'grpc' | 'websocket';

/** One address the gateway listens on. */
export interface ListenerPlan {
  readonly port: number;
  readonly protocols: readonly Protocol[];
}

/** An HTTP path of its own for an endpoint (`expose_endpoints`). */
export interface ExposedEndpoint {
  readonly endpoint: string;
  readonly path: string;
  readonly methods: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

/** `POST /v1/embeddings` in OpenAI's form (`openai_embeddings`). */
export interface EmbeddingsPlan {
  readonly endpoint: string;
  /** What `GET /v1/models` lists; the name of the flow when the file names none. */
  readonly models: readonly string[];
  /** Whether a request may name any other model too. */
  readonly takesAnyModel: boolean;
}

export interface GatewayPlan {
  /** Default 127.0.0.1. */
  readonly host: string;
  readonly listeners: readonly ListenerPlan[];
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly cors: boolean;
  readonly title: string;
  /** Whether there is a page to search with. */
  readonly searchPage: boolean;
  readonly description: string;
  readonly hasDebugEndpoints: boolean;
  readonly hasCrudEndpoints: boolean;
  readonly exposed: readonly ExposedEndpoint[];
  /** Missing: not served. */
  readonly embeddings?: EmbeddingsPlan;
  /** Largest body or message, bytes; default 64 MiB. */
  readonly maxBodyBytes: number;
  /** Deadline of a request that brings none, ms; default 60 s. */
  readonly timeoutMs: number;
  /** Requests in flight on one stream; default 1000. */
  readonly prefetch: number;
  /** How long a stop waits for requests in flight, ms; default 30 s. */
  readonly drainTimeoutMs: number;
  /** Whether `/metrics` is served; default true. */
  readonly metrics: boolean;
  readonly tracing: TracingPlan;
}

export interface TracingPlan {
  readonly enabled: boolean;
  /** Part of the requests that are traced when the caller did not decide, 0 to 1; default 1 when enabled. */
  readonly sampleRatio: number;
  /** OTLP address; undefined: what the OTEL_* environment says. */
  readonly endpoint?: string;
}

/** What `sluice up` runs: executors in topological order, each after all it needs. Frozen. */
export interface Plan {
  readonly name: string;
  readonly gateway: GatewayPlan;
  readonly executors: readonly ExecutorPlan[];
  /** The executor whose answer goes to the caller: the last one that is not floating. */
  readonly last: string;
}
