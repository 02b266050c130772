export {
  Document,
  DocumentArray,
  type DocumentFields,
  type Dtype,
  FlowError,
  type Json,
  type JsonObject,
  type NamedScore,
  Tensor,
} from '../../core/index.ts';
export type { Call, ExecutorContext, ExecutorLogger, LoadProgress, RequestInfo } from './context.ts';
export { dynamicBatching, monitor, requests } from './decorators.ts';
export type {
  CostUnit,
  DynamicBatchingOptions,
  Effect,
  EndpointOptions,
  EndpointSettings,
  EndpointTable,
} from './endpoint.ts';
export { type CostCalibration, type EndpointResult, Executor, type OptionsSchema } from './executor.ts';
