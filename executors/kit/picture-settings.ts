import { describeValue, FlowError, isObject } from '../../core/index.ts';
import type { ModelFolder } from './model-folder.ts';
import type { FilterName } from './resample.ts';

/** The file in which a model says how its pictures are prepared. */
export const pictureFile = 'preprocessor_config.json';

/** Filters by the numbers that Pillow has for them. */
const numberedFilters: Readonly<Record<number, FilterName>> = { 1: 'lanczos', 2: 'bilinear', 3: 'bicubic', 4: 'box' };

/** How a picture becomes numbers, read from the model's own files. */
export interface PictureSettings {
  /** Pixels of the model's input. */
  readonly width: number;
  readonly height: number;
  /**
   * `crop`: the shorter side gets `shortest` pixels, then the middle is cut out. `stretch`: both sides as they must be.
   * `contain`: the whole picture fits, the rest is filled with white.
   */
  readonly fit: 'crop' | 'stretch' | 'contain';
  readonly shortest: number;
  readonly filter: FilterName;
  /** What becomes of transparent places: the colours below them count, as in CLIP, or they turn white. */
  readonly alpha: 'dropped' | 'white';
  /** value = (byte * rescale - mean) / spread, for each of red, green and blue. */
  readonly rescale: number;
  readonly mean: readonly number[];
  readonly spread: readonly number[];
}

/** @throws `model_unavailable` when the file is not there or asks for something that cannot be done here. */
export function readPictureSettings(folder: ModelFolder): PictureSettings {
  const config = folder.json(pictureFile);
  const fault = (key: string, expected: string): FlowError =>
    new FlowError(
      'model_unavailable',
      `${pictureFile} of ${folder.name}: expected ${key} to be ${expected}, got ${describeValue(config[key])}`,
    );
  const size = sides(config['size']);
  const crop = config['do_center_crop'] === true ? sides(config['crop_size']) : undefined;
  const area = crop ?? size;
  if (area === undefined || config['do_resize'] === false) {
    throw fault('size', 'a number, {shortest_edge} or {height, width}, with do_resize');
  }
  // Where nothing is said: what CLIP models, and what the shipped model, were trained with.
  const resample = config['resample'] ?? (folder.isOwnModel ? 2 : 3);
  const filter = typeof resample === 'number' ? numberedFilters[resample] : undefined;
  if (filter === undefined) throw fault('resample', `one of ${Object.keys(numberedFilters).join(', ')}`);
  const isNormalized = config['do_normalize'] !== false;
  const triple = (key: string, otherwise: number): readonly number[] => {
    if (!isNormalized) return [otherwise, otherwise, otherwise];
    const values = config[key];
    if (Array.isArray(values) && values.length === 3 && values.every((value) => typeof value === 'number')) {
      return values;
    }
    throw fault(key, 'three numbers');
  };
  const factor = config['rescale_factor'] ?? 1 / 255;
  if (typeof factor !== 'number') throw fault('rescale_factor', 'a number');
  const shortest = Math.min(size?.width ?? area.width, size?.height ?? area.height);
  if (shortest < Math.max(area.width, area.height) && crop !== undefined) {
    throw fault('crop_size', `at most the size that pictures are resized to (${shortest})`);
  }
  const isCropped = size !== undefined && (crop !== undefined || size.isShortest);
  return {
    width: area.width,
    height: area.height,
    fit: folder.isOwnModel ? 'contain' : isCropped ? 'crop' : 'stretch',
    shortest,
    filter,
    alpha: folder.isOwnModel ? 'white' : 'dropped',
    rescale: config['do_rescale'] === false ? 1 : factor,
    mean: triple('image_mean', 0),
    spread: triple('image_std', 1),
  };
}

function sides(value: unknown): { width: number; height: number; isShortest: boolean } | undefined {
  if (isSide(value)) return { width: value, height: value, isShortest: true };
  if (!isObject(value)) return undefined;
  const { shortest_edge: shortest, width, height } = value;
  if (isSide(shortest)) return { width: shortest, height: shortest, isShortest: true };
  return isSide(width) && isSide(height) ? { width, height, isShortest: false } : undefined;
}

function isSide(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 4096;
}
