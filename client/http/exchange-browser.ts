import type { Exchange, ExchangeHead, ExchangeRequest } from './exchange.ts';

/** Over the platform's fetch: takes the place of exchange-node.ts in browsers and wherever there are no sockets. */
export function createExchange(origin: string): Exchange {
  const closing = new AbortController();

  async function send({ method, path, headers, body, signal }: ExchangeRequest): Promise<Response> {
    const either = new AbortController();
    const abort = (): void => either.abort(signal.reason);
    const close = (): void => either.abort(closing.signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    closing.signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) abort();
    if (closing.signal.aborted) close();
    return fetch(new URL(path, origin), {
      method,
      headers: { ...headers },
      signal: either.signal,
      ...(body === undefined ? {} : { body }),
    });
  }

  return {
    async call(request) {
      const response = await send(request);
      return { ...head(response), text: await response.text() };
    },
    async open(request) {
      const response = await send(request);
      return { ...head(response), body: chunksOf(response) };
    },
    close() {
      closing.abort();
      return Promise.resolve();
    },
  };
}

function head(response: Response): ExchangeHead {
  return { status: response.status, header: (name) => response.headers.get(name) ?? undefined };
}

/** Not every browser can iterate a stream. */
async function* chunksOf(response: Response): AsyncGenerator<Uint8Array, void> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}
