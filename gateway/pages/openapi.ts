import type { JsonObject } from '../../core/index.ts';
import { isListed, type PathEntry, type PathTable, pages, type Target } from '../paths.ts';
import { productVersion } from '../version.ts';
import { schemas } from './schemas.ts';

const tags = [
  { name: 'Debug', description: 'Any endpoint, and what the service is. Hidden by `no_debug_endpoints`.' },
  { name: 'CRUD', description: 'The four paths that every Jina client knows. Hidden by `no_crud_endpoints`.' },
  { name: 'OpenAI', description: "Embeddings in OpenAI's form. Served with `openai_embeddings`." },
  { name: 'Customized', description: 'Endpoints of the executors, and those of `expose_endpoints`.' },
];

/**
 * The OpenAPI 3.1 document of what is served now.
 *
 * Jina's clients read it to choose their URL: any path listed with POST gets its own requests, all others go to /post.
 */
export function openapiDocument(about: { title: string; description: string }, paths: PathTable): JsonObject {
  const listed = [...paths.values()].filter(isListed);
  const used = new Set(listed.flatMap((entry) => entry.tags));
  return {
    openapi: '3.1.0',
    info: { title: about.title, description: about.description, version: productVersion() },
    paths: Object.fromEntries(listed.map((entry) => [entry.path, pathItem(entry)])),
    components: { schemas },
    tags: [
      ...tags.filter(({ name }) => used.has(name)),
      ...[...used].filter((name) => tags.every((tag) => tag.name !== name)).map((name) => ({ name })),
    ],
  };
}

function pathItem(entry: PathEntry): JsonObject {
  const operations = [...entry.targets].map(([method, target]) => [
    method.toLowerCase(),
    operation(entry, method, target),
  ]);
  return Object.fromEntries(operations) as JsonObject;
}

function operation(entry: PathEntry, method: string, target: Target): JsonObject {
  return {
    tags: [...entry.tags],
    summary: entry.summary,
    ...(entry.description === undefined ? {} : { description: entry.description }),
    operationId: operationId(entry.path, method),
    ...content(target, method),
  };
}

function operationId(path: string, method: string): string {
  const name = path.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_|_$/g, '');
  return `${method.toLowerCase()}_${name === '' ? 'root' : name}`;
}

function content(target: Target, method: string): JsonObject {
  switch (target.type) {
    case 'page':
      return { responses: pageResponses[target.page] };
    case 'post':
      return { ...requestBody('JinaEndpointRequestModel', true), responses: flowResponses };
    case 'endpoint':
      return { ...requestBody('JinaRequestModel', true), responses: flowResponses };
    case 'embeddings':
      return { ...requestBody('CreateEmbeddingRequest', true), responses: embeddingsResponses };
    case 'stream':
      if (method !== 'GET') return { ...requestBody('JinaRequestModel', true), responses: streamResponses };
      return { parameters: queryFields, responses: streamResponses };
  }
}

function ref(schema: keyof typeof schemas): JsonObject {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } };
}

function requestBody(schema: keyof typeof schemas, required: boolean): JsonObject {
  return { requestBody: { content: ref(schema), required } };
}

const queryFields = ['id', 'text', 'uri', 'mime_type', 'modality'].map((name) => ({
  name,
  in: 'query',
  required: false,
  schema: { type: 'string' },
}));

const failures: JsonObject = {
  '404': {
    description: 'No executor that the request may reach binds the endpoint',
    content: ref('JinaResponseModel'),
  },
  '413': { description: 'The body is too large', content: ref('JinaResponseModel') },
  '422': { description: 'Validation Error', content: ref('HTTPValidationError') },
  '429': {
    description: 'A queue is full; send the request again after the seconds in Retry-After',
    headers: { 'Retry-After': { schema: { type: 'integer' } } },
    content: ref('JinaResponseModel'),
  },
  '500': {
    description: 'An executor failed; bodies with `header` or `execEndpoint` get it in `header.status` of a 200',
    content: ref('JinaResponseModel'),
  },
  '503': { description: 'An executor cannot be reached, or the service stops', content: ref('JinaResponseModel') },
  '504': { description: 'No answer within the time', content: ref('JinaResponseModel') },
};

const flowResponses: JsonObject = {
  '200': { description: 'Successful Response', content: ref('JinaResponseModel') },
  ...failures,
};

const streamResponses: JsonObject = {
  '200': {
    description: 'Events `update` with one document each, `error` where it failed, and `end`',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  },
  ...failures,
};

const embeddingsResponses: JsonObject = {
  '200': { description: 'One embedding for each input, in order', content: ref('CreateEmbeddingResponse') },
  default: { description: 'What went wrong', content: ref('OpenAIError') },
};

function ok(description: string, schema: keyof typeof schemas): JsonObject {
  return { '200': { description, content: ref(schema) } };
}

function text(type: string): JsonObject {
  return { '200': { description: 'Successful Response', content: { [type]: { schema: { type: 'string' } } } } };
}

const pageResponses: Readonly<Record<keyof typeof pages, JsonObject>> = {
  root: ok('Successful Response', 'JinaHealthModel'),
  dryRun: ok('Successful Response', 'StatusProto'),
  status: ok('Successful Response', 'JinaInfoModel'),
  live: ok('The gateway runs', 'Liveness'),
  ready: {
    ...ok('Every executor is ready', 'Readiness'),
    '503': { description: 'Which executor is not ready, and why', content: ref('Readiness') },
  },
  metrics: text('text/plain'),
  models: ok('Successful Response', 'ListModelsResponse'),
  openapi: {
    '200': { description: 'Successful Response', content: { 'application/json': { schema: { type: 'object' } } } },
  },
  docs: text('text/html'),
  redoc: { '307': { description: 'Leads to /docs' } },
  search: text('text/html'),
  dashboard: text('text/html'),
  liveView: ok('The flow as it is now', 'Live'),
};
