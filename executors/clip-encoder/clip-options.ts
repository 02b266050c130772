import { z } from 'zod';
import { parseDuration } from '../../core/index.ts';
import { dtypeOption, modelOptions, parseAccessPaths } from '../kit/index.ts';

const accessPaths = z.string().refine(isAccessPath, { error: 'expected access paths such as @r, @c or @r,m' });

/** Keys of `uses_with` of the ClipEncoder. */
export const clipOptions = z.strictObject({
  ...modelOptions,
  dtype: dtypeOption,
  /** Whether embeddings get length 1; default what the model's `modules.json` says, true where it has none. */
  normalize: z.boolean().optional(),
  /** Most pictures of one model call; texts are joined by what their lengths cost. */
  minibatch_size: z.int().min(1).default(32),
  /** Which documents of a request are encoded; a request's own `access_paths` wins. */
  access_paths: accessPaths.default('@r'),
  /** Old name of `access_paths`; wins where both are given. */
  traversal_paths: accessPaths.optional(),
  /** Pictures that are fetched and decoded at the same time. */
  num_worker_preprocess: z.int().min(1).max(64).default(4),
  /** Folders below which a document's `uri` may name files; default none. */
  allowed_paths: z.array(z.string().min(1)).default([]),
  /** Whether http and https addresses in `uri` are fetched. */
  fetch_uris: z.boolean().default(true),
  /** Whether these may lie on this machine and in private networks. */
  allow_private_uris: z.boolean().default(false),
  /** Time for one address, redirects included. */
  uri_timeout: z.string().refine(isDuration, { error: 'expected a duration such as 10s' }).default('10s'),
  /** Most bytes of an encoded picture. */
  max_bytes: z
    .int()
    .min(1)
    .default(32 * 1024 * 1024),
  /** Most pixels of a picture, before it is resized. */
  max_pixels: z.int().min(1).default(50_000_000),
  /** What `/rank` multiplies cosines with before the softmax; default the model's own `logit_scale`, else 100. */
  scale: z.number().positive().optional(),
});

export type ClipOptions = z.infer<typeof clipOptions>;

function isAccessPath(text: string): boolean {
  try {
    parseAccessPaths(text);
    return true;
  } catch {
    return false;
  }
}

function isDuration(text: string): boolean {
  return parseDuration(text) !== undefined;
}
