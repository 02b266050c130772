export type {
  DataRequestMessage,
  DocumentRequestMessage,
  HeaderMessage,
  RouteMessage,
  StatusMessage,
} from './messages.ts';
export {
  decodeDataRequest,
  decodeDocumentRequest,
  documentsMessage,
  documentsOf,
  encodeDataRequest,
  encodeDocumentRequest,
  parametersOf,
  timestampFromMs,
  timestampToMs,
} from './requests.ts';
export { messageType } from './schema.ts';
export { structFromJson } from './struct.ts';
