import { z } from 'zod';
import { describeValue, type Document, FlowError, type JsonObject, Tensor } from '../../core/index.ts';
import { modelOptions, readRows, searchParameters, tokenIds } from '../kit/index.ts';
import { type Call, type DocumentArray, dynamicBatching, Executor, requests } from '../sdk/index.ts';
import { readTokenizeSettings, type TokenizeSettings } from './tokenize-settings.ts';
import { TokenizerModels } from './tokenizer-models.ts';

const options = z.strictObject({
  ...modelOptions,
  /** Further models by name: path of a folder or hub name; a request's `model` parameter picks one. */
  models: z.record(z.string().min(1), z.string().min(1)).default({}),
  /** Folders below which `/models/add` may take models; default none. */
  allowed_paths: z.array(z.string().min(1)).default([]),
  /** Whether `/models/add` may fetch models from http and https addresses. */
  fetch_models: z.boolean().default(false),
  /** Whether these may lie on this machine and in private networks. */
  allow_private_uris: z.boolean().default(false),
  /** Most bytes of a tokenizer file that is added. */
  max_bytes: z
    .int()
    .min(1)
    .default(64 * 1024 * 1024),
});

/** Endpoints at which the text of a document is on its way to a model. */
const textEndpoints = ['/encode', '/index', '/search', '/update', '/'];
/** Time for each file of a model that is added from an address. */
const fetchTimeoutMs = 30_000;

/**
 * Turns texts into token ids: `tensor` becomes an int32 vector as the model wants it, with special tokens, cut to the
 * model's longest input; the text stays.
 *
 * Documents without text pass as they are, but at `/tokenize`, which is for nothing else: there a request may choose
 * the model, the length, padding, and a second text to join (`pair` names its tag; the tensor is then [2, length], ids
 * and which text each belongs to). `/detokenize` makes text of ids. `/models` says which models there are,
 * `/models/add` adds one to the worker that answers.
 */
export class Tokenizer extends Executor<z.infer<typeof options>> {
  static override readonly options = options;
  private loaded: TokenizerModels | undefined;

  override async init(): Promise<void> {
    const { model, models, max_length, allowed_paths, fetch_models, allow_private_uris, max_bytes } = this.options;
    const loaded = new TokenizerModels(this.context, {
      allowedPaths: allowed_paths,
      fetchesUris: fetch_models,
      allowsPrivate: allow_private_uris,
      maxBytes: max_bytes,
      timeoutMs: fetchTimeoutMs,
    });
    await loaded.load('default', this.options, max_length);
    for (const [name, other] of Object.entries(models)) {
      if (name === 'default') throw new FlowError('invalid_argument', `models: default is the name of ${model}`);
      await loaded.load(name, { ...this.options, model: other });
    }
    this.loaded = loaded;
  }

  override warmup(): void {
    this.models.get().encode('warming up');
  }

  @requests(textEndpoints, { effect: 'read', cost: 'characters', perRequest: searchParameters })
  @dynamicBatching({ preferredBatchSize: 64 })
  tokenizeTexts(docs: DocumentArray): void {
    const tokenizer = this.models.get();
    for (const doc of docs) {
      const ids = doc.text === undefined ? undefined : tokenizer.encode(doc.text);
      // A text in which the model finds nothing to read is the encoder's to judge.
      if (ids !== undefined && ids.length > 0) doc.tensor = vector(ids);
    }
  }

  @requests('/tokenize', { effect: 'read', cost: 'characters' })
  @dynamicBatching({ preferredBatchSize: 64 })
  tokenize(docs: DocumentArray, call: Call): void {
    const settings = readTokenizeSettings(call.parameters);
    const tokenizer = this.models.get(settings.model);
    const most = Math.min(settings.max_length ?? tokenizer.maxLength, tokenizer.maxLength);
    const rows = readRows(docs, call, (doc) => idsOf(doc, this.models, settings, most));
    for (const { rows: range } of call.requests) {
      const own = rows.slice(...range);
      const longest = own.reduce((length, row) => Math.max(length, row?.[0]?.length ?? 0), 0);
      const length = { none: 0, longest, max_length: most }[settings.padding];
      docs.slice(...range).forEach((doc, place) => {
        const row = own[place];
        if (row !== undefined) doc.tensor = padded(row, length, tokenizer.padId);
      });
    }
  }

  @requests('/detokenize', { effect: 'read', cost: 'tensor' })
  @dynamicBatching({ preferredBatchSize: 64 })
  detokenize(docs: DocumentArray, call: Call): void {
    const tokenizer = this.models.tokenizer(readTokenizeSettings(call.parameters).model);
    const texts = readRows(docs, call, (doc) => {
      if (doc.tensor === undefined) throw missing(doc, 'a tensor of token ids', doc.text);
      return tokenizer.decode(tokenIds(doc, tokenizer) ?? []);
    });
    docs.forEach((doc, row) => {
      const text = texts[row];
      if (text !== undefined) doc.text = text;
    });
  }

  @requests('/models', { effect: 'read' })
  listModels(): JsonObject {
    return { replica: this.context.replica, models: this.models.status() };
  }

  /** Parameters: `name`, and `source`, a folder below `allowed_paths` or an address. */
  @requests('/models/add', { effect: 'upsert' })
  async addModel(_docs: DocumentArray, call: Call): Promise<JsonObject> {
    const { name, source } = call.parameters;
    if (typeof name !== 'string' || typeof source !== 'string') {
      throw new FlowError('invalid_argument', 'expected the parameters name and source, both texts');
    }
    await this.models.add(name, source, call.signal);
    this.context.logger.info({ name }, 'tokenizer added');
    return this.listModels();
  }

  private get models(): TokenizerModels {
    if (this.loaded === undefined) throw new FlowError('internal', 'the tokenizer is used before init; this is a bug');
    return this.loaded;
  }
}

/** Ids of a document, or ids and types of its text joined with a second one. */
function idsOf(
  doc: Document,
  models: TokenizerModels,
  { model, truncation, pair }: TokenizeSettings,
  most: number,
): readonly Int32Array[] {
  if (doc.text === undefined) throw missing(doc, 'a text to tokenize', doc.tensor ?? doc.blob);
  const room = truncation ? most : Infinity;
  let row: readonly Int32Array[];
  if (pair === undefined) row = [models.get(model).encode(doc.text, room)];
  else {
    const second = doc.tags?.[pair];
    if (typeof second !== 'string') throw missing(doc, `a second text in the tag ${pair}`, second);
    const { ids, types } = models.tokenizer(model).encodePair(doc.text, second, room);
    row = [ids, types];
  }
  const length = row[0]?.length ?? 0;
  if (length > most) {
    throw new FlowError(
      'invalid_argument',
      `document ${doc.id}: expected at most ${most} tokens, got ${length} or more`,
      {
        details: { document: doc.id },
      },
    );
  }
  return row;
}

function vector(ids: Int32Array): Tensor {
  return new Tensor('int32', [ids.length], ids);
}

/** Rows of ids, types of which end in 0, filled up to `length`: [length], or [rows, length] when there are several. */
function padded(rows: readonly Int32Array[], length: number, padId: number): Tensor {
  const across = Math.max(length, rows[0]?.length ?? 0);
  const data = new Int32Array(rows.length * across);
  rows.forEach((row, index) => {
    data.fill(index === 0 ? padId : 0, index * across, (index + 1) * across);
    data.set(row, index * across);
  });
  return rows.length === 1 ? vector(data) : new Tensor('int32', [rows.length, across], data);
}

function missing(doc: Document, expected: string, got: unknown): FlowError {
  return new FlowError('invalid_argument', `document ${doc.id}: expected ${expected}, got ${describeValue(got)}`, {
    details: { document: doc.id },
  });
}
