import { type Document, DocumentArray, type DocumentInput, monotonicMs, systemClock } from '../core/index.ts';
import type { Connection } from './connection.ts';
import { follow, openScope } from './deadline.ts';
import type { RequestOptions } from './options.ts';
import { toRequest } from './post.ts';
import type { TraceHeaders } from './trace.ts';

/** Documents of a streaming endpoint; the request is sent when the first is asked for and cancelled by `run`. */
export async function* openStream(
  connection: Connection,
  endpoint: string,
  input: DocumentInput,
  options: RequestOptions<object>,
  trace: Promise<TraceHeaders>,
  run: AbortController,
): AsyncGenerator<Document, void> {
  const timeoutMs = options.timeoutMs ?? connection.timeoutMs ?? Infinity;
  const unfollow = follow(run, [options.signal, connection.closing]);
  const scope = openScope(run.signal, timeoutMs, systemClock);
  try {
    const request = toRequest(endpoint, DocumentArray.fromInputs([input]), options, await trace);
    yield* connection.transport.stream(request, { signal: scope.signal, deadline: monotonicMs() + timeoutMs });
  } finally {
    scope.close();
    unfollow();
  }
}
