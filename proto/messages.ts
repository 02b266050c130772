/** Messages as the protobuf library decodes them; a field that was not sent is missing, the value of a map's entry null. */

export interface StructMessage {
  fields?: Record<string, ValueMessage | null>;
}

export interface ValueMessage {
  nullValue?: number;
  numberValue?: number;
  stringValue?: string;
  boolValue?: boolean;
  structValue?: StructMessage;
  listValue?: { values?: ValueMessage[] };
}

export interface DenseMessage {
  buffer?: Uint8Array;
  shape?: number[];
  dtype?: string;
}

export interface NdArrayMessage {
  dense?: DenseMessage | null;
  sparse?: object | null;
  cls_name?: string;
}

export interface ScoreMessage {
  value?: number;
  op_name?: string;
  description?: string;
  ref_id?: string;
}

export interface DocumentMessage {
  id?: string;
  blob?: Uint8Array | null;
  tensor?: NdArrayMessage | null;
  text?: string | null;
  granularity?: number;
  adjacency?: number;
  parent_id?: string;
  weight?: number;
  uri?: string;
  modality?: string;
  mime_type?: string;
  offset?: number;
  location?: number[];
  chunks?: DocumentMessage[];
  matches?: DocumentMessage[];
  embedding?: NdArrayMessage | null;
  tags?: StructMessage | null;
  scores?: Record<string, ScoreMessage | null>;
  evaluations?: Record<string, ScoreMessage | null>;
}

export interface StatusMessage {
  code?: number;
  description?: string;
  exception?: { name?: string; args?: string[]; stacks?: string[]; executor?: string } | null;
}

export interface HeaderMessage {
  request_id?: string;
  status?: StatusMessage | null;
  exec_endpoint?: string;
  target_executor?: string;
  timeout?: number;
  metadata?: Record<string, string>;
}

/** google.protobuf.Timestamp. The library gives 64-bit numbers as objects that `Number` understands. */
export interface TimestampMessage {
  seconds?: number | { toNumber(): number };
  nanos?: number;
}

export interface RouteMessage {
  executor?: string;
  start_time?: TimestampMessage | null;
  end_time?: TimestampMessage | null;
  status?: StatusMessage | null;
}

/** `jina.SingleDocumentRequestProto`, in both directions of `stream_doc`. */
export interface DocumentRequestMessage {
  header?: HeaderMessage | null;
  parameters?: StructMessage | null;
  document?: DocumentMessage | null;
}

export interface DataRequestMessage {
  header?: HeaderMessage | null;
  parameters?: StructMessage | null;
  routes?: RouteMessage[];
  data?: { docs?: { docs?: DocumentMessage[] } | null; docs_bytes?: Uint8Array | null } | null;
}

/** A request of a streaming endpoint, and each document of its answer. */
export interface DocumentRequestMessage {
  header?: HeaderMessage | null;
  parameters?: StructMessage | null;
  document?: DocumentMessage | null;
}
