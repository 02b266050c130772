import { type Document, DocumentArray, FlowError, type JsonObject, monotonicMs } from '../../core/index.ts';
import type { Call, Executor, ExecutorLogger, RequestInfo } from '../../executors/sdk/index.ts';
import {
  decodeDocuments,
  encodeDocuments,
  encodeError,
  type Outcome,
  type Payload,
  type ToParent,
  type ToWorker,
} from '../wire/index.ts';
import { HostCall } from './call.ts';
import { executorFault, readResult } from './result.ts';
import { Slots } from './slots.ts';
import { sendStream, type StreamCredit } from './stream.ts';
import type { EndpointBinding } from './manifest.ts';

type RunMessage = Extract<ToWorker, { type: 'run' }>;
type Method = (docs: DocumentArray, call: Call, prepared?: unknown) => unknown;

/** What one request of a call got, before it is encoded. */
type RequestResult = { readonly docs: DocumentArray } | { readonly values: JsonObject } | { readonly error: FlowError };

interface ActiveRun extends StreamCredit {
  readonly call: HostCall;
}

/** When the parts of a call began and ended, monotonic ms. */
interface Stamps {
  preMs?: [number, number];
  runMs: [number, number];
  postMs?: [number, number];
}

export interface HostSettings {
  readonly executor: Executor<unknown>;
  readonly className: string;
  readonly endpoints: ReadonlyMap<string, EndpointBinding>;
  readonly concurrency: number;
  readonly logger: ExecutorLogger;
  send(message: ToParent, payload?: Payload): void;
}

/** Runs calls on the one executor of this process: pre, run, post, and an answer for each request. */
export class ExecutorHost {
  private readonly settings: HostSettings;
  private readonly slots: Slots;
  private readonly active = new Map<number, ActiveRun>();
  private idle: (() => void) | undefined;

  constructor(settings: HostSettings) {
    this.settings = settings;
    this.slots = new Slots(settings.concurrency);
  }

  /** Takes a call; everything that can go wrong in it becomes its answer. */
  async run(message: RunMessage, payload: Uint8Array): Promise<void> {
    const receivedMs = monotonicMs();
    const docs = decodeDocuments(message.documents, payload);
    const call = new HostCall(message, branchesOf(message, docs), this.settings.logger);
    const run: ActiveRun = { call, credit: 0, wake: undefined };
    this.active.set(message.id, run);
    const stamps: Stamps = { runMs: [receivedMs, receivedMs] };
    let results: readonly RequestResult[];
    try {
      const binding = this.bindingOf(message.endpoint);
      results = await this.compute(message.id, run, binding, docs, stamps);
    } catch (error) {
      const fault = this.fault(error, call);
      results = call.requests.map(() => ({ error: fault }));
    }
    this.active.delete(message.id);
    const { outcomes, answered } = outcomesOf(
      results.map((result, index) => this.failedAlone(call, index) ?? result),
      call,
    );
    const encoded = encodeDocuments(answered);
    const timings = {
      receivedMs,
      ...stamps,
      phases: call.phases,
      ...(call.cost === undefined ? {} : { cost: call.cost }),
      ...(call.calls === undefined ? {} : { calls: call.calls }),
    };
    this.settings.send({ type: 'result', id: message.id, outcomes, documents: encoded.data, timings }, encoded.payload);
    if (this.active.size === 0) this.idle?.();
  }

  cancel(id: number): void {
    const run = this.active.get(id);
    run?.call.abort();
    run?.wake?.();
  }

  credit(id: number, items: number): void {
    const run = this.active.get(id);
    if (run === undefined) return;
    run.credit += items;
    run.wake?.();
  }

  /** Fulfils when no call is running. */
  async drained(): Promise<void> {
    if (this.active.size > 0) await new Promise<void>((resolve) => (this.idle = resolve));
  }

  private bindingOf(endpoint: string): EndpointBinding {
    const binding = this.settings.endpoints.get(endpoint);
    if (binding !== undefined) return binding;
    throw new FlowError('internal', `the parent sent a call of ${endpoint}, which is not bound; this is a bug`);
  }

  private async compute(
    id: number,
    run: ActiveRun,
    binding: EndpointBinding,
    docs: DocumentArray,
    stamps: Stamps,
  ): Promise<readonly RequestResult[]> {
    const { call } = run;
    let prepared: unknown;
    if (binding.pre !== undefined) {
      const start = monotonicMs();
      prepared = await this.method(binding.pre)(docs, call);
      stamps.preMs = [start, monotonicMs()];
    }
    const release = await this.slots.acquire();
    const start = monotonicMs();
    try {
      if (call.wasCancelled) throw new FlowError('cancelled', 'the call was cancelled before it was computed');
      if (binding.manifest.isStreaming) {
        const documents = this.method(binding.method)(docs, call) as AsyncIterable<unknown>;
        await sendStream(documents, run, call, (items) => {
          const encoded = encodeDocuments(items);
          this.settings.send({ type: 'item', id, documents: encoded.data }, encoded.payload);
        });
        return [{ docs: new DocumentArray() }];
      }
      return await this.computeAll(binding, docs, call, prepared, stamps);
    } finally {
      stamps.runMs = [start, stamps.postMs?.[0] ?? monotonicMs()];
      release();
    }
  }

  /**
   * The whole call at once. When it throws and joins several requests that may be run twice, each is run alone, so
   * that only the request at fault fails.
   */
  private async computeAll(
    binding: EndpointBinding,
    docs: DocumentArray,
    call: HostCall,
    prepared: unknown,
    stamps: Stamps,
  ): Promise<readonly RequestResult[]> {
    try {
      return await this.computeOnce(binding, docs, call, prepared, stamps);
    } catch (error) {
      if (call.requests.length === 1 || binding.manifest.effect === 'write' || call.wasCancelled) throw error;
      this.settings.logger.warn(
        { endpoint: binding.manifest.name, requests: call.requests.length },
        'a joined call failed; each of its requests is run alone',
      );
      const results: RequestResult[] = [];
      for (const request of call.requests) results.push(await this.computeAlone(binding, docs, call, request));
      return results;
    }
  }

  private async computeAlone(
    binding: EndpointBinding,
    docs: DocumentArray,
    call: HostCall,
    request: RequestInfo,
  ): Promise<RequestResult> {
    const alone = call.only(request);
    const own = DocumentArray.fromInputs(docs.slice(...request.rows));
    try {
      const prepared = binding.pre === undefined ? undefined : await this.method(binding.pre)(own, alone);
      const [result] = await this.computeOnce(binding, own, alone, prepared, { runMs: [0, 0] });
      if (result === undefined) throw new FlowError('internal', 'a call of one request gave no result; this is a bug');
      return result;
    } catch (error) {
      return { error: this.fault(error, call) };
    }
  }

  private async computeOnce(
    binding: EndpointBinding,
    docs: DocumentArray,
    call: Call,
    prepared: unknown,
    stamps: Stamps,
  ): Promise<readonly RequestResult[]> {
    let result = await this.method(binding.method)(docs, call, prepared);
    if (binding.post !== undefined) {
      const start = monotonicMs();
      result = await (this.method(binding.post) as unknown as (result: unknown, call: Call) => unknown)(result, call);
      stamps.postMs = [start, monotonicMs()];
    }
    const read = readResult(result, docs, binding.manifest, this.settings.className);
    if ('values' in read) return [{ values: read.values }];
    if (call.requests.length === 1) return [{ docs: read.docs }];
    return call.requests.map(({ rows }) => ({ docs: DocumentArray.fromInputs(read.docs.slice(...rows)) }));
  }

  /** The error that the executor gave one request of a call that went well otherwise. */
  private failedAlone(call: HostCall, index: number): RequestResult | undefined {
    const failure = call.failures.get(call.requests[index]?.requestId ?? '');
    return failure === undefined ? undefined : { error: executorFault(failure, this.settings.className) };
  }

  private method(name: string): Method {
    const { executor } = this.settings;
    const method = (executor as unknown as Record<string, Method | undefined>)[name];
    if (method === undefined) throw new FlowError('internal', `${name} is no method of the executor; this is a bug`);
    return method.bind(executor);
  }

  private fault(error: unknown, call: HostCall): FlowError {
    const fault = executorFault(error, this.settings.className);
    if (fault.reason !== 'cancelled' && !call.wasCancelled) {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const trace = call.requests[0]?.trace?.traceId;
      this.settings.logger.error(
        { endpoint: call.endpoint, stack, ...(trace === undefined ? {} : { trace_id: trace }) },
        `${call.endpoint} failed: ${fault.message}`,
      );
    }
    return fault;
  }
}

/** The branches of a join that keeps them apart, by the name of their last executor. */
function branchesOf(message: RunMessage, docs: DocumentArray): ReadonlyMap<string, DocumentArray> | undefined {
  if (message.branches === undefined) return undefined;
  return new Map(
    message.branches.map(([executor, first, end]) => [executor, DocumentArray.fromInputs(docs.slice(first, end))]),
  );
}

function outcomesOf(
  results: readonly RequestResult[],
  { requests, tokens }: HostCall,
): { outcomes: Outcome[]; answered: Document[] } {
  const answered: Document[] = [];
  const outcomes = results.map((result, index): Outcome => {
    if ('error' in result) return { type: 'error', error: encodeError(result.error) };
    const counted = tokens.get(requests[index]?.requestId ?? '');
    const usage = counted === undefined ? {} : { tokens: counted };
    if ('values' in result) return { type: 'values', values: result.values, ...usage };
    answered.push(...result.docs);
    return { type: 'documents', rows: result.docs.length, ...usage };
  });
  return { outcomes, answered };
}
