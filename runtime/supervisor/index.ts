export { Replica, type ReplicaEvents, type ReplicaSettings } from './replica.ts';
export {
  type ItemMessage,
  type ReportMessage,
  type ResultMessage,
  type RunMessage,
  type RunWaiter,
  type WorkerEvents,
  WorkerProcess,
  type WorkerSettings,
} from './worker-process.ts';
