import { type CallCost, type Clock, systemClock } from '../../core/index.ts';

/** Computes `rows` rows of `length` tokens as one call. */
export type ModelCall = (rows: number, length: number) => Promise<void>;

/** Lengths that show what a call costs beside its tokens. */
const shortLength = 8;
const longLength = 64;
/** Samples of a short call; the fastest counts, since others on the machine only ever make it slower. */
const samples = 5;
/** Length at which growing calls are tried. */
const growthLength = 256;
/** A larger call is taken while its tokens are at most this much slower than the best. */
const toleratedSlowdown = 1.1;
/** Largest call that is tried: the vectors of its tokens fill some 100 MB. */
const mostTokens = 65_536;
/** What all of it may take. */
const budgetMs = 1500;

/**
 * Measures a model's costs in tokens: the fixed cost of a call, and how large calls may grow before their tokens get
 * slower (on a CPU that is when they leave the caches).
 *
 * @param maxLength most tokens of a row
 */
export async function calibrate(call: ModelCall, maxLength: number, clock: Clock = systemClock): Promise<CallCost> {
  const started = clock.now();
  const time = async (rows: number, length: number, count: number): Promise<number> => {
    let best = Infinity;
    for (let sample = 0; sample < count; sample++) {
      const before = clock.now();
      await call(rows, length);
      best = Math.min(best, clock.now() - before);
    }
    return best;
  };
  const [short, long] = [Math.min(shortLength, maxLength), Math.min(longLength, maxLength)];
  // The first call of a session allocates and is not like the others.
  await call(1, short);
  const shortMs = await time(1, short, samples);
  const longMs = await time(1, long, samples);
  const tokenMs = Math.max((longMs - shortMs) / Math.max(1, long - short), 1e-6);
  const callCost = Math.max(0, shortMs / tokenMs - short);

  const length = Math.min(growthLength, maxLength);
  const hasTimeFor = (ms: number): boolean => clock.now() + ms <= started + budgetMs;
  let [bestRate, maxCallCost] = [Infinity, length];
  for (let rows = 1; rows * length <= mostTokens; rows *= 2) {
    const tokens = rows * length;
    let elapsed = await time(rows, length, 1);
    const isSlow = (): boolean => elapsed / tokens > bestRate * toleratedSlowdown;
    // Perhaps only something else on the machine got in between.
    for (let retry = 0; retry < 2 && isSlow() && hasTimeFor(elapsed); retry++) {
      elapsed = Math.min(elapsed, await time(rows, length, 1));
    }
    if (isSlow()) break;
    bestRate = Math.min(bestRate, elapsed / tokens);
    maxCallCost = tokens;
    if (!hasTimeFor(2 * elapsed)) break;
  }
  return { callCost, maxCallCost };
}
