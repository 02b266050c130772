import type { BatchDecision, Decision, FlushReason } from './decision.ts';
import { LaneDraft } from './lane-draft.ts';
import type { QueueView, WaitingEntry } from './queue-view.ts';

/**
 * Chooses the next calls of one executor: at most `freeSlots`, the most urgent first across its queues.
 *
 * A lane is due when it holds as many rows as a call takes, when its oldest entry has waited for `timeoutMs` (0: at
 * once), when the rest of a split request is in it, or when its queue drains. A batch always has its lane's most
 * urgent entry. Others of the lane join it up to `preferredBatchSize` rows: in order, or, where costs are calibrated,
 * the nearest in cost first out of a bounded window, while the padding they cause costs no more than the call they
 * save and `maxCallCost` holds. The work is that of the rows taken and of the window, not of the queue.
 *
 * Pure: the caller takes the parts from its queues, all of them, before it asks again.
 */
export function decide<E extends WaitingEntry>(
  queues: readonly QueueView<E>[],
  now: number,
  freeSlots: number,
): Decision<E> {
  const batches: BatchDecision<E>[] = [];
  if (freeSlots <= 0) return { batches, wakeAt: undefined };
  const lanes = queues.flatMap((queue, index) => Array.from(queue.lanes, (lane) => new LaneDraft(queue, index, lane)));
  while (batches.length < freeSlots) {
    const next = mostUrgentDue(lanes, now);
    if (next === undefined) return { batches, wakeAt: earliestDue(lanes) };
    batches.push(next.lane.cut(next.head, next.reason));
  }
  return { batches, wakeAt: undefined };
}

function mostUrgentDue<E extends WaitingEntry>(lanes: readonly LaneDraft<E>[], now: number) {
  let best: { lane: LaneDraft<E>; head: E; reason: FlushReason } | undefined;
  for (const lane of lanes) {
    const head = lane.head;
    if (head === undefined || (best !== undefined && best.head.rank <= head.rank)) continue;
    const reason = lane.reasonToLeave(head, now);
    if (reason !== undefined) best = { lane, head, reason };
  }
  return best;
}

function earliestDue<E extends WaitingEntry>(lanes: readonly LaneDraft<E>[]): number | undefined {
  let earliest: number | undefined;
  for (const { dueAt } of lanes) {
    if (dueAt !== undefined && (earliest === undefined || dueAt < earliest)) earliest = dueAt;
  }
  return earliest;
}
