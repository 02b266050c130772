export { type BatchParameters, splitParameters } from './batch-key.ts';
export { type CostUnit, documentCost, largestCost, requestBytes } from './cost.ts';
export type { BatchDecision, BatchPart, Decision, FlushReason } from './decision.ts';
export { EndpointQueue, type EndpointQueueSettings } from './endpoint-queue.ts';
export { decide } from './policy.ts';
export type { Arrival, QueueEntry } from './queue-entry.ts';
export { type LaneKind, type LaneView, type QueueView, rankOf, type WaitingEntry } from './queue-view.ts';
