import { FlowError } from '../../core/index.ts';
import type { ModelFolder } from './model-folder.ts';

/** How the vectors of a text's tokens become the text's one vector. */
export type PoolingMode = 'mean' | 'cls' | 'max' | 'last' | 'mean_sqrt_len';

export interface PoolingSettings {
  readonly mode: PoolingMode;
  /** Whether embeddings get length 1. */
  readonly isNormalized: boolean;
  /** Where this is known from, for the log: files of the model, or `default` where it says nothing. */
  readonly source: { readonly mode: string; readonly isNormalized: string };
}

const poolingFile = '1_Pooling/config.json';
const modeKeys: readonly (readonly [key: string, mode: PoolingMode])[] = [
  ['pooling_mode_cls_token', 'cls'],
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_max_tokens', 'max'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean_sqrt_len'],
  ['pooling_mode_lasttoken', 'last'],
];

/**
 * Reads from a model's own files how it pools and whether it normalises.
 *
 * A model without `1_Pooling/config.json` gets the mean, one without `modules.json` is normalised: what nearly all
 * sentence encoders do. `source` tells it apart from what the model said.
 *
 * @throws `model_unavailable` when the model needs a step that this encoder has not (a dense layer, joined poolings).
 */
export function readPooling(folder: ModelFolder): PoolingSettings {
  const modules = folder.optionalList('modules.json');
  const kinds = modules?.map((module) => String(module['type']).split('.').pop() ?? '');
  const foreign = kinds?.find((kind) => !['Transformer', 'Pooling', 'Normalize'].includes(kind));
  if (foreign !== undefined) {
    throw new FlowError(
      'model_unavailable',
      `${folder.name} has a ${foreign} step after its transformer (modules.json), which its token vectors do not contain; ` +
        'take an export whose output is sentence_embedding',
    );
  }
  const hasPooling = folder.has(poolingFile);
  return {
    mode: hasPooling ? readMode(folder) : 'mean',
    isNormalized: kinds?.includes('Normalize') ?? true,
    source: { mode: hasPooling ? poolingFile : 'default', isNormalized: kinds ? 'modules.json' : 'default' },
  };
}

function readMode(folder: ModelFolder): PoolingMode {
  const config = folder.json(poolingFile);
  const modes = modeKeys.filter(([key]) => config[key] === true).map(([, mode]) => mode);
  const [mode] = modes;
  if (mode !== undefined && modes.length === 1) return mode;
  const named = config['pooling_mode'];
  const known = modeKeys.find(([, each]) => each === named || (each === 'last' && named === 'lasttoken'));
  if (known !== undefined) return known[1];
  throw new FlowError(
    'model_unavailable',
    `${poolingFile} of ${folder.name}: expected one pooling mode, got ${modes.length === 0 ? 'none that is known' : modes.join(' and ')}`,
  );
}

/** Token vectors of a padded batch: `data` is [rows, longest, width]. */
export interface TokenVectors {
  readonly data: Float32Array;
  readonly longest: number;
  readonly width: number;
}

/** Writes the pooled vector of row `row`, whose first `length` tokens count, to `target` (its first `width` numbers). */
export function poolRow(
  { data, longest, width }: TokenVectors,
  row: number,
  length: number,
  mode: PoolingMode,
  target: Float32Array,
): void {
  const start = row * longest * width;
  if (mode === 'cls' || mode === 'last') {
    const token = start + (mode === 'cls' ? 0 : length - 1) * width;
    target.set(data.subarray(token, token + width));
    return;
  }
  target.set(data.subarray(start, start + width));
  for (let token = 1; token < length; token++) {
    const offset = start + token * width;
    for (let column = 0; column < width; column++) {
      const value = data[offset + column] ?? 0;
      const sum = target[column] ?? 0;
      target[column] = mode === 'max' ? Math.max(sum, value) : sum + value;
    }
  }
  if (mode === 'max') return;
  const divisor = mode === 'mean' ? length : Math.sqrt(length);
  for (let column = 0; column < width; column++) target[column] = (target[column] ?? 0) / divisor;
}

/** Gives a vector length 1, in place; a zero vector stays zero. */
export function normalize(vector: Float32Array): void {
  let sum = 0;
  for (const value of vector) sum += value * value;
  if (sum === 0) return;
  const scale = 1 / Math.sqrt(sum);
  for (let index = 0; index < vector.length; index++) vector[index] = (vector[index] ?? 0) * scale;
}
