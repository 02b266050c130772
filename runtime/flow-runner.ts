import {
  DocumentArray,
  FlowError,
  type FlowRequest,
  type FlowResponse,
  isObject,
  type JsonObject,
  monotonicMs,
  type Route,
} from '../core/index.ts';
import type { RequestRecord } from '../observability/index.ts';
import { mergeBranches } from './branch-merge.ts';
import type { ExecutorPool, TaskInput } from './executor-pool.ts';
import { parametersOf } from './node-parameters.ts';
import type { StreamSubmission, Submission } from './runtime.ts';
import { DocumentStream } from './document-stream.ts';
import { type Selection, Selector } from './selection.ts';
import type { Task } from './task.ts';
import type { EndpointManifest } from './wire/index.ts';

/** Takes requests through the executors of a flow, each as soon as all it needs is there. */
export class FlowRunner {
  private readonly pools: readonly ExecutorPool[];
  private readonly selector: Selector;
  private readonly last: string;

  /** @param pools in topological order */
  constructor(pools: readonly ExecutorPool[], last: string) {
    this.pools = pools;
    this.selector = new Selector(pools);
    this.last = last;
  }

  submit(request: FlowRequest, record: RequestRecord): Submission {
    const run = new FlowRun(request, record);
    return {
      response: run.answer(this.pools, this.selector, this.last),
      cancel: (error) => {
        run.cancel(error);
      },
    };
  }

  /** Runs the first executor that binds the endpoint; what it yields goes straight to the caller. */
  stream(request: FlowRequest, record: RequestRecord): StreamSubmission {
    const stream = new DocumentStream();
    try {
      const selection = this.selector.select(request.endpoint, request.targetExecutor);
      const pool = this.pools.find(({ plan }) => selection.get(plan.name)?.isStreaming === true);
      const endpoint = pool === undefined ? undefined : selection.get(pool.plan.name);
      if (pool === undefined || endpoint === undefined) {
        throw new FlowError('streaming_endpoint', `${request.endpoint} gives one answer, it cannot be streamed`);
      }
      const task = pool.submit(
        {
          request,
          record,
          docs: request.docs,
          parameters: parametersOf(request.parameters, pool.plan.name),
          onItems: (docs, taken) => {
            stream.push(docs, taken);
          },
        },
        endpoint,
      );
      stream.follow(task);
    } catch (error) {
      stream.fail(FlowError.from(error));
    }
    return {
      documents: stream,
      cancel: (error) => {
        stream.fail(error);
      },
    };
  }
}

/** One request on its way. */
class FlowRun {
  private readonly request: FlowRequest;
  private readonly record: RequestRecord;
  private readonly routes: Route[] = [];
  private readonly results: JsonObject = {};
  private tokens: number | undefined;
  private readonly tasks = new Set<Task>();
  private readonly arrivals = new Map<string, Promise<DocumentArray>>();
  private error: FlowError | undefined;
  /** What the failing executor had received. */
  private failedDocs: DocumentArray | undefined;

  constructor(request: FlowRequest, record: RequestRecord) {
    this.request = request;
    this.record = record;
  }

  async answer(pools: readonly ExecutorPool[], selector: Selector, last: string): Promise<FlowResponse> {
    const { request } = this;
    let { docs } = request;
    try {
      const selection = selector.select(request.endpoint, request.targetExecutor);
      for (const pool of pools) this.start(pool, selection);
      docs = (await this.arrivals.get(last)) ?? docs;
    } catch (error) {
      this.error ??= FlowError.from(error);
      docs = this.failedDocs ?? docs;
    }
    return {
      requestId: request.requestId,
      endpoint: request.endpoint,
      parameters: this.answeredParameters(),
      docs,
      routes: this.routes,
      ...(this.tokens === undefined ? {} : { tokens: this.tokens }),
      ...(this.error === undefined ? {} : { error: this.error }),
    };
  }

  cancel(error: FlowError): void {
    this.error ??= error;
    for (const task of this.tasks) task.fail(error);
  }

  private start(pool: ExecutorPool, selection: Selection): void {
    const arrival = this.visit(pool, selection);
    // Who needs it sees its failure; of a floating one it stays in its route.
    arrival.catch(() => undefined);
    this.arrivals.set(pool.plan.name, arrival);
  }

  /** Waits for what the executor needs, then runs it, or passes the documents on when the request skips it. */
  private async visit(pool: ExecutorPool, selection: Selection): Promise<DocumentArray> {
    const { plan } = pool;
    const branches = await this.inputsOf(pool);
    const route: Route = { executor: plan.name, startMs: monotonicMs() };
    this.routes.push(route);
    const endpoint = selection.get(plan.name);
    const parts = branches.map(([, docs]) => docs);
    if (endpoint === undefined) {
      // As in Jina: an executor that the target names but that does not bind the endpoint has a route with an end.
      if (selection.has(plan.name)) route.endMs = monotonicMs();
      return mergeBranches(parts);
    }
    if (endpoint.isStreaming) {
      throw new FlowError(
        'streaming_endpoint',
        `${this.request.endpoint} answers with a stream; ask for text/event-stream`,
      );
    }
    if (this.error !== undefined) throw this.error;
    const docs = plan.noReduce ? DocumentArray.fromInputs(parts.flatMap((part) => [...part])) : mergeBranches(parts);
    return await this.execute(pool, endpoint, docs, route, plan.noReduce ? rowsOf(branches) : undefined);
  }

  private async inputsOf({ plan }: ExecutorPool): Promise<readonly (readonly [string, DocumentArray])[]> {
    if (plan.needs.length === 0) return [['gateway', this.request.docs]];
    return await Promise.all(
      plan.needs.map(async (name) => [name, (await this.arrivals.get(name)) ?? this.request.docs] as const),
    );
  }

  private async execute(
    pool: ExecutorPool,
    endpoint: EndpointManifest,
    docs: DocumentArray,
    route: Route,
    branches: TaskInput['branches'],
  ): Promise<DocumentArray> {
    const { name } = pool.plan;
    const parameters = parametersOf(this.parameters(), name);
    const task = pool.submit({ request: this.request, record: this.record, docs, parameters, branches }, endpoint);
    this.tasks.add(task);
    const result = await task.result;
    this.tasks.delete(task);
    route.endMs = monotonicMs();
    if ('error' in result) {
      route.error = result.error;
      this.failedDocs ??= docs;
      throw result.error;
    }
    if (result.tokens !== undefined) this.tokens = (this.tokens ?? 0) + result.tokens;
    if (result.values !== undefined) this.results[`${name}/rep-${result.replica}`] = result.values;
    return result.docs;
  }

  /** The request's parameters, with what executors before returned beside documents. */
  private parameters(): JsonObject {
    const { parameters } = this.request;
    return Object.keys(this.results).length === 0 ? parameters : this.answeredParameters();
  }

  private answeredParameters(): JsonObject {
    const { parameters } = this.request;
    if (Object.keys(this.results).length === 0) return parameters;
    const sent = parameters['__results__'];
    return { ...parameters, __results__: { ...(isObject(sent) ? sent : {}), ...this.results } };
  }
}

function rowsOf(branches: readonly (readonly [string, DocumentArray])[]): (readonly [string, number, number])[] {
  let first = 0;
  return branches.map(([name, docs]) => {
    const rows = [name, first, first + docs.length] as const;
    first += docs.length;
    return rows;
  });
}
