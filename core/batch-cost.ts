/** What one call of a model costs beside its rows, and how much one call may carry; in one unit, such as tokens. */
export interface CallCost {
  /** Fixed cost of one call; at least 0. Infinity: calls are so dear that padding never matters. */
  readonly callCost: number;
  /** Most that one call may cost (rows x longest row); Infinity when nothing limits it. */
  readonly maxCallCost: number;
}

/**
 * What is saved when a row joins a call instead of being computed in a call of its own; negative when it is a loss.
 *
 * A call computes `rows x longest row`, because shorter rows are padded. Joining saves one `callCost` and pays for the
 * padding it causes, in the new row or in those that are there.
 *
 * @param count rows in the call so far, at least 1
 * @param longest cost of the longest of them
 * @param next cost of the row that may join
 */
export function joinGain(count: number, longest: number, next: number, callCost: number): number {
  const padding = (count + 1) * Math.max(longest, next) - count * longest - next;
  return callCost - padding;
}

/** Whether a row should join a call; see {@link joinGain}. Parent (batches) and worker (pieces of them) both ask this. */
export function worthJoining(count: number, longest: number, next: number, callCost: number): boolean {
  return joinGain(count, longest, next, callCost) >= 0;
}

/**
 * Cuts rows into the calls that cost least together: similar lengths go together, and a call more is made exactly
 * when the padding it avoids costs more than the call.
 *
 * A call stays within `maxCallCost` unless it has one row. Every row is in exactly one call.
 *
 * @returns for each call the indices of its rows, shortest first; calls in the order of their lengths
 */
export function cutByCost(rowCosts: readonly number[], { callCost, maxCallCost }: CallCost): number[][] {
  const order = rowCosts.map((_cost, index) => index).sort((a, b) => (rowCosts[a] ?? 0) - (rowCosts[b] ?? 0));
  // An infinite price would make all cuts look alike; any price above all possible padding means the same.
  const longestRow = rowCosts[order.at(-1) ?? 0] ?? 0;
  const price = Math.min(callCost, order.length * order.length * Math.max(1, longestRow));
  // cheapest[end]: least cost of the `end` shortest rows; cuts[end]: where the last call of that cut begins.
  const cheapest = [0];
  const cuts = [0];
  for (let end = 1; end <= order.length; end++) {
    const longest = rowCosts[order[end - 1] ?? 0] ?? 0;
    let best = Infinity;
    let cut = end - 1;
    for (let first = end - 1; first >= 0; first--) {
      const size = end - first;
      if (size > 1 && size * longest > maxCallCost) break;
      const total = (cheapest[first] ?? 0) + price + size * longest;
      if (total <= best) {
        best = total;
        cut = first;
      }
    }
    cheapest.push(best);
    cuts.push(cut);
  }
  const calls: number[][] = [];
  for (let end = order.length; end > 0; end = cuts[end] ?? 0) calls.push(order.slice(cuts[end] ?? 0, end));
  return calls.reverse();
}
