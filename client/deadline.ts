import { type Clock, FlowError } from '../core/index.ts';

/** Longer timers than this fire at once in every JavaScript engine. */
const longestTimerMs = 2 ** 31 - 1;

/** The life of one request: it aborts when its time is over or when its parent aborts. */
export interface Scope {
  /** Its reason is a FlowError. */
  readonly signal: AbortSignal;
  /** Stops the timer and lets go of the parent. */
  close(): void;
}

/** @param timeoutMs Infinity for no limit */
export function openScope(parent: AbortSignal, timeoutMs: number, clock: Clock): Scope {
  const controller = new AbortController();
  const unfollow = follow(controller, [parent]);
  const expire = (): void =>
    controller.abort(new FlowError('deadline_exceeded', `no answer within ${timeoutMs} ms (timeoutMs)`));
  const stopTimer = timeoutMs > longestTimerMs ? undefined : clock.after(timeoutMs, expire);
  return {
    signal: controller.signal,
    close() {
      stopTimer?.();
      unfollow();
    },
  };
}

/** Aborts `controller` as soon as one of `signals` aborts, with a FlowError as the reason; the result ends that. */
export function follow(controller: AbortController, signals: readonly (AbortSignal | undefined)[]): () => void {
  const present = signals.filter((signal) => signal !== undefined);
  for (const signal of present) {
    if (signal.aborted) controller.abort(abortError(signal));
    join(controller, signal);
  }
  return () => {
    for (const signal of present) leave(controller, signal);
  };
}

/** One listener for each signal, however many follow it: platforms warn of, and search through, long lists of them. */
const followers = new WeakMap<AbortSignal, { controllers: Set<AbortController>; relay: () => void }>();

function join(controller: AbortController, signal: AbortSignal): void {
  const group = followers.get(signal);
  if (group !== undefined) {
    group.controllers.add(controller);
    return;
  }
  const controllers = new Set([controller]);
  const relay = (): void => {
    for (const follower of controllers) follower.abort(abortError(signal));
  };
  followers.set(signal, { controllers, relay });
  signal.addEventListener('abort', relay, { once: true });
}

function leave(controller: AbortController, signal: AbortSignal): void {
  const group = followers.get(signal);
  group?.controllers.delete(controller);
  if (group?.controllers.size !== 0) return;
  signal.removeEventListener('abort', group.relay);
  followers.delete(signal);
}

/** The reason of an aborted signal as a FlowError. */
export function abortError(signal: AbortSignal): FlowError {
  const reason: unknown = signal.reason;
  if (reason instanceof FlowError) return reason;
  return new FlowError('cancelled', 'the caller cancelled the request', { cause: reason });
}

/** Waits, or throws the signal's reason as soon as it aborts. */
export function delay(delayMs: number, signal: AbortSignal, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortError(signal));
      return;
    }
    const abort = (): void => {
      stopTimer();
      reject(abortError(signal));
    };
    const stopTimer = clock.after(delayMs, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}
