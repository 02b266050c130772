import type { JsonObject } from '../../core/index.ts';
import { openAiSchemas } from './openai-schemas.ts';

const text = { type: ['string', 'null'] };
const integer = { type: ['integer', 'null'] };
const number = { type: ['number', 'null'] };
const anyObject = { type: ['object', 'null'] };

function ref(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

function list(items: JsonObject): JsonObject {
  return { type: 'array', items };
}

function orNull(schema: JsonObject): JsonObject {
  return { anyOf: [schema, { type: 'null' }] };
}

const requestFields = {
  data: {
    description: 'The documents: a list, or an object whose `docs` is the list',
    anyOf: [
      list(ref('PydanticDocument')),
      { type: 'object', properties: { docs: list(ref('PydanticDocument')) }, required: ['docs'] },
      { type: 'null' },
    ],
    examples: [[{ text: 'hello, world!' }]],
  },
  parameters: { ...anyObject, description: 'Given to every executor; `name__key` goes to the executor `name` alone' },
  targetExecutor: { ...text, description: 'A regular expression from the start of an executor name; empty means all' },
  header: {
    description: 'Optional; `timeout` in milliseconds, `metadata` like the HTTP headers of the same names',
    anyOf: [
      {
        type: 'object',
        properties: {
          timeout: integer,
          metadata: {
            type: ['object', 'null'],
            properties: {
              traceparent: text,
              tracestate: text,
              'x-sluice-timeout': { type: ['string', 'number', 'null'] },
              'x-sluice-priority': { type: ['string', 'integer', 'null'] },
            },
          },
        },
      },
      { type: 'null' },
    ],
  },
};

const worker: JsonObject = {
  type: 'object',
  properties: {
    replica: { type: 'integer' },
    state: { type: 'string' },
    restarts: { type: 'integer' },
    device: { type: 'string' },
    message: { type: 'string' },
    fraction: { type: 'number' },
    error: { type: 'string' },
  },
};

/** The schemas of all bodies; those that Jina has too have its names. */
export const schemas = {
  PydanticDocument: {
    type: 'object',
    properties: {
      id: text,
      parent_id: text,
      granularity: integer,
      adjacency: integer,
      blob: { ...text, contentEncoding: 'base64' },
      tensor: orNull(ref('Tensor')),
      mime_type: text,
      text,
      weight: number,
      uri: text,
      tags: anyObject,
      offset: number,
      location: { type: ['array', 'null'], items: { type: 'number' } },
      embedding: orNull(ref('Tensor')),
      modality: text,
      evaluations: { type: ['object', 'null'], additionalProperties: ref('_NamedScore') },
      scores: { type: ['object', 'null'], additionalProperties: ref('_NamedScore') },
      chunks: orNull(list(ref('PydanticDocument'))),
      matches: orNull(list(ref('PydanticDocument'))),
    },
  },
  Tensor: {
    description:
      'Nested lists of numbers; or little-endian bytes, which answers have with `Accept: application/json;tensors=base64`',
    anyOf: [
      { type: 'array', items: {} },
      {
        type: 'object',
        properties: {
          dtype: { type: 'string' },
          shape: list({ type: 'integer', minimum: 0 }),
          data: { type: 'string', contentEncoding: 'base64' },
        },
        required: ['dtype', 'shape', 'data'],
      },
    ],
  },
  _NamedScore: {
    type: 'object',
    properties: { value: number, op_name: text, description: text, ref_id: text },
  },
  JinaRequestModel: { type: 'object', properties: requestFields },
  JinaEndpointRequestModel: {
    type: 'object',
    properties: {
      ...requestFields,
      execEndpoint: { ...text, default: '/', description: 'The endpoint, such as `/encode`', examples: ['/'] },
    },
  },
  JinaResponseModel: {
    type: 'object',
    properties: {
      header: ref('HeaderProto'),
      parameters: anyObject,
      routes: orNull(list(ref('RouteProto'))),
      data: orNull(list(ref('PydanticDocument'))),
    },
    required: ['header', 'parameters', 'routes', 'data'],
  },
  HeaderProto: {
    type: 'object',
    properties: {
      requestId: { type: 'string' },
      status: orNull(ref('StatusProto')),
      execEndpoint: { type: 'string' },
      targetExecutor: { type: 'string' },
    },
    required: ['requestId', 'status', 'execEndpoint', 'targetExecutor'],
  },
  RouteProto: {
    type: 'object',
    properties: {
      executor: { type: 'string' },
      startTime: { type: ['string', 'null'], format: 'date-time' },
      endTime: { type: ['string', 'null'], format: 'date-time' },
      status: orNull(ref('StatusProto')),
    },
    required: ['executor', 'startTime', 'endTime', 'status'],
  },
  StatusProto: {
    type: 'object',
    properties: {
      code: { enum: [0, 1], description: '0 success, 1 error' },
      description: { type: 'string' },
      exception: orNull(ref('ExceptionProto')),
    },
    required: ['code', 'description', 'exception'],
  },
  ExceptionProto: {
    type: 'object',
    properties: {
      name: { type: 'string', description: 'Class of the exception in an executor, or the reason of the error' },
      args: list({ type: 'string' }),
      stacks: list({ type: 'string' }),
      executor: { type: 'string', description: 'Class of the executor; empty outside executors' },
    },
    required: ['name', 'args', 'stacks', 'executor'],
  },
  HTTPValidationError: {
    type: 'object',
    properties: { detail: list(ref('ValidationError')) },
    required: ['detail'],
  },
  ValidationError: {
    type: 'object',
    properties: {
      loc: list({ type: ['string', 'integer'] }),
      msg: { type: 'string' },
      type: { type: 'string' },
      ctx: {
        type: 'object',
        properties: { error: { type: 'string', description: 'What was expected and what came' } },
      },
    },
    required: ['loc', 'msg', 'type'],
  },
  JinaHealthModel: { type: 'object' },
  JinaInfoModel: {
    type: 'object',
    properties: {
      jina: { type: 'object', additionalProperties: { type: 'string' } },
      envs: { type: 'object', additionalProperties: { type: 'string' } },
    },
    required: ['jina', 'envs'],
  },
  Liveness: { type: 'object', properties: { status: { type: 'string' } }, required: ['status'] },
  Readiness: {
    type: 'object',
    properties: {
      status: { enum: ['ready', 'not_ready', 'draining'] },
      reasons: list({ type: 'string' }),
      executors: list({
        type: 'object',
        properties: { name: { type: 'string' }, is_ready: { type: 'boolean' }, workers: list(worker) },
      }),
    },
    required: ['status', 'reasons', 'executors'],
  },
  Live: {
    type: 'object',
    description: 'Rates and quantiles are of the last five seconds, as far back as somebody has been looking',
    properties: {
      flow: { type: 'string' },
      status: { enum: ['ready', 'not_ready', 'draining'] },
      reasons: list({ type: 'string' }),
      total: { type: 'object' },
      endpoints: list({ type: 'object' }),
      executors: list({ type: 'object' }),
      slow: list({ type: 'object' }),
    },
    required: ['flow', 'status', 'reasons', 'total', 'endpoints', 'executors', 'slow'],
  },
  ...openAiSchemas,
} satisfies Record<string, JsonObject>;

/** The JSON schema of a document, for those who have no OpenAPI page around it. */
export function documentSchema(): JsonObject {
  const { PydanticDocument, Tensor, _NamedScore } = schemas;
  const text = JSON.stringify({
    ...PydanticDocument,
    title: 'PydanticDocument',
    definitions: { PydanticDocument, Tensor, _NamedScore },
  });
  return JSON.parse(text.replaceAll('#/components/schemas/', '#/definitions/')) as JsonObject;
}
