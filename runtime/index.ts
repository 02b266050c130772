export type {
  ExecutorStatus,
  Runtime,
  RuntimeStatus,
  StreamSubmission,
  Submission,
  WorkerState,
  WorkerStatus,
} from './runtime.ts';
