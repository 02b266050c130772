import { z } from 'zod';
import { weightDtypes } from './model-folder.ts';

/** Keys of `uses_with` that every executor with a tokenizer understands; for `z.strictObject({ ...modelOptions })`. */
export const modelOptions = {
  /** Folder in hub layout, or hub name `ORG/NAME`. */
  model: z.string({ error: 'expected a model: the path of a folder or a hub name (ORG/NAME)' }).min(1),
  /** Revision of a hub model; default `main`. */
  revision: z.string().min(1).default('main'),
  /** Whether a hub model may be fetched when it is not in the cache; default true. */
  download: z.boolean().default(true),
  /** Folder of fetched models; default `SLUICE_MODELS`, else `.cache/sluice/models` in the home folder. */
  cache: z.string().min(1).optional(),
  /** Most tokens of a text, special tokens included; default what the model says. */
  max_length: z.int().min(3).optional(),
} as const;

/** Number format of the weights; `auto` takes the best that the model has. */
export const dtypeOption = z.enum(['auto', ...weightDtypes]).default('auto');
