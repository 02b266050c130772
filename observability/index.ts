export {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  metrics,
  type Phase,
  phases,
} from './catalogue.ts';
export type { Instrument } from './instrument.ts';
export { type BatchRecord, type Note, type PhaseStamp, type RequestEnd, RequestRecord } from './record.ts';
