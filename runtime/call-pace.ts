/** Work that may lie ready in a worker beside the call it computes, ms. */
const aheadMs = 1;
const maxAhead = 8;
/** Weight of the newest call. */
const weight = 0.1;

/**
 * How fast an endpoint's calls are, and so how many of them may be sent before the one before has answered.
 *
 * A call shorter than the way to the worker and back leaves the worker idle for most of the time. Sent ahead, calls
 * share frames and wake-ups. What lies ready in a worker cannot go to another one any more, so it is at most a
 * millisecond of work: see docs/decisions/0004-calls-sent-ahead.md.
 */
export class CallPace {
  private meanMs = Infinity;

  add(runMs: number): void {
    this.meanMs = this.meanMs === Infinity ? runMs : this.meanMs + weight * (runMs - this.meanMs);
  }

  /** Calls that may be sent ahead; 0 until one was measured. */
  get ahead(): number {
    return Math.min(maxAhead, Math.floor(aheadMs / this.meanMs));
  }
}
