import { type ErrorCode, type FlowError, isObject, type Json, type JsonObject, type Reason } from '../../core/index.ts';

const byCode: Readonly<Record<ErrorCode, number>> = {
  cancelled: 499,
  unknown: 500,
  invalid_argument: 422,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
};

/** Where HTTP has a better word than the code's. */
const byReason: Partial<Record<Reason, number>> = {
  request_too_large: 413,
  out_of_memory: 413,
  method_not_allowed: 405,
  unsupported_media_type: 415,
};

export function httpStatus(error: FlowError): number {
  return byReason[error.reason] ?? byCode[error.code];
}

/** Seconds for `Retry-After`; undefined when sending the request again soon is no help. */
export function retryAfterSeconds(error: FlowError): number | undefined {
  if (!error.isRetryable) return undefined;
  const { retryAfterMs } = error.details;
  const status = httpStatus(error);
  if (status !== 429 && status !== 503) return undefined;
  return typeof retryAfterMs === 'number' ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : 1;
}

/** Whether the request itself could not be understood: such answers have FastAPI's form, see {@link validationBody}. */
export function isValidationFault(error: FlowError): boolean {
  return error.reason === 'malformed_json' || (error.reason === 'invalid_argument' && 'loc' in error.details);
}

/** How FastAPI words the fault of a field; clients and people know these from Jina. */
const faultWords = {
  text: ['str type expected', 'type_error.str'],
  integer: ['value is not a valid integer', 'type_error.integer'],
  number: ['value is not a valid float', 'type_error.float'],
  list: ['value is not a valid list', 'type_error.list'],
  object: ['value is not a valid dict', 'type_error.dict'],
  missing: ['field required', 'value_error.missing'],
  value: ['value is not valid', 'value_error'],
} as const;

type FaultKind = keyof typeof faultWords;

const fieldKinds: Readonly<Record<string, FaultKind>> = {
  ...kinds(
    'text',
    'id text uri mime_type modality parent_id execEndpoint exec_endpoint targetExecutor target_executor',
  ),
  ...kinds('integer', 'granularity adjacency timeout'),
  ...kinds('number', 'weight offset value'),
  ...kinds('list', 'data docs location chunks matches'),
  ...kinds('object', 'tags parameters metadata scores evaluations'),
};

/**
 * The body of a 422: where the fault is, FastAPI's words for it, and what exactly was expected and came in `ctx.error`.
 *
 * @param body what was read, where it could be
 */
export function validationBody(error: FlowError, body: unknown): JsonObject {
  const path = Array.isArray(error.details['loc']) ? error.details['loc'] : [];
  if (error.reason === 'malformed_json') {
    const loc: Json[] = ['body', ...path];
    return {
      detail: [{ type: 'json_invalid', loc, msg: 'JSON decode error', input: {}, ctx: { error: error.message } }],
    };
  }
  const kind = error.details['isMissing'] === true ? 'missing' : kindOf(path);
  const place = typeof error.details['place'] === 'string' ? error.details['place'] : 'body';
  const fault: JsonObject = { ...faultAt([place, ...path], kind), ctx: { error: error.message } };
  return { detail: path[0] === 'data' && isObject(body) ? unionFaults(fault, path, body['data']) : [fault] };
}

/** `data` is a list or an object of lists: FastAPI tells for each of the two why it is not that. */
function unionFaults(fault: JsonObject, path: readonly Json[], data: unknown): JsonObject[] {
  const dataLoc = ['body', 'data'];
  if (path.length > 1) {
    return Array.isArray(data) ? [fault, faultAt(dataLoc, 'object')] : [faultAt(dataLoc, 'list'), fault];
  }
  if (!isObject(data)) return [fault, faultAt(dataLoc, 'object')];
  const keys = Object.keys(data).filter((key) => !Array.isArray(data[key]));
  return [fault, ...keys.map((key) => faultAt([...dataLoc, key], 'list'))];
}

function faultAt(loc: readonly Json[], kind: FaultKind): JsonObject {
  const [msg, type] = faultWords[kind];
  return { loc: [...loc], msg, type };
}

function kindOf(path: readonly Json[]): FaultKind {
  const last = path.at(-1);
  if (last === undefined) return 'object';
  if (typeof last === 'string') return fieldKinds[last] ?? 'value';
  const list = path.findLast((part) => typeof part === 'string');
  return list === 'location' ? 'number' : list === 'tensor' || list === 'embedding' ? 'value' : 'object';
}

function kinds(kind: FaultKind, names: string): Record<string, FaultKind> {
  return Object.fromEntries(names.split(' ').map((name) => [name, kind]));
}
