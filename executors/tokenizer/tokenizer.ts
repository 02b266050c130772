import { z } from 'zod';
import { describeValue, type Document, FlowError, Tensor } from '../../core/index.ts';
import { modelOptions, openModel, readRows, searchParameters, TextTokenizer, tokenIds } from '../kit/index.ts';
import { type Call, type DocumentArray, dynamicBatching, Executor, requests } from '../sdk/index.ts';

const options = z.strictObject({ ...modelOptions });

/** Endpoints at which the text of a document is on its way to a model. */
const textEndpoints = ['/encode', '/index', '/search', '/update', '/'];

/**
 * Turns texts into token ids: `tensor` becomes an int32 vector as the model wants it, with special tokens, cut to the
 * model's longest input; the text stays.
 *
 * Documents without text pass as they are, but at `/tokenize`, which is for nothing else. `/detokenize` makes text of
 * ids.
 */
export class Tokenizer extends Executor<z.infer<typeof options>> {
  static override readonly options = options;
  private loaded: TextTokenizer | undefined;

  override async init(): Promise<void> {
    this.context.progress({ state: 'loading', message: `tokenizer of ${this.options.model}` });
    const folder = await openModel(this.options, {}, this.context);
    this.loaded = await TextTokenizer.load(folder, this.options.max_length);
  }

  override warmup(): void {
    this.tokenizer.encode('warming up');
  }

  @requests(textEndpoints, { effect: 'read', cost: 'characters', perRequest: searchParameters })
  @dynamicBatching({ preferredBatchSize: 64 })
  tokenizeTexts(docs: DocumentArray): void {
    for (const doc of docs) {
      if (doc.text !== undefined) doc.tensor = this.tensorOf(doc.text);
    }
  }

  @requests('/tokenize', { effect: 'read', cost: 'characters' })
  @dynamicBatching({ preferredBatchSize: 64 })
  tokenize(docs: DocumentArray, call: Call): void {
    const tensors = readRows(docs, call, (doc) => {
      if (doc.text === undefined) throw missing(doc, 'a text to tokenize', doc.tensor ?? doc.blob);
      return this.tensorOf(doc.text);
    });
    setEach(docs, tensors, (doc, tensor) => (doc.tensor = tensor));
  }

  @requests('/detokenize', { effect: 'read', cost: 'tensor' })
  @dynamicBatching({ preferredBatchSize: 64 })
  detokenize(docs: DocumentArray, call: Call): void {
    const texts = readRows(docs, call, (doc) => {
      if (doc.tensor === undefined) throw missing(doc, 'a tensor of token ids', doc.text);
      return this.tokenizer.decode(tokenIds(doc, this.tokenizer) ?? []);
    });
    setEach(docs, texts, (doc, text) => (doc.text = text));
  }

  private get tokenizer(): TextTokenizer {
    if (this.loaded === undefined) throw new FlowError('internal', 'the tokenizer is used before init; this is a bug');
    return this.loaded;
  }

  private tensorOf(text: string): Tensor {
    const ids = this.tokenizer.encode(text);
    return new Tensor('int32', [ids.length], ids);
  }
}

function setEach<T>(
  docs: DocumentArray,
  values: readonly (T | undefined)[],
  set: (doc: Document, value: T) => void,
): void {
  docs.forEach((doc, row) => {
    const value = values[row];
    if (value !== undefined) set(doc, value);
  });
}

function missing(doc: Document, expected: string, got: unknown): FlowError {
  return new FlowError('invalid_argument', `document ${doc.id}: expected ${expected}, got ${describeValue(got)}`, {
    details: { document: doc.id },
  });
}
