import { FlowError } from './flow-error.ts';
import type { JsonObject } from './json.ts';
import { Tensor } from './tensor.ts';

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

const documentBrand = Symbol.for('sluice.document');

/** Whether `value` is a document, also one made with another copy of the package, which instanceof does not know. */
export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && documentBrand in value;
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

  static {
    Object.defineProperty(this.prototype, documentBrand, { value: true });
  }

  constructor(fields: DocumentFields = {}) {
    Object.assign(this, fields);
    this.id = fields.id ?? newId();
  }
}

const idBytes = 16;
const hexDigits = Array.from({ length: 256 }, (_item, byte) => byte.toString(16).padStart(2, '0'));
// Random bytes for many ids at once: asking for each costs more than making it.
const randomBytes = new Uint8Array(idBytes * 256);
let randomUsed = randomBytes.length;

/** 32 random hexadecimal digits, from the platform's secure source. */
export function newId(): string {
  if (randomUsed === randomBytes.length) {
    globalThis.crypto.getRandomValues(randomBytes);
    randomUsed = 0;
  }
  let id = '';
  for (const end = randomUsed + idBytes; randomUsed < end; randomUsed++)
    id += hexDigits[randomBytes[randomUsed] ?? 0] ?? '';
  return id;
}

/** What can stand for a document where documents are made: text, fields, or a document. */
export type DocumentInput = string | DocumentFields;

/**
 * The documents of a request or a batch.
 *
 * An ordinary array whose numbers can be read and written as columns: `embeddings` and `tensors` are one
 * contiguous block for all documents, and each document holds a view of its row.
 */
export class DocumentArray extends Array<Document> {
  // map, filter and slice give ordinary arrays: their results need not be documents.
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  /** From texts, fields and documents; documents are kept as they are, not copied. */
  static fromInputs(inputs: Iterable<DocumentInput>): DocumentArray {
    const docs = new DocumentArray();
    for (const input of inputs) {
      if (typeof input === 'string') docs.push(new Document({ text: input }));
      else docs.push(input instanceof Document ? input : new Document(input));
    }
    return docs;
  }

  /** Texts of all documents; an empty string where there is none. */
  get texts(): string[] {
    return this.map((doc) => doc.text ?? '');
  }

  /**
   * Embeddings of all documents as one tensor of shape [n, ...dimension]: no copy when they are rows of one block.
   *
   * @throws `invalid_argument` when a document has none or shapes differ.
   */
  get embeddings(): Tensor {
    return this.column('embedding');
  }

  /** Gives document i row i of a tensor of shape [n, ...dimension]; no copy. */
  set embeddings(block: Tensor) {
    this.setColumn('embedding', block);
  }

  /** Tensors of all documents as one tensor of shape [n, ...shape]; see {@link embeddings}. */
  get tensors(): Tensor {
    return this.column('tensor');
  }

  set tensors(block: Tensor) {
    this.setColumn('tensor', block);
  }

  private column(field: 'embedding' | 'tensor'): Tensor {
    return Tensor.stack(
      this.map((doc, index) => {
        const value = doc[field];
        if (value === undefined) {
          throw new FlowError('invalid_argument', `document ${index} of ${this.length} has no ${field}`);
        }
        return value;
      }),
    );
  }

  private setColumn(field: 'embedding' | 'tensor', block: Tensor): void {
    if (block.shape[0] !== this.length) {
      throw new FlowError(
        'invalid_argument',
        `${this.length} documents need ${field}s of shape [${this.length}, ...], got [${block.shape.join(', ')}]`,
      );
    }
    this.forEach((doc, index) => {
      doc[field] = block.row(index);
    });
  }
}
