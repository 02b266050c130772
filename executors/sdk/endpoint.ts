/** What happens when a request is run twice; see {@link EndpointSettings.effect}. */
export type Effect = 'read' | 'upsert' | 'write';

/** How the parent estimates the work of a document before it is computed. */
export type CostUnit =
  /** Every document costs 1. */
  | 'items'
  /** Characters of `text`. */
  | 'characters'
  /** Bytes of `blob`. */
  | 'bytes'
  /** Elements of `tensor`. */
  | 'tensor'
  /** Elements of `tensor` where there is one (token ids from a tokenizer before), otherwise a quarter of the characters of `text`. */
  | 'tokens';

/** How requests of different callers are joined. Names and defaults follow Jina's `dynamic_batching`, but for `timeoutMs`. */
export interface DynamicBatchingOptions {
  /** Rows at which a batch is complete. */
  readonly preferredBatchSize: number;
  /** How long the oldest request may wait for company; default 0: a batch leaves as soon as a worker is free. */
  readonly timeoutMs?: number;
  /** Whether everything that waits goes in one call, whatever the size; default false. */
  readonly flushAll?: boolean;
  /** false switches batching off for the endpoint again, for example from YAML; default true. */
  readonly useDynamicBatching?: boolean;
}

export interface EndpointOptions {
  /**
   * `read`: changes nothing. `upsert`: running it twice gives the same state. `write`: anything else, the default.
   * Only reads and upserts are retried after a worker's death.
   */
  readonly effect?: Effect;
  /** Default `items`. */
  readonly cost?: CostUnit;
  /** Parameters that each request keeps for itself (see `Call.requests`), so that they do not keep batches apart. */
  readonly perRequest?: readonly string[];
  /**
   * Whether the endpoint may return another number of documents than it was given; default false. Such an endpoint
   * is never joined with other requests nor split.
   */
  readonly changesCount?: boolean;
  /** Method that prepares documents while the worker still computes the batch before: `pre(docs, call)`. */
  readonly pre?: string;
  /** Method that finishes what the endpoint returned: `post(result, call)`. */
  readonly post?: string;
}

export interface EndpointSettings extends EndpointOptions {
  /** Name of the method. */
  readonly method: string;
  readonly dynamicBatching?: DynamicBatchingOptions;
}

/** Endpoint name (`/encode`, or `/default` for all others) to its settings. */
export type EndpointTable = Readonly<Record<string, EndpointSettings>>;

/** The endpoint that serves what no other binds. */
export const defaultEndpoint = '/default';
