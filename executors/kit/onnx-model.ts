import { type InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import { describeValue, FlowError } from '../../core/index.ts';
import type { ExecutorContext } from '../sdk/index.ts';
import { type DeviceSession, openSession } from './onnx-session.ts';

/** What came out of a model for one padded batch. */
export interface ModelOutput {
  readonly data: Float32Array;
  /** [rows, width], or [rows, tokens, width]. */
  readonly shape: readonly number[];
}

/** Outputs that are a text's embedding already, and outputs that are its tokens', best first. */
const outputNames = ['sentence_embedding', 'text_embeds', 'last_hidden_state', 'token_embeddings'];
const knownInputs = ['input_ids', 'attention_mask', 'token_type_ids'];

/** A model of texts in an ONNX Runtime session. */
export class OnnxTextModel {
  /** Whether the model's output is one vector for each text; else one for each token. */
  readonly isPooled: boolean;
  /** Numbers of a vector; undefined when the file does not say. */
  readonly width: number | undefined;
  readonly device: string;
  private readonly session: InferenceSession;
  private readonly output: string;
  /** Names of the inputs that want int32 instead of int64. */
  private readonly narrowInputs: ReadonlySet<string>;

  private constructor(
    { session, device }: DeviceSession,
    { name, shape }: { readonly name: string; readonly shape: readonly (number | string)[] },
  ) {
    this.session = session;
    this.device = device;
    this.output = name;
    const narrow = session.inputMetadata.filter((input) => input.isTensor && input.type === 'int32');
    this.narrowInputs = new Set(narrow.map(({ name }) => name));
    this.isPooled = shape.length === 2;
    const width = shape.at(-1);
    this.width = typeof width === 'number' && width > 0 ? width : undefined;
  }

  /**
   * Loads weights onto the worker's device with the worker's threads.
   *
   * @throws `model_unavailable` when the file is no text model; `device_unavailable` when the device is not there.
   */
  static async load(path: string, context: ExecutorContext): Promise<OnnxTextModel> {
    const opened = await openSession(path, context);
    const { session } = opened;
    try {
      return new OnnxTextModel(opened, outputOf(session, path));
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /** Runs rows of token ids as one padded call. */
  async run(rows: readonly Int32Array[], padId: number): Promise<ModelOutput> {
    // A text without ids is a row of padding.
    const longest = rows.reduce((most, { length }) => Math.max(most, length), 1);
    const size = rows.length * longest;
    const ids = new Int32Array(size).fill(padId);
    const mask = new Int32Array(size);
    rows.forEach((row, index) => {
      ids.set(row, index * longest);
      mask.fill(1, index * longest, index * longest + row.length);
    });
    const feeds: Record<string, OnnxTensor> = {};
    for (const name of this.session.inputNames) {
      const values = name === 'input_ids' ? ids : name === 'attention_mask' ? mask : new Int32Array(size);
      feeds[name] = this.narrowInputs.has(name)
        ? new OnnxTensor('int32', values, [rows.length, longest])
        : new OnnxTensor('int64', BigInt64Array.from(values, BigInt), [rows.length, longest]);
    }
    const outputs = await this.session.run(feeds, [this.output]);
    const result = outputs[this.output];
    if (result === undefined || !(result.data instanceof Float32Array)) {
      throw new FlowError('internal', `expected float32 from the model, got ${result?.type ?? describeValue(result)}`);
    }
    return { data: result.data, shape: result.dims };
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

/** The output to read, checked to be one of a text model. */
function outputOf(session: InferenceSession, path: string): { name: string; shape: readonly (number | string)[] } {
  const unknown = session.inputNames.filter((name) => !knownInputs.includes(name));
  if (unknown.length > 0 || !session.inputNames.includes('input_ids')) {
    throw new FlowError(
      'model_unavailable',
      `${path} is no text encoder: expected the inputs input_ids, attention_mask and token_type_ids or some of them, got ${session.inputNames.join(', ')}`,
    );
  }
  const named = outputNames.find((name) => session.outputNames.includes(name)) ?? session.outputNames[0];
  const output = session.outputMetadata.find(({ name }) => name === named);
  if (!output?.isTensor || (output.shape.length !== 2 && output.shape.length !== 3)) {
    throw new FlowError(
      'model_unavailable',
      `${path} is no text encoder: expected an output [rows, width] or [rows, tokens, width], got ${session.outputNames.join(', ')}`,
    );
  }
  return output;
}
