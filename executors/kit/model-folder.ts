import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeValue, FlowError, isObject } from '../../core/index.ts';

/** Endings of weight files by number format; the first that is there is taken. */
const weightSuffixes = {
  fp32: [''],
  fp16: ['_fp16'],
  int8: ['_int8', '_quantized'],
  uint8: ['_uint8'],
  q4: ['_q4'],
  q4f16: ['_q4f16'],
} as const;

/** Number format of a model's weights. */
export type WeightDtype = keyof typeof weightSuffixes;

export const weightDtypes = Object.keys(weightSuffixes) as [WeightDtype, ...WeightDtype[]];

/** The weight files of a model: one, or one for each tower of a model of texts and pictures. */
export type Tower = 'model' | 'text_model' | 'vision_model';

/** Where weights may lie in a model's folder, best first; `auto` takes full precision where there is a choice. */
export function weightPaths(tower: Tower, dtype: WeightDtype | 'auto'): string[] {
  const suffixes = dtype === 'auto' ? weightDtypes.flatMap((each) => weightSuffixes[each]) : weightSuffixes[dtype];
  return ['onnx/', ''].flatMap((folder) => suffixes.map((suffix) => `${folder}${tower}${suffix}.onnx`));
}

/** `model_type` of the small two-tower model that ships with Sluice. */
const ownModelType = 'sluice-mini';

/**
 * A model on this machine, laid out as on the hub: `config.json`, `tokenizer.json`, `onnx/model.onnx` ...; one with two
 * towers has `preprocessor_config.json`, `onnx/text_model.onnx` and `onnx/vision_model.onnx`.
 */
export class ModelFolder {
  /** As it was asked for: a path or `ORG/NAME`. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;

  constructor(name: string, path: string) {
    this.name = name;
    this.path = path;
  }

  /** Whether texts and pictures have a tower each, with vectors in one space. */
  get hasTwoTowers(): boolean {
    return this.isOwnModel || isObject(this.json('config.json')['vision_config']);
  }

  /** Whether it is of the kind that ships with Sluice: hashed text features, whole pictures on white. */
  get isOwnModel(): boolean {
    return this.json('config.json')['model_type'] === ownModelType;
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
   * Absolute path of the weights of a tower.
   *
   * @throws `model_unavailable` naming the files that were looked for.
   */
  weights(tower: Tower, dtype: WeightDtype | 'auto'): string {
    const candidates = weightPaths(tower, dtype);
    const found = candidates.find((file) => this.has(file));
    if (found !== undefined) return join(this.path, found);
    const others = weightDtypes.filter((each) => weightPaths(tower, each).some((file) => this.has(file)));
    throw new FlowError(
      'model_unavailable',
      `${this.name} has no ${dtype === 'auto' ? '' : `${dtype} `}weights in ONNX form; looked for ${candidates.join(', ')}. ` +
        (others.length > 0
          ? `It has ${others.join(' and ')}: write that dtype, or auto.`
          : 'Take a model that is published with an onnx folder, or convert it with Optimum (optimum-cli export onnx).'),
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
