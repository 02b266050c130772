import type { RequestEnd, RequestRecord } from './record.ts';

/** A request that ended, as people look at it: times in ms from its first byte. */
export interface RecentRequest {
  readonly id: string;
  readonly protocol: string;
  readonly endpoint: string;
  /** Monotonic ms of its end. */
  readonly endMs: number;
  readonly ms: number;
  /** Why it failed. */
  readonly reason?: string;
  readonly phases: readonly {
    readonly executor: string;
    readonly phase: string;
    readonly from: number;
    readonly to: number;
    /** Documents of the batch that it ran in. */
    readonly documents?: number;
  }[];
}

/** How long requests are remembered after anybody asked for them, and how old one may be. */
const watchMs = 15_000;
const oldestMs = 60_000;
const most = 20;

/** The slowest requests of the last minute and those that failed; remembered only while somebody looks. */
export class RecentRequests {
  #watchedUntilMs = -Infinity;
  #kept: RecentRequest[] = [];

  /** Whether requests need to note their phases. */
  isWatched(nowMs: number): boolean {
    return nowMs < this.#watchedUntilMs;
  }

  add(record: RequestRecord, end: RequestEnd): void {
    if (!this.isWatched(end.endMs)) return;
    const ms = Math.max(0, end.endMs - record.startMs);
    const kept = this.#fresh(end.endMs);
    const last = kept.at(-1);
    if (kept.length >= most && end.error === undefined && last !== undefined && last.ms >= ms) return;
    kept.push(recent(record, end, ms));
    this.#kept = kept.sort((a, b) => b.ms - a.ms).slice(0, most);
  }

  /** Slowest first; from now on requests are remembered for a while. */
  read(nowMs: number): readonly RecentRequest[] {
    this.#watchedUntilMs = nowMs + watchMs;
    return (this.#kept = this.#fresh(nowMs));
  }

  #fresh(nowMs: number): RecentRequest[] {
    return this.#kept.filter(({ endMs }) => nowMs - endMs < oldestMs);
  }
}

function recent(record: RequestRecord, end: RequestEnd, ms: number): RecentRequest {
  return {
    id: record.requestId,
    protocol: record.protocol,
    endpoint: end.endpointLabel,
    endMs: end.endMs,
    ms,
    ...(end.error === undefined ? {} : { reason: end.error.reason }),
    phases: record.phases.map(({ phase, executor, startMs, endMs, batch }) => ({
      executor,
      phase,
      from: startMs - record.startMs,
      to: endMs - record.startMs,
      ...(batch === undefined ? {} : { documents: batch.documents }),
    })),
  };
}
