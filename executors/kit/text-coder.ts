import { HashedFeatures, hashedFeaturesFile } from './hashed-features.ts';
import type { ModelFolder } from './model-folder.ts';
import { TextTokenizer } from './text-tokenizer.ts';

/** What makes of texts the ids that a text model reads. */
export interface TextCoder {
  /** Most ids of a text. */
  readonly maxLength: number;
  /** Ids are whole numbers from 0 to below this. */
  readonly vocabularySize: number;
  /** The id that fills short rows up. */
  readonly padId: number;
  /**
   * Ids of a text; a text in which the model finds nothing to read has none.
   *
   * @param most ids that are kept; default `maxLength`
   */
  encode(text: string, most?: number): Int32Array;
}

/**
 * The coder of a model: hashed features where its folder has `features.json`, otherwise its tokenizer.
 *
 * @param maxLength most ids of a text; default what the model says
 * @throws `model_unavailable` when its files cannot be used; `invalid_argument` when `maxLength` is more than the model
 *   takes.
 */
export async function loadTextCoder(folder: ModelFolder, maxLength?: number): Promise<TextCoder> {
  if (folder.has(hashedFeaturesFile)) return HashedFeatures.load(folder, maxLength);
  return await TextTokenizer.load(folder, maxLength);
}
