import { isObject } from '../../../core/index.ts';

/** A field in which two answers differ. */
export interface Difference {
  /** Such as `response.json.data[].text`; every item of a list is `[]`. */
  readonly field: string;
  /** What Jina answered, as JSON; `absent` where it has no such field. */
  readonly jina: string;
  readonly sluice: string;
}

/** Keys below which the order is the user's own, or the library's. */
const unordered = new Set([
  'file_descriptor_response',
  'headers',
  'jina',
  'parameters',
  'tags',
  'paths',
  'schemas',
  'scores',
  'metadata',
]);
const tolerance = 1e-6;

/** Every difference between two answers, each once. */
export function differencesOf(jina: unknown, sluice: unknown): Difference[] {
  const found = new Map<string, Difference>();
  const add = (field: string, theirs: unknown, ours: unknown): void => {
    const difference = { field, jina: show(theirs), sluice: show(ours) };
    found.set(JSON.stringify(difference), difference);
  };
  compare('', jina, sluice, add);
  return [...found.values()];
}

type Add = (field: string, jina: unknown, sluice: unknown) => void;

function compare(field: string, jina: unknown, sluice: unknown, add: Add): void {
  if (Array.isArray(jina) && Array.isArray(sluice)) {
    if (jina.length !== sluice.length) add(`${field}.length`, jina.length, sluice.length);
    const shorter = Math.min(jina.length, sluice.length);
    for (let index = 0; index < shorter; index++) compare(`${field}[]`, jina[index], sluice[index], add);
  } else if (isObject(jina) && isObject(sluice)) {
    const keys = new Set([...Object.keys(jina), ...Object.keys(sluice)]);
    for (const key of keys) compare(field === '' ? key : `${field}.${key}`, jina[key], sluice[key], add);
    const common = (one: object, other: object): string =>
      Object.keys(one)
        .filter((key) => key in other)
        .join(' ');
    const isFree = field.split(/[.[]/).some((part) => unordered.has(part));
    if (!isFree && common(jina, sluice) !== common(sluice, jina)) {
      add(`${field} (order of keys)`, common(jina, sluice), common(sluice, jina));
    }
  } else if (!isSame(jina, sluice)) add(field, jina, sluice);
}

function isSame(jina: unknown, sluice: unknown): boolean {
  if (typeof jina === 'number' && typeof sluice === 'number') {
    return Math.abs(jina - sluice) <= tolerance * Math.max(1, Math.abs(jina));
  }
  return jina === sluice;
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}

/**
 * An answer with signs in place of what differs from run to run: ids that the request did not name, and times, whose
 * form stays visible.
 */
export function withoutChance(value: unknown, request: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutChance(item, request));
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutChance(item, request)]));
  }
  if (typeof value !== 'string') return value;
  if (/^[0-9a-f]{32}$/.test(value) && !request.includes(value)) return '<id>';
  return value.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(?:\d{6}|\d{3}))?(Z|\+00:00)$/, '<time $1>');
}
