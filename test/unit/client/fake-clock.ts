import type { Clock } from '../../../core/index.ts';

/** Time that passes only when a test says so. */
export class FakeClock implements Clock {
  private time = 0;
  private timers: { atMs: number; run: () => void }[] = [];
  private onTimer: (() => void) | undefined;

  now(): number {
    return this.time;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.time + delayMs, run };
    this.timers.push(timer);
    this.onTimer?.();
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Milliseconds until the next timer; waits until one is set. */
  async nextDelay(): Promise<number> {
    if (this.timers.length === 0) {
      await new Promise<void>((resolve) => {
        this.onTimer = resolve;
      });
    }
    return Math.min(...this.timers.map(({ atMs }) => atMs)) - this.time;
  }

  get timerCount(): number {
    return this.timers.length;
  }

  advance(byMs: number): void {
    this.time += byMs;
    const due = this.timers.filter(({ atMs }) => atMs <= this.time);
    this.timers = this.timers.filter(({ atMs }) => atMs > this.time);
    for (const { run } of due) run();
  }
}
