import { z } from 'zod';
import { describeValue, isObject } from '../core/index.ts';
import { keyFacts, unknownKeyText } from './schema-key.ts';
import { deploymentSchema, executorSchema } from './schema-executor.ts';
import { executorFileSchema } from './schema-executor-file.ts';
import { flowSchema, withSchema } from './schema-flow.ts';
import { gatewaySchema } from './schema-gateway.ts';
import { type FaultList, flowPathText } from './fault.ts';
import type { FlowPath, Source } from './source.ts';

type Shape = Readonly<Record<string, z.ZodType>>;

/** What an object says, key by key: a key that is not written, or that is wrong, is missing. */
export type Checked<S extends Shape> = { readonly [K in keyof S]?: z.output<S[K]> | undefined };

/** Sections of a flow file, to tell people where a key belongs that they wrote elsewhere. */
const sections: Readonly<Record<string, z.ZodObject>> = {
  'the flow': flowSchema,
  with: withSchema,
  gateway: gatewaySchema,
  'an executor': executorSchema,
  'a Deployment': deploymentSchema,
  'an executor YAML': executorFileSchema,
};

/** Keys of older formats, and what they are called now. */
const formerKeys: Readonly<Record<string, string>> = { pods: 'executors' };

/**
 * Checks the object at `path` key by key: every wrong key is a fault of its own, and the right ones are returned all
 * the same, so that one fault hides no other. `null` stands for a key that is not written.
 *
 * @param skip keys whose values the caller checks itself; they are left out of the result
 */
export function checkObject<S extends Shape>(
  schema: z.ZodObject<S>,
  source: Source,
  path: FlowPath,
  faults: FaultList,
  skip: readonly string[] = [],
): Checked<S> {
  const value = valueAt(source.value, path);
  if (value === null || value === undefined) return {};
  if (!isObject(value)) {
    const name = path.length === 0 ? '' : `${keyName(path)}: `;
    faults.add(source, path, `${name}expected an object, got ${describeValue(value)}`);
    return {};
  }
  const shape: Shape = schema.shape;
  const checked: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const at = [...path, key];
    const keySchema = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (keySchema === undefined)
      faults.add(source, at, misplacedKeyText(key, shape) ?? unknownKeyText(key, Object.keys(shape)), 'key');
    else if (item !== null && !skip.includes(key)) {
      const result = keySchema.safeParse(item);
      if (result.success) checked[key] = result.data;
      else for (const issue of result.error.issues) addIssue(issue, at, source, faults);
    }
  }
  return checked as Checked<S>;
}

/** Where a key belongs that is known, but not here. */
function misplacedKeyText(key: string, shape: Shape): string | undefined {
  const now = Object.hasOwn(formerKeys, key) ? formerKeys[key] : undefined;
  if (now !== undefined && Object.hasOwn(shape, now)) return `unknown key "${key}"; it is called "${now}" now`;
  const homes = Object.entries(sections)
    .filter(([, { shape: other }]: [string, { shape: Shape }]) => Object.hasOwn(other, key) && isServedKey(other[key]))
    .map(([name]) => name);
  return homes.length === 0 ? undefined : `unknown key "${key}" here; it is a key of ${homes.join(' and of ')}`;
}

function isServedKey(schema: z.ZodType | undefined): boolean {
  return schema !== undefined && keyFacts.get(schema)?.isServed !== false;
}

/** The value at `path`; undefined when there is none. */
export function valueAt(root: unknown, path: FlowPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function addIssue(issue: z.core.$ZodIssue, base: FlowPath, source: Source, faults: FaultList): void {
  const path = [...base, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
  if (issue.code === 'unrecognized_keys') {
    // strictObject writes a line for each key.
    const lines = issue.message.split('\n');
    issue.keys.forEach((key, index) => faults.add(source, [...path, key], lines[index] ?? issue.message, 'key'));
    return;
  }
  if (issue.code === 'invalid_union') {
    const branch = nearestBranch(issue.errors);
    if (branch !== undefined) {
      for (const inner of branch) addIssue(inner, path, source, faults);
      return;
    }
  }
  const { message } = issue;
  const text = /^(is|expected) /.test(message)
    ? `${keyName(path)}${message.startsWith('is ') ? '' : ':'} ${message}`
    : message;
  faults.add(source, path, text);
}

/** The form that was meant: the only one whose outermost value is of the right type. */
function nearestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const fitting = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code !== 'invalid_type'),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** `replicas`, `port[1]`: the last key of a path and the indexes behind it. */
function keyName(path: FlowPath): string {
  const last = path.findLastIndex((step) => typeof step === 'string');
  return flowPathText(path.slice(Math.max(last, 0)));
}
