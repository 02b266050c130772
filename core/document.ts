import type { DocumentArray } from './document-array.ts';
import type { JsonObject } from './json.ts';
import type { Tensor } from './tensor.ts';

/** One named score of a match. */
export interface NamedScore {
  value: number;
  opName?: string;
  description?: string;
  refId?: string;
}

/** The fields a document may be made of; all are optional. */
export interface DocumentFields {
  /** Unique within a request; 32 hexadecimal digits are made when it is missing. */
  id?: string;
  text?: string;
  /** Raw bytes, such as an encoded picture. */
  blob?: Uint8Array;
  /** Input or output numbers of a model, any shape. */
  tensor?: Tensor;
  uri?: string;
  mimeType?: string;
  modality?: string;
  /** Usually a float32 vector of shape [dimension]. */
  embedding?: Tensor;
  tags?: JsonObject;
  scores?: Record<string, NamedScore>;
  evaluations?: Record<string, NamedScore>;
  matches?: DocumentArray;
  chunks?: DocumentArray;
  parentId?: string;
  granularity?: number;
  adjacency?: number;
  weight?: number;
  offset?: number;
  location?: number[];
}

/** The unit of data of a flow: text, bytes, numbers and what executors found out about them. */
export class Document implements DocumentFields {
  id: string;
  text?: string;
  blob?: Uint8Array;
  tensor?: Tensor;
  uri?: string;
  mimeType?: string;
  modality?: string;
  embedding?: Tensor;
  tags?: JsonObject;
  scores?: Record<string, NamedScore>;
  evaluations?: Record<string, NamedScore>;
  matches?: DocumentArray;
  chunks?: DocumentArray;
  parentId?: string;
  granularity?: number;
  adjacency?: number;
  weight?: number;
  offset?: number;
  location?: number[];

  constructor(fields: DocumentFields = {}) {
    Object.assign(this, fields);
    this.id = fields.id ?? newId();
  }
}

/** 32 random hexadecimal digits. */
export function newId(): string {
  return globalThis.crypto.randomUUID().replaceAll('-', '');
}
