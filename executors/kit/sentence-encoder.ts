import { type CallCost, cutByCost, FlowError } from '../../core/index.ts';
import type { ExecutorContext } from '../sdk/index.ts';
import { calibrate } from './calibration.ts';
import type { ModelFolder, WeightDtype } from './model-folder.ts';
import { type ModelOutput, OnnxTextModel } from './onnx-model.ts';
import { runHalved } from './onnx-session.ts';
import { normalize, poolRow, type PoolingSettings, readPooling } from './pooling.ts';
import { loadTextCoder, type TextCoder } from './text-coder.ts';

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

/** What the model made of some rows. */
interface ModelPart {
  /** Their places among all rows. */
  readonly places: readonly number[];
  readonly longest: number;
  readonly output: ModelOutput;
}

/**
 * A text encoder: a sentence encoder of the hub, or the text tower of a model with two; coder, model, pooling and
 * normalisation as its files say.
 */
export class SentenceEncoder {
  readonly coder: TextCoder;
  readonly pooling: PoolingSettings;
  private readonly model: OnnxTextModel;
  private readonly context: ExecutorContext;

  private constructor(coder: TextCoder, model: OnnxTextModel, pooling: PoolingSettings, context: ExecutorContext) {
    this.coder = coder;
    this.model = model;
    this.pooling = pooling;
    this.context = context;
  }

  /** The device that the model is on, such as `cpu`. */
  get device(): string {
    return this.model.device;
  }

  /** Numbers of an embedding; undefined when only a run can tell. */
  get width(): number | undefined {
    return this.model.width;
  }

  /** @throws `model_unavailable`, `device_unavailable` or `invalid_argument`, saying what to do. */
  static async load(
    folder: ModelFolder,
    settings: EncoderSettings,
    context: ExecutorContext,
  ): Promise<SentenceEncoder> {
    const coder = await loadTextCoder(folder, settings.maxLength);
    const tower = folder.hasTwoTowers ? 'text_model' : 'model';
    const model = await OnnxTextModel.load(folder.weights(tower, settings.dtype), context);
    try {
      return new SentenceEncoder(coder, model, poolingOf(folder, model, settings), context);
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
      rows.map(({ length }) => Math.max(1, length)),
      cost,
    );
    let block: Float32Array | undefined;
    let width = 0;
    let [tokens, made] = [0, 0];
    for (const call of calls) {
      if (signal?.aborted) throw new FlowError('cancelled', 'nobody waits for these embeddings any more');
      for (const part of await this.runModel(call, rows)) {
        const partWidth = part.output.shape.at(-1) ?? 0;
        block ??= new Float32Array(rows.length * partWidth);
        if (block.length !== rows.length * partWidth) {
          throw new FlowError('internal', `the model changed its width from ${width} to ${partWidth}`);
        }
        width = partWidth;
        made++;
        tokens += part.places.length * part.longest;
        this.pool(part, rows, block);
      }
    }
    return { block: block ?? new Float32Array(0), width, cost: tokens, calls: made };
  }

  /** Rows of token ids through the model in one call, or in more where memory is not enough. */
  private async runModel(places: readonly number[], rows: readonly Int32Array[]): Promise<ModelPart[]> {
    const run = async (part: readonly number[]): Promise<ModelPart> => {
      const batch = part.flatMap((place) => rows[place] ?? []);
      const output = await this.model.run(batch, this.coder.padId);
      return { places: part, longest: batch.reduce((most, { length }) => Math.max(most, length), 1), output };
    };
    return await runHalved(places, run, (count) => {
      this.context.count('batch_halved');
      this.context.logger.warn({ rows: count, device: this.device }, 'not enough memory for a batch, it is halved');
    });
  }

  private pool({ places, longest, output }: ModelPart, rows: readonly Int32Array[], block: Float32Array): void {
    const { data } = output;
    const width = output.shape.at(-1) ?? 0;
    places.forEach((place, index) => {
      const target = block.subarray(place * width, (place + 1) * width);
      const length = rows[place]?.length ?? 0;
      if (this.model.isPooled) target.set(data.subarray(index * width, (index + 1) * width));
      else poolRow({ data, longest, width }, index, length, this.pooling.mode, target);
      if (this.pooling.isNormalized) normalize(target);
    });
  }

  /** Measures what a call costs on this machine, in tokens; about a second. */
  async calibrate(): Promise<CallCost> {
    const run = async (rows: number, length: number): Promise<void> => {
      const row = new Int32Array(length).fill(this.coder.padId);
      await this.model.run(new Array<Int32Array>(rows).fill(row), this.coder.padId);
    };
    return await calibrate(run, this.coder.maxLength);
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
