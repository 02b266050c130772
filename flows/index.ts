export {
  type AddOptions,
  type BatchingOptions,
  type ExecutorFileOptions,
  Flow,
  type FlowOptions,
  type FlowPlace,
  type GatewayOptions,
} from './builder.ts';
export { type BuiltinName, builtins, findBuiltin } from './builtins.ts';
export { describePlan, type FlowDrawing } from './drawing.ts';
export { type Fault, faultsOf, formatFaults } from './fault.ts';
export { flowJsonSchema } from './json-schema.ts';
export { loadFlow, type LoadOptions, parseFlow, type ParseOptions } from './load.ts';
export { flowReference, type KeyReference, type SectionReference } from './reference.ts';
export type {
  BatchingOverride,
  ExecutorPlan,
  ExecutorSource,
  ExposedEndpoint,
  GatewayPlan,
  ListenerPlan,
  Plan,
  Protocol,
  QueueBounds,
  TracingPlan,
} from './plan.ts';
