import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '../client/index.ts';
import { FlowError } from '../core/index.ts';
import { exitCodes } from './exit-code.ts';
import type { Output } from './output.ts';

export interface PingOptions {
  readonly host: string;
  /** ms; how long to wait until it is ready. */
  readonly timeout?: number;
}

/** Time between two questions while waiting. */
const pauseMs = 100;

type Health = { readonly state: 'ready' | 'not ready' } | { readonly state: 'unreachable'; readonly error: FlowError };

/** Says whether a flow is ready: at once, or as soon as it is within `timeout`. */
export async function ping(output: Output, options: PingOptions): Promise<number> {
  const startMs = performance.now();
  const endMs = startMs + (options.timeout ?? 0);
  const client = new Client({ host: options.host });
  try {
    let health = await ask(client);
    while (health.state !== 'ready' && performance.now() + pauseMs < endMs) {
      await delay(pauseMs);
      health = await ask(client);
    }
    return tell(output, options.host, health, performance.now() - startMs);
  } finally {
    await client.close();
  }
}

async function ask(client: Client): Promise<Health> {
  if (await client.isReady()) return { state: 'ready' };
  try {
    await client.status();
    return { state: 'not ready' };
  } catch (error) {
    const fault = FlowError.from(error, 'connection_failed');
    // Any other answer, such as a gateway that hides its status page, is an answer.
    return fault.reason === 'connection_failed' ? { state: 'unreachable', error: fault } : { state: 'not ready' };
  }
}

function tell(output: Output, host: string, health: Health, elapsedMs: number): number {
  if (health.state === 'unreachable') throw health.error;
  output.record({ type: 'health', host, ready: health.state === 'ready', ms: elapsedMs });
  output.line(`${output.paint(health.state === 'ready' ? 'green' : 'yellow', health.state)}  ${host}`);
  return health.state === 'ready' ? exitCodes.ok.code : exitCodes.unreachable.code;
}
