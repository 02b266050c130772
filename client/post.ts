import { type DocumentArray, FlowError, type JsonObject, monotonicMs, newId, systemClock } from '../core/index.ts';
import { deliver } from './callbacks.ts';
import type { Connection } from './connection.ts';
import { follow, openScope } from './deadline.ts';
import { type DocumentSource, type Inputs, openSource } from './inputs.ts';
import { defaultRequestSize, defaultTimeoutMs, type PostOptions, type RequestOptions } from './options.ts';
import { PostRun } from './post-run.ts';
import type { ResponseStream } from './post-result.ts';
import type { Progress } from './progress.ts';
import type { ClientResponse } from './response.ts';
import { withRetries } from './retry.ts';
import type { TraceHeaders } from './trace.ts';
import type { ClientRequest } from './transport.ts';

/** The answers of one post; everything starts with the first that is asked for. */
export function openPost(
  connection: Connection,
  endpoint: string,
  inputs: Inputs,
  options: PostOptions<object>,
  trace: Promise<TraceHeaders>,
): ResponseStream {
  const controller = new AbortController();
  return {
    responses: answers(connection, endpoint, inputs, options, trace, controller),
    cancel: () => controller.abort(new FlowError('cancelled', 'the results of the post are not read any more')),
  };
}

async function* answers(
  connection: Connection,
  endpoint: string,
  inputs: Inputs,
  options: PostOptions<object>,
  trace: Promise<TraceHeaders>,
  controller: AbortController,
): AsyncGenerator<ClientResponse, void> {
  let progress: Progress | undefined;
  const { requestSize = defaultRequestSize, prefetch = connection.prefetch, resultsInOrder = false } = options;
  const unfollow = follow(controller, [options.signal, connection.closing]);
  const run = new PostRun({
    async open() {
      const source = await openSource(inputs);
      if (options.showProgress === true) progress = await openProgress(endpoint, source);
      return source;
    },
    async send(docs) {
      const request = toRequest(endpoint, docs, options, await trace);
      return sendRequest(connection, request, options, controller.signal);
    },
    controller,
    requestSize: requestSize > 0 ? requestSize : Infinity,
    prefetch,
    isOrdered: resultsInOrder,
  });
  try {
    for (let response = await run.next(); response !== undefined; response = await run.next()) {
      await deliver(response, options);
      progress?.advance(response.docs.length);
      yield response;
    }
  } catch (error) {
    // The first fault is the one to know: how the inputs took being closed after it is not.
    await run.stop().catch(() => undefined);
    throw error;
  } finally {
    progress?.stop();
    unfollow();
    await run.stop();
  }
}

/** Loaded only when it is wanted: the bar is of no use in most programs. */
async function openProgress(endpoint: string, source: DocumentSource): Promise<Progress> {
  const { startProgress } = await import('./progress.ts');
  return startProgress(endpoint, source.total);
}

/** A request as transports send it. */
export function toRequest(
  endpoint: string,
  docs: DocumentArray,
  options: RequestOptions<object>,
  trace: TraceHeaders,
): ClientRequest {
  const { targetExecutor, parameters = {}, priority = 0 } = options;
  return {
    requestId: newId(),
    endpoint,
    // Checked against JSON when it is written: what JSON cannot carry is left out there.
    parameters: parameters as JsonObject,
    docs,
    priority,
    trace,
    ...(targetExecutor === undefined ? {} : { targetExecutor }),
  };
}

async function sendRequest(
  connection: Connection,
  request: ClientRequest,
  options: PostOptions<object>,
  parent: AbortSignal,
): Promise<ClientResponse> {
  const timeoutMs = options.timeoutMs ?? connection.timeoutMs;
  const deadline = timeoutMs === undefined ? Infinity : monotonicMs() + timeoutMs;
  const scope = openScope(parent, timeoutMs ?? defaultTimeoutMs, systemClock);
  const { signal } = scope;
  try {
    return await withRetries(() => connection.transport.send(request, { signal, deadline, run: parent }), {
      retries: options.retries ?? 0,
      deadline,
      signal,
      clock: systemClock,
      random: Math.random,
    });
  } finally {
    scope.close();
  }
}
