import { type CallCost, FlowError, parseDuration, Tensor } from '../../core/index.ts';
import {
  cosinesOf,
  openModel,
  PictureEncoder,
  PictureSource,
  rankByCosines,
  RemoteFiles,
  searchParameters,
  SentenceEncoder,
} from '../kit/index.ts';
import { type Call, DocumentArray, dynamicBatching, Executor, requests } from '../sdk/index.ts';
import { type ClipOptions, clipOptions } from './clip-options.ts';
import { type Input, type InputReader, joinRows, readInputs, type RequestInputs, selected } from './inputs.ts';

/** Parameters that each caller has for itself. */
const ownParameters = [
  ...searchParameters,
  'access_paths',
  'traversal_paths',
  'drop_image_content',
  'model_name',
] as const;

/** Until `warmup` has measured. */
const unmeasured: CallCost = { callCost: 0, maxCallCost: Infinity };

interface Loaded {
  readonly texts: SentenceEncoder;
  readonly pictures: { readonly source: PictureSource; readonly encoder: PictureEncoder } | undefined;
  readonly scale: number;
}

/**
 * Texts and pictures to embeddings in one space, with a CLIP model or the small model that ships (`mini`); texts alone
 * with a sentence encoder.
 *
 * A document with text is a text; token ids in `tensor` ([length]) stand for their text. Otherwise `blob` (an encoded
 * picture), `tensor` (uint8 [height, width, 3], or ready pixel values float32 [3, height, width]) or `uri` (data URI,
 * address, or a path below `allowed_paths`) is a picture. Texts and pictures of one request and of several go to their
 * towers in batches of their own. Every endpoint encodes, `/encode/<model>` too, as clients of CLIP-as-service expect;
 * `/rank` encodes documents and matches and ranks them.
 */
export class ClipEncoder extends Executor<ClipOptions> {
  static override readonly options = clipOptions;
  private loaded: Loaded | undefined;
  private remote: RemoteFiles | undefined;
  private cost: CallCost = unmeasured;

  override async init(): Promise<void> {
    const { model, dtype, max_length, normalize, scale } = this.options;
    const folder = await openModel(this.options, { weights: dtype, pictures: true }, this.context);
    this.context.progress({ state: 'loading', message: model });
    const texts = await SentenceEncoder.load(
      folder,
      { dtype, maxLength: max_length, isNormalized: normalize },
      this.context,
    );
    const ofModel = folder.json('config.json')['logit_scale'];
    this.loaded = { texts, pictures: undefined, scale: scale ?? (typeof ofModel === 'number' ? ofModel : 100) };
    if (folder.hasTwoTowers) {
      const encoder = await PictureEncoder.load(
        folder,
        {
          dtype,
          isNormalized: texts.pooling.isNormalized,
          batchSize: this.options.minibatch_size,
          maxPixels: this.options.max_pixels,
          parallel: this.options.num_worker_preprocess,
        },
        this.context,
      );
      this.loaded = { ...this.loaded, pictures: { source: this.createSource(), encoder } };
    }
    this.context.logger.info(
      {
        model,
        towers: folder.hasTwoTowers ? 'text, picture' : 'text',
        pooling: texts.pooling.mode,
        pooling_from: texts.pooling.source.mode,
        normalized: texts.pooling.isNormalized,
        normalized_from: texts.pooling.source.isNormalized,
        max_length: texts.coder.maxLength,
        device: texts.device,
        threads: this.context.threads,
      },
      'encoder loaded',
    );
  }

  /** Measures the text tower, by which the pieces of a batch are cut, and runs the picture tower once. */
  override async warmup(): Promise<void> {
    const { texts, pictures } = this.models;
    this.context.progress({ state: 'warming', message: 'measuring the model' });
    this.cost = await texts.calibrate();
    await pictures?.encoder.warmup();
  }

  override async close(): Promise<void> {
    await this.loaded?.texts.close();
    await this.loaded?.pictures?.encoder.close();
    await this.remote?.close();
  }

  /** What the towers read of a batch; runs while the batch before is computed. */
  async prepare(docs: DocumentArray, call: Call): Promise<readonly RequestInputs[]> {
    return await readInputs(call, this.reader, (request) => selected(docs, request, this.paths));
  }

  @requests(['/encode', '/index', '/search', '/update', '/', '/default'], {
    effect: 'read',
    perRequest: ownParameters,
    pre: 'prepare',
  })
  @dynamicBatching({ preferredBatchSize: 32 })
  async encode(docs: DocumentArray, call: Call, prepared?: readonly RequestInputs[]): Promise<void> {
    const read = prepared ?? (await this.prepare(docs, call));
    await this.embed(
      read.flatMap(({ inputs }) => inputs),
      call,
    );
    for (const { request, inputs } of read) {
      const isDropped = request.parameters['drop_image_content'] === true;
      for (const { doc, kind } of inputs) {
        if (kind === 'text' || isDropped) delete doc.tensor;
        if (isDropped) delete doc.blob;
      }
    }
  }

  /** Documents and their matches that have something to encode; others count by the embedding they bring. */
  @requests('/rank', { effect: 'read', perRequest: ownParameters })
  @dynamicBatching({ preferredBatchSize: 8 })
  async rank(docs: DocumentArray, call: Call): Promise<void> {
    const read = await readInputs(call, this.reader, ({ rows }) =>
      docs.slice(...rows).flatMap((doc) => [doc, ...(doc.matches ?? [])]),
    );
    await this.embed(
      read.flatMap(({ inputs }) => inputs),
      call,
    );
    for (const { request } of read) {
      try {
        for (const doc of docs.slice(...request.rows)) rankByCosines(doc, cosinesOf(doc), this.models.scale);
      } catch (error) {
        call.fail(request, FlowError.from(error, 'executor_error'));
      }
    }
  }

  /** Gives each document its row of one block. */
  private async embed(inputs: readonly Input[], call: Call): Promise<void> {
    const { texts, pictures } = this.models;
    const ids = inputs.flatMap((input) => (input.kind === 'text' ? [input.ids] : []));
    const pixels = inputs.flatMap((input) => (input.kind === 'picture' ? [input.pixels] : []));
    const ofTexts =
      ids.length > 0 ? await call.phase('model', () => texts.encode(ids, this.cost, call.signal)) : undefined;
    const ofPictures =
      pixels.length > 0
        ? await call.phase('picture_model', () => pictures?.encoder.encode(pixels, call.signal))
        : undefined;
    const block = joinRows(inputs, ofTexts, ofPictures);
    if (inputs.length === 0) return;
    call.reportCost(inputs.length, (ofTexts?.calls ?? 0) + (ofPictures?.calls ?? 0));
    const column = DocumentArray.fromInputs(inputs.map(({ doc }) => doc));
    column.embeddings = new Tensor('float32', [inputs.length, block.length / inputs.length], block);
  }

  /** Which documents are encoded where a request does not say. */
  private get paths(): string {
    return this.options.traversal_paths ?? this.options.access_paths;
  }

  private createSource(): PictureSource {
    const { allowed_paths, fetch_uris, allow_private_uris, uri_timeout, max_bytes } = this.options;
    this.remote = fetch_uris
      ? new RemoteFiles({
          maxBytes: max_bytes,
          timeoutMs: parseDuration(uri_timeout) ?? 10_000,
          allowsPrivate: allow_private_uris,
        })
      : undefined;
    return new PictureSource({ allowedPaths: allowed_paths, maxBytes: max_bytes, remote: this.remote });
  }

  private get reader(): InputReader {
    const { texts, pictures } = this.models;
    return { coder: texts.coder, pictures, model: this.options.model };
  }

  private get models(): Loaded {
    if (this.loaded === undefined) throw new FlowError('internal', 'the encoder is used before init; this is a bug');
    return this.loaded;
  }
}
