import {
  describeValue,
  Document,
  DocumentArray,
  FlowError,
  type FlowResponse,
  isObject,
  type JsonPath,
  pathText,
  Tensor,
} from '../../core/index.ts';
import type { Carrier } from '../../observability/index.ts';
import { readCallerSettings } from '../caller-settings.ts';
import type { Call } from '../handle.ts';
import { float32ListText } from '../number-text.ts';
import type { EmbeddingsPlan } from '../paths.ts';

/** Texts, or lists of token ids, of one request; OpenAI's own bound. */
const mostInputs = 2048;
const mostTokenId = 2 ** 31 - 1;

/** A request of `POST /v1/embeddings` as it was understood. */
export interface EmbeddingsCall extends Call {
  readonly model: string;
  readonly encoding: 'float' | 'base64';
  readonly dimensions: number | undefined;
}

const fields: readonly string[] = ['input', 'model', 'encoding_format', 'dimensions', 'user'];

/**
 * A request in OpenAI's form: each text becomes a document with `text`, each list of token ids one with an int32
 * `tensor`; `dimensions` becomes a parameter of the same name.
 *
 * @throws `invalid_argument` with `details.loc` (the field) and `details.code` (OpenAI's word for the fault)
 */
export function decodeEmbeddings(body: unknown, headers: Carrier, plan: EmbeddingsPlan): EmbeddingsCall {
  if (!isObject(body)) throw fault('invalid_type', [], `expected an object, got ${describeValue(body)}`);
  const unknown = Object.keys(body).find((key) => !fields.includes(key));
  if (unknown !== undefined) {
    throw fault('unknown_parameter', [unknown], `${unknown}: expected one of ${fields.join(', ')}`);
  }
  if (present(body['user']) && typeof body['user'] !== 'string') throw wrongType(['user'], 'text', body['user']);
  const dimensions = readDimensions(body['dimensions']);
  return {
    endpoint: plan.endpoint,
    targetExecutor: undefined,
    parameters: dimensions === undefined ? {} : { dimensions },
    docs: readInput(body['input']),
    ...readCallerSettings(headers),
    model: readModel(body['model'], plan),
    encoding: readEncoding(body['encoding_format']),
    dimensions,
  };
}

function readModel(value: unknown, { models, takesAnyModel }: EmbeddingsPlan): string {
  if (!present(value)) throw missing('model', 'the name of a model');
  if (typeof value !== 'string') throw wrongType(['model'], 'the name of a model', value);
  if (takesAnyModel || models.includes(value)) return value;
  throw new FlowError('unknown_model', `model: expected ${models.join(' or ')}, got ${describeValue(value)}`, {
    details: { loc: ['model'], code: 'model_not_found' },
  });
}

function readEncoding(value: unknown): EmbeddingsCall['encoding'] {
  if (!present(value)) return 'float';
  if (value === 'float' || value === 'base64') return value;
  const text = `encoding_format: expected float or base64, got ${describeValue(value)}`;
  throw fault('invalid_value', ['encoding_format'], text);
}

function readDimensions(value: unknown): number | undefined {
  if (!present(value)) return undefined;
  const expected = 'a whole number of at least 1';
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(['dimensions'], expected, value);
  if (value >= 1) return value;
  throw fault('integer_below_min_value', ['dimensions'], `dimensions: expected ${expected}, got ${value}`);
}

function readInput(input: unknown): DocumentArray {
  if (!present(input)) throw missing('input', inputForms);
  if (typeof input === 'string') return DocumentArray.fromInputs([textDocument(input, ['input'])]);
  if (!Array.isArray(input)) throw wrongType(['input'], inputForms, input);
  const items: readonly unknown[] = input;
  if (items.length === 0)
    throw fault('array_below_min_length', ['input'], 'input: expected at least one item, got none');
  // A list of numbers is the token ids of one input.
  if (typeof items[0] === 'number') return DocumentArray.fromInputs([tokenDocument(items, ['input'])]);
  if (items.length > mostInputs) {
    const text = `input: expected at most ${mostInputs} items, got ${items.length}`;
    throw fault('array_above_max_length', ['input'], text);
  }
  return DocumentArray.fromInputs(items.map((item, index) => inputDocument(item, ['input', index])));
}

const inputForms = 'a text, a list of texts, a list of token ids, or a list of such lists';

function inputDocument(item: unknown, loc: JsonPath): Document {
  if (typeof item === 'string') return textDocument(item, loc);
  if (Array.isArray(item)) return tokenDocument(item, loc);
  throw wrongType(loc, 'a text or a list of token ids', item);
}

function textDocument(text: string, loc: JsonPath): Document {
  if (text === '') throw fault('empty_string', loc, `${pathText(loc)}: expected a text that is not empty`);
  return new Document({ text });
}

function tokenDocument(ids: readonly unknown[], loc: JsonPath): Document {
  if (ids.length === 0) {
    throw fault('array_below_min_length', loc, `${pathText(loc)}: expected at least one token id, got none`);
  }
  const data = new Int32Array(ids.length);
  ids.forEach((id, index) => {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > mostTokenId) {
      throw wrongType([...loc, index], 'a token id, a whole number of at least 0', id);
    }
    data[index] = id;
  });
  return new Document({ tensor: new Tensor('int32', [ids.length], data) });
}

/**
 * The answer in OpenAI's form. Tokens are those that the executors counted; 0 where none counts.
 *
 * @throws `invalid_result` when the endpoint did not give each document a vector; `invalid_argument` when vectors have
 *   another length than was asked for
 */
export function encodeEmbeddings(answer: FlowResponse, call: EmbeddingsCall): string {
  const { docs, endpoint, tokens = 0 } = answer;
  if (docs.length !== call.docs.length) {
    const text = `expected ${call.docs.length} documents from ${endpoint}, got ${docs.length}`;
    throw new FlowError('invalid_result', text);
  }
  const items = docs.map((doc, index) => {
    const vector = vectorOf(doc, index, call);
    const value = call.encoding === 'base64' ? `"${base64Of(vector)}"` : float32ListText(vector);
    return `{"object":"embedding","index":${index},"embedding":${value}}`;
  });
  return (
    `{"object":"list","data":[${items.join(',')}],"model":${JSON.stringify(call.model)},` +
    `"usage":{"prompt_tokens":${tokens},"total_tokens":${tokens}}}`
  );
}

function vectorOf({ embedding }: Document, index: number, { endpoint, dimensions }: EmbeddingsCall): Float32Array {
  if (embedding?.shape.length !== 1) {
    const got = embedding === undefined ? 'nothing' : `a tensor of shape [${embedding.shape.join(', ')}]`;
    throw new FlowError('invalid_result', `expected a vector from ${endpoint} for input ${index}, got ${got}`);
  }
  const vector = embedding.toFloat32();
  if (dimensions === undefined || dimensions === vector.length) return vector;
  throw fault(
    'unsupported_dimensions',
    ['dimensions'],
    `dimensions: this model gives embeddings of ${vector.length} numbers and no others, got ${dimensions}`,
  );
}

function base64Of({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** Clients of some languages send null for what is not set. */
function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function missing(field: string, expected: string): FlowError {
  return fault('missing_required_parameter', [field], `${field}: expected ${expected}, got nothing`);
}

function wrongType(loc: JsonPath, expected: string, value: unknown): FlowError {
  return fault('invalid_type', loc, `${pathText(loc)}: expected ${expected}, got ${describeValue(value)}`);
}

function fault(code: string, loc: JsonPath, message: string): FlowError {
  return new FlowError('invalid_argument', message, { details: { loc: [...loc], code } });
}
