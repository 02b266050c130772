import { z } from 'zod';
import { describeValue } from '../core/index.ts';
import { suggestionText } from './suggestion.ts';

/** What the reference says of a key beside its description. */
export interface KeyFacts {
  /** Whose key it is: one that Jina's flow files have, or one of ours. */
  readonly origin: 'jina' | 'sluice';
  /** Whether Sluice does what the key asks for; if not, only values that ask for nothing pass. */
  readonly isServed: boolean;
  /** What is in force when the key is not written. */
  readonly fallback?: string;
}

/** Facts of every key schema made here. */
export const keyFacts = z.registry<KeyFacts>();

/** Message of a schema: `expected <expectation>, got <what came>`. */
export function expected(expectation: string): { error: (issue: { input?: unknown }) => string } {
  return { error: (issue) => `expected ${expectation}, got ${describeValue(issue.input)}` };
}

/** Fault of a key that is not among `known`. */
export function unknownKeyText(key: string, known: readonly string[]): string {
  return `unknown key "${key}"${suggestionText(key, known)}`;
}

/** An object that has only the keys of `shape`; its message for unknown keys has a line for each. */
export function strictObject<S extends z.ZodRawShape>(shape: S, expectation: string) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownKeyText(key, Object.keys(shape))).join('\n')
        : `expected ${expectation}, got ${describeValue(issue.input)}`,
  });
}

/** A key of Jina's that Sluice serves. */
export function jinaKey<S extends z.ZodType>(schema: S, description: string, fallback?: string): z.ZodOptional<S> {
  return key(schema, description, { origin: 'jina', isServed: true }, fallback);
}

/** A key that only Sluice has. */
export function sluiceKey<S extends z.ZodType>(schema: S, description: string, fallback?: string): z.ZodOptional<S> {
  return key(schema, description, { origin: 'sluice', isServed: true }, fallback);
}

function key<S extends z.ZodType>(
  schema: S,
  description: string,
  facts: KeyFacts,
  fallback: string | undefined,
): z.ZodOptional<S> {
  const described = schema.optional().describe(description);
  keyFacts.add(described, fallback === undefined ? facts : { ...facts, fallback });
  return described;
}

/**
 * A key of Jina's that Sluice does not serve: only `passes`, the values that ask for nothing, are accepted.
 *
 * @param instead what to write for the same end, as a whole sentence's second half
 */
export function refusedKey<const V extends string | number | boolean>(
  description: string,
  passes: readonly V[] = [],
  instead?: string,
): z.ZodOptional<z.ZodType<V | null>> {
  const [first] = passes;
  const wayOut = first === undefined ? 'leave it out' : `leave it out or write ${String(first)}`;
  const hint = instead === undefined ? wayOut : `${wayOut}; ${instead}`;
  const options = {
    error: (issue: { input?: unknown }) =>
      `is a Jina key that Sluice does not serve yet (got ${describeValue(issue.input)}); ${hint}`,
  };
  const schema: z.ZodType<V | null> = first === undefined ? z.null(options) : z.literal([...passes], options);
  const text = instead === undefined ? description : `${description} (${instead})`;
  return schema.optional().describe(`Not served yet: ${text}.`).register(keyFacts, { origin: 'jina', isServed: false });
}

/** A refused key whose default is the empty list. */
export function refusedList(description: string): z.ZodOptional<z.ZodType<null[]>> {
  const options = {
    error: (issue: { input?: unknown }) =>
      `is a Jina key that Sluice does not serve yet (got ${describeValue(issue.input)}); leave it out`,
  };
  return z
    .array(z.null(), options)
    .max(0, options)
    .optional()
    .describe(`Not served yet: ${description}.`)
    .register(keyFacts, { origin: 'jina', isServed: false });
}
