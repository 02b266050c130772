import { Tensor as OnnxTensor } from 'onnxruntime-node';
import { FlowError } from '../../core/index.ts';
import type { ExecutorContext } from '../sdk/index.ts';
import type { ModelFolder, WeightDtype } from './model-folder.ts';
import { type DeviceSession, openSession, runHalved } from './onnx-session.ts';
import { PictureDecoder } from './picture-decoder.ts';
import { readPictureSettings } from './picture-settings.ts';
import { normalize } from './pooling.ts';
import type { EncodedRows } from './sentence-encoder.ts';

export interface PictureEncoderSettings {
  readonly dtype: WeightDtype | 'auto';
  /** Whether embeddings get length 1. */
  readonly isNormalized: boolean;
  /** Most pictures of one model call. */
  readonly batchSize: number;
  /** Most pixels of a picture as it comes. */
  readonly maxPixels: number;
  /** Pictures that are decoded at the same time. */
  readonly parallel: number;
}

/** The picture tower of a model with two. */
export class PictureEncoder {
  readonly decoder: PictureDecoder;
  private readonly opened: DeviceSession;
  private readonly output: string;
  private readonly settings: PictureEncoderSettings;
  private readonly context: ExecutorContext;

  private constructor(
    parts: { readonly decoder: PictureDecoder; readonly opened: DeviceSession; readonly output: string },
    settings: PictureEncoderSettings,
    context: ExecutorContext,
  ) {
    this.decoder = parts.decoder;
    this.opened = parts.opened;
    this.output = parts.output;
    this.settings = settings;
    this.context = context;
  }

  /** @throws `model_unavailable` or `device_unavailable`, saying what to do. */
  static async load(
    folder: ModelFolder,
    settings: PictureEncoderSettings,
    context: ExecutorContext,
  ): Promise<PictureEncoder> {
    const { maxPixels, parallel } = settings;
    const decoder = new PictureDecoder({ picture: readPictureSettings(folder), maxPixels, parallel });
    const path = folder.weights('vision_model', settings.dtype);
    const opened = await openSession(path, context);
    const { inputNames, outputNames, outputMetadata } = opened.session;
    const output =
      outputNames.find((name) => name === 'image_embeds') ??
      outputMetadata.find((each) => each.isTensor && each.shape.length === 2)?.name;
    if (inputNames.length === 1 && inputNames[0] === 'pixel_values' && output !== undefined) {
      return new PictureEncoder({ decoder, opened, output }, settings, context);
    }
    await opened.session.release();
    throw new FlowError(
      'model_unavailable',
      `${path} is no picture tower: expected the input pixel_values and an output image_embeds [rows, width], got ${inputNames.join(', ')} and ${outputNames.join(', ')}`,
    );
  }

  get device(): string {
    return this.opened.device;
  }

  /**
   * Embeddings of decoded pictures, in their order.
   *
   * @param pictures float32 [3, height, width] each, as the decoder gives them
   * @param signal no further call is made once it aborts
   * @throws `cancelled` when `signal` aborted; `out_of_memory` when one picture is too much for the device
   */
  async encode(pictures: readonly Float32Array[], signal?: AbortSignal): Promise<EncodedRows> {
    const parts: Float32Array[] = [];
    for (let first = 0; first < pictures.length; first += this.settings.batchSize) {
      if (signal?.aborted) throw new FlowError('cancelled', 'nobody waits for these embeddings any more');
      const batch = pictures.slice(first, first + this.settings.batchSize);
      const halved = (rows: number): void => {
        this.context.count('batch_halved');
        this.context.logger.warn({ rows, device: this.device }, 'not enough memory for a batch, it is halved');
      };
      parts.push(...(await runHalved(batch, async (rows) => await this.run(rows), halved)));
    }
    const numbers = parts.reduce((sum, { length }) => sum + length, 0);
    const width = pictures.length === 0 ? 0 : numbers / pictures.length;
    const block = new Float32Array(numbers);
    let filled = 0;
    for (const part of parts) {
      block.set(part, filled);
      filled += part.length;
    }
    if (this.settings.isNormalized) {
      for (let row = 0; row < pictures.length; row++) normalize(block.subarray(row * width, (row + 1) * width));
    }
    return { block, width, cost: pictures.length, calls: parts.length };
  }

  /** Runs the model once, so that the first picture is as fast as the others. */
  async warmup(): Promise<void> {
    await this.run([new Float32Array(this.decoder.shape.reduce((product, side) => product * side, 1))]);
  }

  async close(): Promise<void> {
    await this.opened.session.release();
  }

  private async run(rows: readonly Float32Array[]): Promise<Float32Array> {
    const length = rows[0]?.length ?? 0;
    const pixels = new Float32Array(rows.length * length);
    rows.forEach((row, index) => {
      pixels.set(row, index * length);
    });
    const feeds = { pixel_values: new OnnxTensor('float32', pixels, [rows.length, ...this.decoder.shape]) };
    const result = (await this.opened.session.run(feeds, [this.output]))[this.output];
    if (result?.data instanceof Float32Array) return result.data;
    throw new FlowError('internal', `expected float32 from the picture tower, got ${result?.type ?? 'nothing'}`);
  }
}
