export type {
  BatchingData,
  CalibrationData,
  ColumnData,
  DocumentsData,
  EndpointManifest,
  ErrorData,
  ExecutorData,
  Manifest,
  MetricDelta,
  Outcome,
  RequestPart,
  RunTimings,
  SourceData,
  ToParent,
  ToWorker,
  VersionRange,
} from './messages.ts';
export { protocolVersions } from './messages.ts';
