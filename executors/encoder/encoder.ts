import { z } from 'zod';
import { type CallCost, FlowError, Tensor } from '../../core/index.ts';
import {
  dtypeOption,
  modelOptions,
  openModel,
  readRows,
  searchParameters,
  SentenceEncoder,
  tokenIds,
} from '../kit/index.ts';
import {
  type Call,
  type CostCalibration,
  type Document,
  DocumentArray,
  dynamicBatching,
  Executor,
  type RequestInfo,
  requests,
} from '../sdk/index.ts';

const options = z.strictObject({
  ...modelOptions,
  dtype: dtypeOption,
  /** Whether embeddings get length 1; default what the model's `modules.json` says, true where it has none. */
  normalize: z.boolean().optional(),
});

/** Token ids by row of the batch; undefined where a document has nothing to encode or its request failed. */
type TokenRows = readonly (Int32Array | undefined)[];

/** Until `warmup` has measured: as if calls cost nothing and may be as large as a batch. */
const unmeasured: CallCost = { callCost: 0, maxCallCost: Infinity };

/**
 * Texts to embeddings with any sentence encoder of the hub in ONNX form.
 *
 * Takes token ids that a Tokenizer before has made, and drops them when they are used; a document that comes with
 * text alone is tokenized here. A document with neither stays as it is. `/rank` encodes documents and their matches.
 *
 * The declared cost is tokens: with a Tokenizer before, the parent knows their exact number, without one it estimates
 * them from the characters. Either way it joins rows of similar length, and the pieces that are computed are cut from
 * exact counts.
 */
export class Encoder extends Executor<z.infer<typeof options>> {
  static override readonly options = options;
  private loaded: SentenceEncoder | undefined;
  private cost: CallCost = unmeasured;

  override async init(): Promise<void> {
    const { model, dtype, max_length, normalize } = this.options;
    const folder = await openModel(this.options, { weights: dtype }, this.context);
    this.context.progress({ state: 'loading', message: model });
    this.loaded = await SentenceEncoder.load(
      folder,
      { dtype, maxLength: max_length, isNormalized: normalize },
      this.context,
    );
    const { pooling, coder, device } = this.loaded;
    this.context.logger.info(
      {
        model,
        pooling: pooling.mode,
        pooling_from: pooling.source.mode,
        normalized: pooling.isNormalized,
        normalized_from: pooling.source.isNormalized,
        max_length: coder.maxLength,
        device,
        threads: this.context.threads,
      },
      'encoder loaded',
    );
  }

  /** Measures the model; answers in tokens, the unit of the endpoint's cost. */
  override async warmup(): Promise<CostCalibration> {
    this.context.progress({ state: 'warming', message: 'measuring the model' });
    this.cost = await this.encoder.calibrate();
    this.context.logger.info(
      { call_cost_tokens: Math.round(this.cost.callCost), max_call_tokens: this.cost.maxCallCost },
      'encoder measured',
    );
    return this.cost;
  }

  override async close(): Promise<void> {
    await this.loaded?.close();
  }

  /** Token rows of a batch; runs while the batch before is computed. */
  tokenize(docs: DocumentArray, call: Call): TokenRows {
    return readRows(docs, call, (doc) => tokenIds(doc, this.encoder.coder));
  }

  @requests(['/encode', '/index', '/search', '/update', '/'], {
    effect: 'read',
    cost: 'tokens',
    perRequest: searchParameters,
    pre: 'tokenize',
  })
  @dynamicBatching({ preferredBatchSize: 32 })
  async encode(docs: DocumentArray, call: Call, rows: TokenRows = this.tokenize(docs, call)): Promise<void> {
    await this.embed(docs, rows, call);
    for (const request of call.requests) this.countTokens(rows.slice(...request.rows), request, call);
  }

  /** Documents and matches that have text or tokens; what has an embedding alone keeps it. */
  @requests('/rank', { effect: 'read' })
  async encodeWithMatches(docs: DocumentArray, call: Call): Promise<void> {
    const all = DocumentArray.fromInputs(docs.flatMap((doc) => [doc, ...(doc.matches ?? [])]));
    const rows = all.map((doc) => tokenIds(doc, this.encoder.coder));
    await this.embed(all, rows, call);
    for (const request of call.requests) this.countTokens(rows, request, call);
  }

  private async embed(docs: DocumentArray, rows: TokenRows, call: Call): Promise<void> {
    const targets: Document[] = [];
    const tokens: Int32Array[] = [];
    docs.forEach((doc, row) => {
      const ids = rows[row];
      if (ids === undefined) return;
      targets.push(doc);
      tokens.push(ids);
    });
    if (tokens.length === 0) return;
    const { block, width, cost, calls } = await call.phase('model', () =>
      this.encoder.encode(tokens, this.cost, call.signal),
    );
    call.reportCost(cost, calls);
    const column = DocumentArray.fromInputs(targets);
    column.embeddings = new Tensor('float32', [tokens.length, width], block);
    for (const doc of targets) delete doc.tensor;
  }

  private countTokens(rows: TokenRows, request: RequestInfo, call: Call): void {
    const tokens = rows.reduce((sum, ids) => sum + (ids?.length ?? 0), 0);
    call.countTokens(request, tokens);
    this.context.count('tokens', tokens);
  }

  private get encoder(): SentenceEncoder {
    if (this.loaded === undefined) throw new FlowError('internal', 'the encoder is used before init; this is a bug');
    return this.loaded;
  }
}
