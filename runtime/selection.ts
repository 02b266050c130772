import { FlowError } from '../core/index.ts';
import type { ExecutorPool } from './executor-pool.ts';
import type { EndpointManifest } from './wire/index.ts';

/** Every flow answers it, whoever binds it: clients ping with it. */
const rootEndpoint = '/';
const maxPatternLength = 256;
/** Different targets remembered; requests use very few. */
const maxCached = 256;

/** Which executors a request names, and by which of their endpoints it reaches them; undefined: they do not bind it. */
export type Selection = ReadonlyMap<string, EndpointManifest | undefined>;

/** Answers, and remembers, which executors of a flow a request reaches. */
export class Selector {
  private readonly pools: readonly ExecutorPool[];
  private readonly cache = new Map<string, Selection>();

  constructor(pools: readonly ExecutorPool[]) {
    this.pools = pools;
  }

  /**
   * @param target regular expression matched from the start of each executor's name; empty means all
   * @throws `unknown_target`, `unknown_endpoint`, naming what there is; `invalid_argument` for a broken expression
   */
  select(endpoint: string, target = ''): Selection {
    const key = `${endpoint}\n${target}`;
    const known = this.cache.get(key);
    if (known !== undefined) return known;
    const targeted = target === '' ? this.pools : this.matching(target);
    const selection = new Map(targeted.map((pool) => [pool.plan.name, pool.endpointOf(endpoint)]));
    const isBound = [...selection.values()].some((binding) => binding !== undefined);
    if (!isBound && endpoint !== rootEndpoint) throw this.unknownEndpoint(endpoint, targeted);
    if (this.cache.size >= maxCached) this.cache.clear();
    this.cache.set(key, selection);
    return selection;
  }

  private matching(target: string): readonly ExecutorPool[] {
    if (target.length > maxPatternLength) {
      throw new FlowError(
        'invalid_argument',
        `target_executor takes at most ${maxPatternLength} characters, got ${target.length}`,
      );
    }
    let pattern: RegExp;
    try {
      pattern = new RegExp(`^(?:${target})`);
    } catch (error) {
      throw FlowError.from(error, 'invalid_argument', 'target_executor is not a regular expression');
    }
    const matching = this.pools.filter(({ plan }) => pattern.test(plan.name));
    if (matching.length > 0) return matching;
    const names = this.pools.map(({ plan }) => plan.name).join(', ');
    throw new FlowError('unknown_target', `target_executor matches none of the executors ${names}`);
  }

  private unknownEndpoint(endpoint: string, pools: readonly ExecutorPool[]): FlowError {
    const known = new Set(pools.flatMap((pool) => pool.status().endpoints.map(({ name }) => name)));
    return new FlowError(
      'unknown_endpoint',
      `no executor binds the endpoint ${JSON.stringify(endpoint.slice(0, 100))}; there are: ${[...known].sort().join(', ')}`,
    );
  }
}
