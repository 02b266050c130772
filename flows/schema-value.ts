import { z } from 'zod';
import { isObject, type JsonObject, parseDuration } from '../core/index.ts';
import { expected } from './schema-key.ts';
import { parseSize } from './size.ts';

/** Some text. */
export const text = z.string(expected('text'));

/** Text that is not empty. */
export const filledText = z.string(expected('text')).min(1, expected('text that is not empty'));

export const flag = z.boolean(expected('true or false'));

/** A name that is an identifier, as Jina asks: it becomes part of parameters, metrics and folders. */
export const identifier = z
  .string(expected('a name'))
  .meta({ title: 'name' })
  .regex(/^[\p{L}_][\p{L}\p{N}_]*$/u, expected('a name of letters, digits and _ that does not begin with a digit'));

/** A whole number from `minimum`. */
export function wholeNumber(minimum: number) {
  const expectation = expected(`a whole number of at least ${minimum}`);
  return z
    .number(expectation)
    .int(expectation)
    .min(minimum, expectation)
    .meta({ title: `whole number from ${minimum}` });
}

/** A value or a list of at least one; read as a list. */
export function oneOrMore<T extends z.ZodType>(item: T, expectation: string) {
  const list = z.array(item).min(1, expected(expectation));
  return z.union([item, list], expected(expectation)).transform((value) => [value].flat() as z.output<T>[]);
}

/** A text or a list of texts, which may be empty; read as a list. */
export function noneOrMore(expectation: string) {
  return z.union([filledText, z.array(filledText)], expected(expectation)).transform((value) => [value].flat());
}

/** `5ms`, `2s`, `1.5m`, `1h`; read as milliseconds. */
export const duration = z
  .string(expected('a duration such as "5ms" or "2s"'))
  .meta({ title: 'duration' })
  .regex(/^\s*\d+(\.\d+)?\s*(ms|s|m|h)\s*$/, expected('a duration such as "5ms" or "2s"'))
  .transform((value) => parseDuration(value) ?? 0);

/** A {@link duration} above zero. */
export const positiveDuration = duration.refine((value) => value > 0, expected('a duration above zero'));

/** Jina's milliseconds as a whole number, or a duration; read as milliseconds. */
export const milliseconds = z.union(
  [wholeNumber(0), duration],
  expected('a whole number of milliseconds or a duration such as "2s"'),
);

const limitText = 'a whole number of milliseconds above zero, a duration such as "2s", or -1 for no limit';

/** A limit in Jina's milliseconds, or a duration; -1 is read as `none`. */
export const limit = z
  .union(
    [z.number(expected(limitText)).int(expected(limitText)).min(-1, expected(limitText)), duration],
    expected(limitText),
  )
  .refine((value) => value !== 0, expected(limitText))
  .transform((value) => (value === -1 ? ('none' as const) : value));

/** `64MiB`, `1.5GB`, `512B`; read as bytes. */
export const size = z
  .string(expected('a size such as "64MiB"'))
  .meta({ title: 'size' })
  .regex(/^\s*\d+(\.\d+)?\s*(B|KB|MB|GB|KiB|MiB|GiB)\s*$/, expected('a size such as "64MiB"'))
  .transform((value) => parseSize(value) ?? 0)
  .refine((value) => value > 0, expected('a size above zero'));

/** Any JSON object, handed on as it is. */
export const jsonObject = z.custom<JsonObject>(isObject, expected('an object')).meta({ type: 'object' });

/** An object with keys of the user's choice. */
export function mapOf<T extends z.ZodType>(value: T, expectation: string) {
  return z.record(z.string(), value, expected(expectation));
}

/** Environment variables; numbers and booleans become text. */
export const environment = mapOf(
  z.union([z.string(), z.number(), z.boolean()], expected('text, a number, true or false')).transform(String),
  'an object of environment variables',
).superRefine((variables, context) => {
  const devices = variables['CUDA_VISIBLE_DEVICES'];
  if (devices?.startsWith('RR') !== true) return;
  context.addIssue({
    code: 'custom',
    path: ['CUDA_VISIBLE_DEVICES'],
    message: `${devices} (devices dealt out to replicas) is a Jina value that Sluice does not serve yet; write device: [cuda:0, cuda:1]`,
  });
});
