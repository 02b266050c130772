/** Retries that may be saved up. */
const capacity = 256;
/** What each request adds. */
const perRequest = 0.2;

/**
 * Limits retries to a part of the traffic, so that a fault that kills workers does not double the load on those left:
 * one for each five requests, saved up to 256.
 */
export class RetryBudget {
  private tokens = capacity;

  earn(): void {
    this.tokens = Math.min(capacity, this.tokens + perRequest);
  }

  /** Whether a retry may be made; counts it. */
  spend(): boolean {
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
