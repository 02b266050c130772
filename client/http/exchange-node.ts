import { Pool } from 'undici';
import type { Exchange, ExchangeHead, ExchangeRequest } from './exchange.ts';

/** More requests than this wait for a connection: descriptors are scarcer than memory. */
const callConnections = 100;

/** V8 has no longer strings. */
const largestAnswerBytes = 0x1fffffe8;

/** Over undici's connection pool: a sixth of the CPU time of Node's fetch, see docs/decisions/0003. */
export function createExchange(origin: string): Exchange {
  // Every call ends with its signal, so the pool needs no time limits of its own.
  const calls = new Pool(origin, {
    connections: callConnections,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: largestAnswerBytes,
  });
  // Streams stay open for long: they must not use up the connections of calls.
  const streams = new Pool(origin);
  return {
    async call(request) {
      const { statusCode, headers, body } = await calls.request(toPoolRequest(request));
      return { ...head(statusCode, headers), text: await body.text() };
    },
    async open(request) {
      const { statusCode, headers, body } = await streams.request(toPoolRequest(request));
      return { ...head(statusCode, headers), body: body as AsyncIterable<Uint8Array> };
    },
    async close() {
      await Promise.all([calls.destroy(), streams.destroy()]);
    },
  };
}

function toPoolRequest({ method, path, headers, body, signal }: ExchangeRequest) {
  return { method, path, headers: { ...headers }, body: body ?? null, signal };
}

function head(status: number, headers: Record<string, string | string[] | undefined>): ExchangeHead {
  return {
    status,
    header(name) {
      const value = headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
  };
}
