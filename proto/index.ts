export type { DataRequestMessage, HeaderMessage, RouteMessage, StatusMessage } from './messages.ts';
export {
  decodeDataRequest,
  documentsMessage,
  documentsOf,
  encodeDataRequest,
  parametersOf,
  timestampFromMs,
  timestampToMs,
} from './requests.ts';
export { messageType } from './schema.ts';
export { structFromJson } from './struct.ts';
