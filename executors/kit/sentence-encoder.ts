import { type CallCost, cutByCost, FlowError } from '../../core/index.ts';
import type { ExecutorContext } from '../sdk/index.ts';
import { calibrate } from './calibration.ts';
import type { ModelFolder, WeightDtype } from './model-folder.ts';
import { OnnxTextModel } from './onnx-model.ts';
import { normalize, poolRow, type PoolingSettings, readPooling } from './pooling.ts';
import { TextTokenizer } from './text-tokenizer.ts';

export interface EncoderSettings {
  readonly dtype: WeightDtype | 'auto';
  /** Most tokens of a text; default what the model says. */
  readonly maxLength?: number | undefined;
  /** Whether embeddings get length 1; default what the model says. */
  readonly isNormalized?: boolean | undefined;
}

/** Embeddings of some rows: one block, row after row. */
export interface EncodedRows {
  readonly block: Float32Array;
  readonly width: number;
  /** Tokens that were computed, padding included. */
  readonly cost: number;
  /** Calls of the model. */
  readonly calls: number;
}

/** A text encoder of the hub: tokenizer, model, pooling and normalisation as its files say. */
export class SentenceEncoder {
  readonly tokenizer: TextTokenizer;
  readonly pooling: PoolingSettings;
  private readonly model: OnnxTextModel;

  private constructor(tokenizer: TextTokenizer, model: OnnxTextModel, pooling: PoolingSettings) {
    this.tokenizer = tokenizer;
    this.model = model;
    this.pooling = pooling;
  }

  /** @throws `model_unavailable`, `device_unavailable` or `invalid_argument`, saying what to do. */
  static async load(
    folder: ModelFolder,
    settings: EncoderSettings,
    context: ExecutorContext,
  ): Promise<SentenceEncoder> {
    const tokenizer = await TextTokenizer.load(folder, settings.maxLength);
    const model = await OnnxTextModel.load(folder.weights(settings.dtype), context);
    try {
      return new SentenceEncoder(tokenizer, model, poolingOf(folder, model, settings));
    } catch (error) {
      await model.close();
      throw error;
    }
  }

  /**
   * Embeddings of token rows, in their order, in as many model calls as cost least.
   *
   * @param cost what a call costs, in tokens
   * @param signal no further call is made once it aborts
   * @throws `cancelled` when `signal` aborted
   */
  async encode(rows: readonly Int32Array[], cost: CallCost, signal?: AbortSignal): Promise<EncodedRows> {
    const calls = cutByCost(
      rows.map(({ length }) => length),
      cost,
    );
    let width = this.model.width ?? 0;
    let block = new Float32Array(rows.length * width);
    let tokens = 0;
    for (const call of calls) {
      if (signal?.aborted) throw new FlowError('cancelled', 'nobody waits for these embeddings any more');
      const batch = call.flatMap((row) => rows[row] ?? []);
      const { data, shape } = await this.model.run(batch, this.tokenizer.padId);
      const outputWidth = shape.at(-1) ?? 0;
      if (outputWidth !== width) {
        if (tokens > 0) throw new FlowError('internal', `the model changed its width from ${width} to ${outputWidth}`);
        width = outputWidth;
        block = new Float32Array(rows.length * width);
      }
      const longest = batch.reduce((most, { length }) => Math.max(most, length), 0);
      tokens += batch.length * longest;
      call.forEach((row, index) => {
        const target = block.subarray(row * width, (row + 1) * width);
        if (this.model.isPooled) target.set(data.subarray(index * width, (index + 1) * width));
        else poolRow({ data, longest, width }, index, batch[index]?.length ?? 0, this.pooling.mode, target);
        if (this.pooling.isNormalized) normalize(target);
      });
    }
    return { block, width, cost: tokens, calls: calls.length };
  }

  /** Measures what a call costs on this machine, in tokens; about a second. */
  async calibrate(): Promise<CallCost> {
    const run = async (rows: number, length: number): Promise<void> => {
      const row = new Int32Array(length).fill(this.tokenizer.padId);
      await this.model.run(new Array<Int32Array>(rows).fill(row), this.tokenizer.padId);
    };
    return await calibrate(run, this.tokenizer.maxLength);
  }

  async close(): Promise<void> {
    await this.model.close();
  }
}

function poolingOf(folder: ModelFolder, model: OnnxTextModel, settings: EncoderSettings): PoolingSettings {
  const ofModel: PoolingSettings = model.isPooled
    ? { mode: 'mean', isNormalized: true, source: { mode: 'the output itself', isNormalized: 'default' } }
    : readPooling(folder);
  if (settings.isNormalized === undefined) return ofModel;
  const source = { ...ofModel.source, isNormalized: 'uses_with.normalize' };
  return { ...ofModel, isNormalized: settings.isNormalized, source };
}
