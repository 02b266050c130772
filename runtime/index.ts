export { describeExecutors, type ExecutorDescription } from './describe.ts';
export { createRuntime, type RuntimeOptions } from './local-runtime.ts';
export type {
  ExecutorStatus,
  Runtime,
  RuntimeStatus,
  StreamSubmission,
  Submission,
  WorkerState,
  WorkerStatus,
} from './runtime.ts';
export type { EndpointManifest, Manifest } from './wire/index.ts';
