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
export { decodeDocuments, encodeDocuments } from './documents.ts';
export { decodeError, encodeError } from './error-codec.ts';
export { Link, type LinkEvents, noPayload, type Payload } from './link.ts';
export { protocolVersions } from './messages.ts';
