import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeValue, FlowError, isObject } from '../../core/index.ts';

/** Weights by number format: file names without `.onnx`, the first that is there is taken. */
const weightFiles = {
  fp32: ['model'],
  fp16: ['model_fp16'],
  int8: ['model_int8', 'model_quantized'],
  uint8: ['model_uint8'],
  q4: ['model_q4'],
  q4f16: ['model_q4f16'],
} as const;

/** Number format of a model's weights. */
export type WeightDtype = keyof typeof weightFiles;

export const weightDtypes = Object.keys(weightFiles) as [WeightDtype, ...WeightDtype[]];

/** Where weights may lie in a model's folder, best first; `auto` takes full precision where there is a choice. */
export function weightPaths(dtype: WeightDtype | 'auto'): string[] {
  const names = dtype === 'auto' ? weightDtypes.flatMap((each) => weightFiles[each]) : weightFiles[dtype];
  return ['onnx/', ''].flatMap((folder) => names.map((name) => `${folder}${name}.onnx`));
}

/** A model on this machine, laid out as on the hub: `config.json`, `tokenizer.json`, `onnx/model.onnx` ... */
export class ModelFolder {
  /** As it was asked for: a path or `ORG/NAME`. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;

  constructor(name: string, path: string) {
    this.name = name;
    this.path = path;
  }

  has(file: string): boolean {
    return existsSync(join(this.path, file));
  }

  /** @throws `model_unavailable` when the file is not there or is no JSON object. */
  json(file: string): Record<string, unknown> {
    const value = this.read(file);
    if (isObject(value)) return value;
    throw new FlowError(
      'model_unavailable',
      `${file} of ${this.name}: expected an object, got ${describeValue(value)}`,
    );
  }

  /** The list of objects in a JSON file such as `modules.json`; undefined when the file is not there. */
  optionalList(file: string): Record<string, unknown>[] | undefined {
    if (!this.has(file)) return undefined;
    const value = this.read(file);
    if (Array.isArray(value)) return value.filter(isObject);
    throw new FlowError('model_unavailable', `${file} of ${this.name}: expected a list, got ${describeValue(value)}`);
  }

  optionalJson(file: string): Record<string, unknown> {
    return this.has(file) ? this.json(file) : {};
  }

  /**
   * Absolute path of the weights.
   *
   * @throws `model_unavailable` naming the files that were looked for.
   */
  weights(dtype: WeightDtype | 'auto'): string {
    const candidates = weightPaths(dtype);
    const found = candidates.find((file) => this.has(file));
    if (found !== undefined) return join(this.path, found);
    throw new FlowError(
      'model_unavailable',
      `${this.name} has no ${dtype === 'auto' ? '' : `${dtype} `}weights in ONNX form; looked for ${candidates.join(', ')}. ` +
        'Take a model that is published with an onnx folder, or convert it with Optimum (optimum-cli export onnx).',
    );
  }

  private read(file: string): unknown {
    try {
      return JSON.parse(readFileSync(join(this.path, file), 'utf8'));
    } catch (error) {
      throw FlowError.from(error, 'model_unavailable', `cannot read ${file} of ${this.name}`);
    }
  }
}
