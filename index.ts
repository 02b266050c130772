export { FlowError, type Reason } from './core/index.ts';
export {
  type AddOptions,
  type BatchingOptions,
  type ExecutorFileOptions,
  Flow,
  type FlowOptions,
  type FlowPlace,
  type GatewayOptions,
  loadFlow,
  type LoadOptions,
  type Plan,
} from './flows/index.ts';
export type { Logger, LogLevel } from './observability/index.ts';
export { type RunningFlow, startFlow, type StartOptions } from './running-flow.ts';
export type { RuntimeStatus, WorkerState, WorkerStatus } from './runtime/index.ts';
