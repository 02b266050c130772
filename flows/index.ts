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
