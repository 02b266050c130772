import { type Clock, FlowError } from '../core/index.ts';
import { delay } from './deadline.ts';
import type { ClientResponse } from './response.ts';

const firstWaitMs = 500;
const waitGrowth = 1.5;
const longestWaitMs = 2000;

export interface RetryPlan {
  /** Attempts after the first one. */
  readonly retries: number;
  /** Monotonic ms; no attempt starts after it. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** From 0 to 1, as Math.random. */
  readonly random: () => number;
}

/** Sends until it works, the fault is one that would come again, or attempts or time are used up. */
export async function withRetries(send: () => Promise<ClientResponse>, plan: RetryPlan): Promise<ClientResponse> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptOnce(send);
    const error = outcome instanceof FlowError ? outcome : outcome.error;
    if (error !== undefined && attempt <= plan.retries && !plan.signal.aborted && isWorthRetrying(error)) {
      const waitMs = retryWaitMs(error, attempt, plan.random());
      if (plan.clock.now() + waitMs < plan.deadline) {
        await delay(waitMs, plan.signal, plan.clock);
        continue;
      }
    }
    if (outcome instanceof FlowError) throw outcome;
    return outcome;
  }
}

async function attemptOnce(send: () => Promise<ClientResponse>): Promise<ClientResponse | FlowError> {
  try {
    return await send();
  } catch (error) {
    return FlowError.from(error);
  }
}

/** An HTTP status that says nothing about load (a wrong path, a missing key) comes again, whatever the reason's default. */
function isWorthRetrying(error: FlowError): boolean {
  const status = error.details['status'];
  if (typeof status === 'number' && status >= 300) return [429, 502, 503, 504].includes(status);
  return error.isRetryable;
}

/**
 * Milliseconds before attempt `attempt + 1`: 500, 750, 1125 ... up to 2000, of which a random half is left out so that
 * requests which failed together do not come back together. What the gateway asked for (Retry-After) is the least.
 */
export function retryWaitMs(error: FlowError, attempt: number, random: number): number {
  const whole = Math.min(firstWaitMs * waitGrowth ** (attempt - 1), longestWaitMs);
  const asked = error.details['retryAfterMs'];
  return Math.max(whole * (1 - random / 2), typeof asked === 'number' ? asked : 0);
}
