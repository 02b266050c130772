import { describeValue, FlowError, type JsonObject } from '../core/index.ts';
import type { ResponseCallbacks } from './callbacks.ts';

export interface ClientOptions {
  /**
   * Where the gateway is and how to speak to it: `http://localhost:51000`, `grpc://...`, `ws://...`, and `https://`,
   * `grpcs://`, `wss://` over TLS; without a scheme `http://` is meant.
   */
  host: string;
  /** Sent with every request, such as `authorization`. */
  headers?: Readonly<Record<string, string>>;
  /** For every request that brings none of its own; see {@link CallOptions.timeoutMs}. */
  timeoutMs?: number;
  /** For every post that brings none of its own; see {@link PostOptions.prefetch}. */
  prefetch?: number;
  /** How requests are compressed, default not at all; gRPC only: the other protocols leave it to proxies. */
  compression?: Compression;
}

export type Compression = 'gzip' | 'deflate';

/** What every kind of call takes. */
export interface CallOptions {
  /** Aborting it ends everything that the call started. */
  signal?: AbortSignal;
  /**
   * Milliseconds for one request, its retries included; the gateway is told, and drops what is late. Without it the
   * gateway's own limit counts, and the client gives up after 5 minutes.
   */
  timeoutMs?: number;
}

/** What requests take beside documents. */
export interface RequestOptions<Parameters extends object = JsonObject> extends CallOptions {
  parameters?: Parameters;
  /** Regular expression, matched from the start of executors' names; others are skipped. */
  targetExecutor?: string;
  /** Larger is more urgent, default 0; each step is worth 100 ms of waiting. */
  priority?: number;
  /** W3C trace context; default: that of the active OpenTelemetry span, if there is one. */
  traceparent?: string;
}

export interface PostOptions<Parameters extends object = JsonObject>
  extends RequestOptions<Parameters>, ResponseCallbacks {
  /** Documents in one request, default 100; 0 or less: all in one. */
  requestSize?: number;
  /** Requests on their way at the same time, answers that are not read yet included; default 1000. */
  prefetch?: number;
  /** Whether answers come in the order of the inputs instead of as they are ready; default false. */
  resultsInOrder?: boolean;
  /**
   * How often a request is sent again when the gateway is overloaded, restarting or not reached; default 0. Ask for it
   * only where doing the same twice is harmless: a connection that broke may have delivered the request.
   */
  retries?: number;
  /** Draws a progress bar on stderr when that is a terminal; default false. */
  showProgress?: boolean;
}

/** What the client gives up after when nobody set a limit. */
export const defaultTimeoutMs = 300_000;
export const defaultPrefetch = 1000;
export const defaultRequestSize = 100;

/** @throws `invalid_argument` naming the option, what was expected and what came */
export function checkOptions(options: PostOptions<object>): void {
  checkNumber('timeoutMs', options.timeoutMs, 'milliseconds above 0', (value) => value > 0);
  checkNumber('prefetch', options.prefetch, 'an integer above 0', (value) => Number.isInteger(value) && value > 0);
  checkNumber('requestSize', options.requestSize, 'an integer', Number.isInteger);
  checkNumber('retries', options.retries, 'an integer of 0 or more', (value) => Number.isInteger(value) && value >= 0);
  checkNumber('priority', options.priority, 'an integer', Number.isInteger);
}

function checkNumber(
  name: string,
  value: number | undefined,
  expected: string,
  isValid: (value: number) => boolean,
): void {
  if (value === undefined || (typeof value === 'number' && isValid(value))) return;
  throw new FlowError('invalid_argument', `${name}: expected ${expected}, got ${describeValue(value)}`);
}

/** What a scheme of `host` speaks. */
const schemes = {
  'http:': 'http',
  'https:': 'http',
  'grpc:': 'grpc',
  'grpcs:': 'grpc',
  'ws:': 'websocket',
  'wss:': 'websocket',
} as const;

/** Where a gateway is and how to speak to it. */
export interface HostAddress {
  readonly url: URL;
  readonly protocol: (typeof schemes)[keyof typeof schemes];
}

/** The address in `host`. @throws `invalid_argument` when it is none that this client can speak to */
export function parseHost(host: unknown): HostAddress {
  const text = typeof host === 'string' ? host.trim() : '';
  const url = URL.canParse(withScheme(text)) ? new URL(withScheme(text)) : undefined;
  if (text === '' || url === undefined || url.hostname === '') {
    throw new FlowError(
      'invalid_argument',
      `host: expected an address such as http://localhost:51000, got ${describeValue(host)}`,
    );
  }
  const { protocol: scheme } = url;
  if (!isScheme(scheme)) {
    const known = Object.keys(schemes).map((name) => `${name}//`);
    throw new FlowError('invalid_argument', `host: expected ${known.join(', ')}, got ${scheme}// in ${text}`);
  }
  const protocol = schemes[scheme];
  if (protocol === 'grpc' && !['', '/'].includes(url.pathname)) {
    throw new FlowError(
      'invalid_argument',
      `host: gRPC takes an address without a path, got ${url.pathname} in ${text}`,
    );
  }
  return { url, protocol };
}

function isScheme(scheme: string): scheme is keyof typeof schemes {
  return Object.hasOwn(schemes, scheme);
}

function withScheme(host: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(host) ? host : `http://${host}`;
}
