import { canonicalJson, FlowError, isObject, type JsonObject } from '../../core/index.ts';

/** What executors before returned beside documents: the flow's own bookkeeping, so it never keeps requests apart. */
const results = '__results__';

/** What a node's parameters mean for batching. */
export interface BatchParameters {
  /** Equal for all requests of a batch. */
  readonly shared: JsonObject;
  /** Each request's own, delivered with its rows; undefined when there are none. */
  readonly own: JsonObject | undefined;
  /** Requests may be joined only when their keys are equal: the canonical JSON of `shared`. */
  readonly key: string;
}

/**
 * Splits the parameters that a batching node sees into those that a batch shares and those that each request keeps.
 *
 * Own are the names in `perRequest` and `__results__`, which is left out when it is empty as Jina's clients send it.
 *
 * @throws `invalid_argument` when parameters are nested too deeply to be compared
 */
export function splitParameters(parameters: JsonObject, perRequest: readonly string[]): BatchParameters {
  const names = Object.keys(parameters);
  const ownNames = names.filter((name) => name === results || perRequest.includes(name));
  if (ownNames.length === 0) return { shared: parameters, own: undefined, key: batchKey(parameters) };
  const shared = pick(parameters, (name) => !ownNames.includes(name));
  const own = pick(parameters, (name) => ownNames.includes(name) && !isEmptyResults(name, parameters[name]));
  return { shared, own: Object.keys(own).length === 0 ? undefined : own, key: batchKey(shared) };
}

function batchKey(shared: JsonObject): string {
  if (Object.keys(shared).length === 0) return '{}';
  try {
    return canonicalJson(shared);
  } catch (error) {
    throw FlowError.from(error, 'invalid_argument', 'cannot compare parameters with those of other requests');
  }
}

/** Not by assignment: a key may be `__proto__`. */
function pick(parameters: JsonObject, isWanted: (name: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => isWanted(name)));
}

function isEmptyResults(name: string, value: unknown): boolean {
  return name === results && isObject(value) && Object.keys(value).length === 0;
}
