import type { JsonObject } from '../../core/index.ts';

function ref(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

const tokenIds = { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 };

/** Schemas of the bodies in OpenAI's form, under its names. */
export const openAiSchemas = {
  CreateEmbeddingRequest: {
    type: 'object',
    additionalProperties: false,
    properties: {
      input: {
        description: 'Texts, or token ids of the model, to embed',
        anyOf: [
          { type: 'string', minLength: 1 },
          { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, maxItems: 2048 },
          tokenIds,
          { type: 'array', items: tokenIds, minItems: 1, maxItems: 2048 },
        ],
        examples: ['The food was delicious and the waiter...'],
      },
      model: { type: 'string', description: 'A model of `GET /v1/models`' },
      encoding_format: {
        description: 'Lists of numbers, or base64 of little-endian float32',
        anyOf: [{ enum: ['float', 'base64'] }, { type: 'null' }],
        default: 'float',
      },
      dimensions: {
        type: ['integer', 'null'],
        minimum: 1,
        description: 'Numbers of an embedding; an error where the model cannot give so many',
      },
      user: { type: ['string', 'null'], description: 'Not used' },
    },
    required: ['input', 'model'],
  },
  CreateEmbeddingResponse: {
    type: 'object',
    properties: {
      object: { const: 'list' },
      data: { type: 'array', items: ref('Embedding') },
      model: { type: 'string' },
      usage: {
        type: 'object',
        properties: { prompt_tokens: { type: 'integer' }, total_tokens: { type: 'integer' } },
        required: ['prompt_tokens', 'total_tokens'],
      },
    },
    required: ['object', 'data', 'model', 'usage'],
  },
  Embedding: {
    type: 'object',
    properties: {
      object: { const: 'embedding' },
      index: { type: 'integer' },
      embedding: {
        anyOf: [
          { type: 'array', items: { type: 'number' } },
          { type: 'string', contentEncoding: 'base64' },
        ],
      },
    },
    required: ['object', 'index', 'embedding'],
  },
  ListModelsResponse: {
    type: 'object',
    properties: { object: { const: 'list' }, data: { type: 'array', items: ref('Model') } },
    required: ['object', 'data'],
  },
  Model: {
    type: 'object',
    properties: {
      id: { type: 'string' },
      object: { const: 'model' },
      created: { type: 'integer', description: 'Unix seconds' },
      owned_by: { type: 'string' },
    },
    required: ['id', 'object', 'created', 'owned_by'],
  },
  OpenAIError: {
    type: 'object',
    properties: {
      error: {
        type: 'object',
        properties: {
          message: { type: 'string' },
          type: { type: 'string' },
          param: { type: ['string', 'null'], description: 'The field at fault' },
          code: { type: ['string', 'null'] },
        },
        required: ['message', 'type', 'param', 'code'],
      },
    },
    required: ['error'],
  },
} satisfies Record<string, JsonObject>;
