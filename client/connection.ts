import { systemClock } from '../core/index.ts';
import { follow, openScope } from './deadline.ts';
import { type CallOptions, checkOptions } from './options.ts';
import type { CallLimits, Transport } from './transport.ts';

/** What every call of a client shares. */
export interface Connection {
  readonly transport: Transport;
  /** For requests that bring none of their own. */
  readonly timeoutMs: number | undefined;
  readonly prefetch: number;
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal;
}

/** Asking whether the gateway is there takes no longer, unless the caller says so. */
const probeTimeoutMs = 5000;

/** Asks the gateway something small. */
export async function probe<T>(
  connection: Connection,
  options: CallOptions,
  ask: (limits: CallLimits) => Promise<T>,
): Promise<T> {
  checkOptions(options);
  const run = new AbortController();
  const unfollow = follow(run, [options.signal, connection.closing]);
  const scope = openScope(run.signal, options.timeoutMs ?? probeTimeoutMs, systemClock);
  try {
    return await ask({ signal: scope.signal, deadline: Infinity });
  } finally {
    scope.close();
    unfollow();
  }
}
