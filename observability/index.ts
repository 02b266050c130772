export { type Carrier, readTraceContext, writeTraceContext } from './carrier.ts';
export {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricEntry,
  type MetricName,
  metrics,
  type Phase,
  phases,
  spans,
} from './catalogue.ts';
export type { BeginRequest, Instrument } from './instrument.ts';
export { createLogger, type Logger, type LoggerOptions, type LogLevel } from './log.ts';
export { type EndpointNumbers, type ExecutorNumbers, LiveMetrics, type Timing, type WorkerNumbers } from './live.ts';
export { type MetricDelta, MetricStore } from './metric-store.ts';
export { createInstrument, type InstrumentParts, type TailRule } from './phase-instrument.ts';
export { type RecentRequest, RecentRequests } from './recent-requests.ts';
export { type BatchRecord, type Note, type PhaseStamp, type RequestEnd, RequestRecord } from './record.ts';
export { ratioSampler } from './sampler.ts';
export { type Observability, type ObservabilityOptions, startObservability } from './start.ts';
