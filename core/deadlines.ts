import type { Clock } from './clock.ts';

/** What ends when its time is up. */
export interface Expiring {
  /** Monotonic ms; Infinity for never. */
  readonly deadline: number;
  expire(): void;
}

/** Longest timer of the platform; what lies further away is looked at again then. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * The deadlines of everything that is open, with one timer for all.
 *
 * Requests come and go far more often than one of them expires: adding and removing set no timer as long as an
 * earlier one is set already.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #open = new Set<Expiring>();
  #nextMs = Infinity;
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(item: Expiring): void {
    this.#open.add(item);
    if (item.deadline < this.#nextMs) this.#set(item.deadline);
  }

  remove(item: Expiring): void {
    // The timer stays: the next one to be added is most likely due after it.
    this.#open.delete(item);
  }

  /** Watches nothing any more. */
  close(): void {
    this.#open.clear();
    this.#clear();
  }

  #set(nextMs: number): void {
    this.#clear();
    this.#nextMs = nextMs;
    const delayMs = Math.min(maxTimerMs, Math.max(0, nextMs - this.#clock.now()));
    this.#stopTimer = this.#clock.after(delayMs, () => this.#look());
  }

  #clear(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#nextMs = Infinity;
  }

  #look(): void {
    this.#clear();
    const now = this.#clock.now();
    let nextMs = Infinity;
    for (const item of [...this.#open]) {
      if (item.deadline > now) nextMs = Math.min(nextMs, item.deadline);
      else {
        this.#open.delete(item);
        item.expire();
      }
    }
    if (nextMs < this.#nextMs) this.#set(nextMs);
  }
}
