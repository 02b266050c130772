/** Seconds; from 50 microseconds to 60 seconds. */
const secondsBuckets = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;
const sizeBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;

type MetricType = 'counter' | 'gauge' | 'histogram';

export interface MetricEntry {
  readonly type: MetricType;
  readonly help: string;
  /** Label names; values come from bounded sets, never ids or user text. */
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

/** Every metric Sluice has. The metrics page, docs/reference/metrics.md and dashboards are checked against it. */
export const metrics = {
  sluice_requests_total: {
    type: 'counter',
    help: 'Requests answered, by protocol, endpoint and error reason (ok when there was none).',
    labels: ['protocol', 'endpoint', 'reason'],
  },
  sluice_request_seconds: {
    type: 'histogram',
    help: 'Time from the first byte of a request to the last byte of its answer.',
    labels: ['protocol', 'endpoint'],
    buckets: secondsBuckets,
  },
  sluice_documents_total: {
    type: 'counter',
    help: 'Documents that an executor answered.',
    labels: ['executor', 'endpoint'],
  },
  sluice_phase_seconds: {
    type: 'histogram',
    help: 'Time of one phase of a request; executor is gateway for the phases outside executors.',
    labels: ['phase', 'executor'],
    buckets: secondsBuckets,
  },
  sluice_batch_documents: {
    type: 'histogram',
    help: 'Documents in one call of an executor.',
    labels: ['executor', 'endpoint'],
    buckets: sizeBuckets,
  },
  sluice_batches_total: {
    type: 'counter',
    help: 'Calls of an executor, by why the batch left its queue.',
    labels: ['executor', 'endpoint', 'flush_reason'],
  },
  sluice_queue_requests: { type: 'gauge', help: 'Requests waiting in a queue.', labels: ['executor', 'endpoint'] },
  sluice_dropped_total: {
    type: 'counter',
    help: 'Requests dropped from a queue before they were computed, by reason.',
    labels: ['executor', 'endpoint', 'reason'],
  },
  sluice_inflight_requests: { type: 'gauge', help: 'Requests accepted and not yet answered.', labels: ['protocol'] },
  sluice_retries_total: { type: 'counter', help: 'Requests sent to a second worker.', labels: ['executor'] },
  sluice_worker_restarts_total: { type: 'counter', help: 'Worker processes started again.', labels: ['executor'] },
  sluice_worker_state: {
    type: 'gauge',
    help: '1 for the state a worker is in, 0 for the others.',
    labels: ['executor', 'replica', 'state'],
  },
  sluice_worker_memory_bytes: {
    type: 'gauge',
    help: 'Resident memory of a worker process.',
    labels: ['executor', 'replica'],
  },
  sluice_worker_cpu_seconds_total: {
    type: 'counter',
    help: 'CPU time of a worker process, user and system.',
    labels: ['executor', 'replica'],
  },
  sluice_worker_loop_delay_seconds: {
    type: 'gauge',
    help: 'Largest delay of a worker event loop since the last report.',
    labels: ['executor', 'replica'],
  },
  sluice_executor_method_seconds: {
    type: 'histogram',
    help: 'Time of a method marked with @monitor.',
    labels: ['executor', 'method'],
    buckets: secondsBuckets,
  },
  sluice_executor_count_total: {
    type: 'counter',
    help: 'What executors count themselves (Context.count).',
    labels: ['executor', 'name'],
  },
} as const satisfies Record<string, MetricEntry>;

export type MetricName = keyof typeof metrics;
type NamesOf<T extends MetricType> = {
  [Name in MetricName]: (typeof metrics)[Name]['type'] extends T ? Name : never;
}[MetricName];
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;
export type LabelsOf<Name extends MetricName> = Readonly<Record<(typeof metrics)[Name]['labels'][number], string>>;

/** The phases of a request, in the order they happen; each is a span and a sample of `sluice_phase_seconds`. */
export const phases = {
  decode: 'Body to documents.',
  admit: 'Checks and places in the queues.',
  queue: 'Waiting for a batch and a free worker.',
  send: 'From the parent to the worker.',
  pre: 'The executor prepares documents.',
  run: 'The executor computes.',
  post: 'The executor finishes its result.',
  receive: 'From the worker to the parent.',
  encode: 'Documents to body.',
} as const;

export type Phase = keyof typeof phases;

/** Every span: its name as people read it (`<...>` stands for a value) and what it covers. */
export const spans = {
  '<method> <endpoint>':
    'The request, from its first byte to the last byte of its answer; the protocol where there is no method.',
  '<phase>': 'One phase: of the gateway under the request, of an executor under the executor.',
  'executor <name>': 'Everything between the queue of an executor and its answer in the parent.',
  '<part>': 'A part of `run` that the executor timed itself with `call.phase`, such as `model`.',
  'attempt <executor>':
    'One call that ended with the death of its worker, with the error, or the retry after it; only where one failed.',
  'batch <executor>': 'One call of an executor, once for all requests in it; linked to the span of each sampled one.',
} as const satisfies Record<string, string>;
