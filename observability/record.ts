import type { FlowError, TraceContext } from '../core/index.ts';
import type { Phase } from './catalogue.ts';

/** One call of an executor, shared by the requests that were joined in it. */
export interface BatchRecord {
  readonly id: number;
  readonly executor: string;
  readonly endpoint: string;
  readonly replica: number;
  readonly device: string;
  readonly documents: number;
  readonly flushReason: string;
  /** 1, or 2 for a retry after a worker's death. */
  readonly attempt: number;
  /** Every request in it, for the links of the batch's span. */
  readonly requests: readonly RequestRecord[];
}

/** A time stamp pair on a request. */
export interface PhaseStamp {
  readonly phase: Phase;
  /** `gateway` for the phases outside executors. */
  readonly executor: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly batch?: BatchRecord;
  /** Parts of a run that the executor timed itself: name, start, end. */
  readonly parts?: readonly (readonly [name: string, startMs: number, endMs: number])[];
}

/** A call of an executor that ended with the death of its worker. */
export interface FailedAttempt {
  readonly batch: BatchRecord;
  /** When it was sent and when the worker was lost, monotonic ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly error: FlowError;
}

/** Something that happened to a request at one moment: a retry, a split. */
export interface Note {
  readonly name: string;
  readonly atMs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/**
 * What happened to one request, as time stamps (monotonic ms).
 *
 * Spans are made from it when the request ends, if it is sampled, slow or failed; until then it costs a few array entries.
 */
export class RequestRecord {
  readonly requestId: string;
  readonly protocol: string;
  /** HTTP method, where the protocol has one. */
  readonly method: string | undefined;
  readonly endpoint: string;
  readonly startMs: number;
  /** The request's own span: what executors get, and under which all its spans lie. The caller's if tracing is off. */
  readonly context: TraceContext;
  /** The caller's span id, where the request brought a trace context. */
  readonly parentSpanId: string | undefined;
  readonly phases: PhaseStamp[] = [];
  readonly notes: Note[] = [];
  /** Undefined for almost every request. */
  failedAttempts: FailedAttempt[] | undefined;

  constructor(fields: {
    requestId: string;
    protocol: string;
    method?: string | undefined;
    endpoint: string;
    startMs: number;
    context: TraceContext;
    parentSpanId: string | undefined;
  }) {
    this.requestId = fields.requestId;
    this.protocol = fields.protocol;
    this.method = fields.method;
    this.endpoint = fields.endpoint;
    this.startMs = fields.startMs;
    this.context = fields.context;
    this.parentSpanId = fields.parentSpanId;
  }
}

/** How a request ended. */
export interface RequestEnd {
  readonly endMs: number;
  readonly error?: FlowError;
  /** The endpoint as a metric label: its name if the flow has it, `other` if not. */
  readonly endpointLabel: string;
}
