import { type Document, FlowError } from '../../core/index.ts';

/**
 * The embedding of a document as float32.
 *
 * @param dimension numbers it must have; undefined: any
 * @throws `invalid_argument` naming the document and what is wrong
 */
export function embeddingOf({ id, embedding }: Document, dimension: number | undefined): Float32Array {
  if (embedding === undefined) {
    throw invalid(id, 'expected an embedding, got none: put an encoder before the index, or send embeddings');
  }
  const { dtype, shape, data } = embedding;
  if (shape.length !== 1 || !(data instanceof Float32Array || data instanceof Float64Array)) {
    throw invalid(id, `expected a float32 embedding of shape [dimension], got ${dtype} of shape [${shape.join(', ')}]`);
  }
  if (data.length === 0 || (dimension !== undefined && data.length !== dimension)) {
    throw wrongDimension(id, dimension, data.length);
  }
  const wrong = data.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw invalid(id, `expected finite numbers in an embedding, got ${wrong}`);
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

export function wrongDimension(id: string, dimension: number | undefined, length: number): FlowError {
  return invalid(id, `expected an embedding of ${dimension ?? 'at least 1'} numbers as the index has, got ${length}`);
}

function invalid(id: string, message: string): FlowError {
  return new FlowError('invalid_argument', `document ${id}: ${message}`, { details: { document: id } });
}
