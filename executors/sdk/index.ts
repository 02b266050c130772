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
export { dynamicBatching, type MethodRegistration, monitor, readRegistrations, requests } from './decorators.ts';
export { defaultEndpoint } from './endpoint.ts';
export type {
  CostUnit,
  DynamicBatchingOptions,
  Effect,
  EndpointOptions,
  EndpointSettings,
  EndpointTable,
} from './endpoint.ts';
export { type CostCalibration, type EndpointResult, Executor, executorBrand, type OptionsSchema } from './executor.ts';
