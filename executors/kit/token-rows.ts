import { describeValue, type Document, FlowError, type NumberArray } from '../../core/index.ts';
import type { TextCoder } from './text-coder.ts';

/**
 * The token ids of a document: its tensor, as a Tokenizer before made it, else its text tokenized here; undefined
 * when it has neither.
 *
 * Ids may come in any number type (JSON brings float32) as long as they are whole.
 *
 * @throws `invalid_argument` when the tensor holds no token ids of this model.
 */
export function tokenIds(doc: Document, coder: TextCoder): Int32Array | undefined {
  const { tensor, text } = doc;
  if (tensor === undefined) return text === undefined ? undefined : coder.encode(text);
  const { data, shape } = tensor;
  if (shape.length !== 1 || tensor.dtype === 'float16' || tensor.dtype === 'bool') {
    throw fault(
      doc,
      `expected token ids of shape [length], got a ${tensor.dtype} tensor of shape [${shape.join(', ')}]`,
    );
  }
  if (data.length === 0 || data.length > coder.maxLength) {
    throw fault(doc, `expected 1 to ${coder.maxLength} token ids, got ${data.length}`);
  }
  if (data instanceof Int32Array) {
    checkRange(doc, data, coder.vocabularySize);
    return data;
  }
  checkRange(doc, data, coder.vocabularySize);
  return Int32Array.from(data as ArrayLike<number>, Number);
}

/** The model's embedding table is read at these places: what lies outside would fail the whole call. */
function checkRange(doc: Document, data: NumberArray, vocabularySize: number): void {
  for (const value of data) {
    const id = Number(value);
    if (!Number.isInteger(id) || id < 0 || id >= vocabularySize) {
      throw fault(
        doc,
        `expected token ids, whole numbers from 0 to ${vocabularySize - 1}, got ${describeValue(value)}`,
      );
    }
  }
}

function fault(doc: Document, message: string): FlowError {
  return new FlowError('invalid_argument', `document ${doc.id}: ${message}`, { details: { document: doc.id } });
}
