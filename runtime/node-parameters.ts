import { isObject, type JsonObject } from '../core/index.ts';

/**
 * The parameters as the executor `name` sees them, by Jina's rules.
 *
 * `name__key` is `key` here and hidden elsewhere; it wins over a plain `key`. An object under `name` itself is merged
 * in and stays visible. With several double underscores the last piece is the key and the pieces before it, joined
 * without separator, are the name. Keys that begin or end with a double underscore are ordinary.
 */
export function parametersOf(parameters: JsonObject, name: string): JsonObject {
  const own = parameters[name];
  if (!isObject(own) && !Object.keys(parameters).some(isTargeted)) return parameters;
  const seen: [string, JsonObject[string]][] = [];
  const targeted: [string, JsonObject[string]][] = isObject(own) ? Object.entries(own) : [];
  for (const [key, value] of Object.entries(parameters)) {
    if (!isTargeted(key)) {
      seen.push([key, value]);
      continue;
    }
    const pieces = key.split('__');
    const last = pieces.pop() ?? '';
    if (pieces.join('') === name) targeted.push([last, value]);
  }
  return Object.fromEntries([...seen, ...targeted]);
}

function isTargeted(key: string): boolean {
  return key.includes('__') && !key.startsWith('__') && !key.endsWith('__');
}
