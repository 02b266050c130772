import { z } from 'zod';
import { FlowError, type JsonObject } from '../../core/index.ts';

/** Parameters of `/tokenize`; what is missing is taken from `uses_with`. */
const parameters = z.object({
  /** Name of one of the executor's models. */
  model: z.string().optional(),
  /** Most tokens, special ones included. */
  max_length: z.int().min(1).optional(),
  /** Whether what is too long loses its end (default); otherwise it is refused. */
  truncation: z.boolean().default(true),
  /** `longest`: as long as the request's longest text; `max_length`: as long as may be. */
  padding: z.enum(['none', 'longest', 'max_length']).default('none'),
  /** Tag that holds a second text, which is joined to the document's. */
  pair: z.string().min(1).optional(),
});

export type TokenizeSettings = z.infer<typeof parameters>;

/** @throws `invalid_argument` naming what is wrong */
export function readTokenizeSettings(values: JsonObject): TokenizeSettings {
  const parsed = parameters.safeParse(values);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `parameters.${path.join('.')}: ${message}`);
  throw new FlowError('invalid_argument', issues.join('; '));
}
