export { type CallCost, cutByCost, joinGain, worthJoining } from './batch-cost.ts';
export { type Clock, monotonicMs, systemClock, toEpochMs } from './clock.ts';
export { Deadlines, type Expiring } from './deadlines.ts';
export {
  Document,
  DocumentArray,
  type DocumentFields,
  type DocumentInput,
  isDocument,
  type NamedScore,
  newId,
} from './document.ts';
export {
  documentFromJson,
  documentsFromJson,
  documentsToJson,
  documentToJson,
  fieldFault,
  type JsonPath,
  pathText,
  type TensorForm,
} from './document-json.ts';
export { parseDuration } from './duration.ts';
export { type ExceptionInfo, exceptionInfo, FlowError, type FlowErrorOptions, rootCause } from './flow-error.ts';
export { canonicalJson, describeValue, isObject, type Json, type JsonObject } from './json.ts';
export { type ErrorCode, isReason, type Reason, reasons } from './reasons.ts';
export type { FlowRequest, FlowResponse, Route } from './request.ts';
export { type Dtype, dtypes, elementBytes, elementCount, isDtype, type NumberArray, Tensor } from './tensor.ts';
export { formatTraceparent, parseTraceparent, type TraceContext } from './trace-context.ts';
