import { z } from 'zod';
import { expected, jinaKey, refusedKey, sluiceKey, strictObject } from './schema-key.ts';
import { filledText, flag, mapOf, oneOrMore, text } from './schema-value.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const method = z
  .string(expected('the name of an HTTP method'))
  .meta({ title: 'HTTP method', enum: [...methods, ...methods.map((name) => name.toLowerCase())] })
  .transform((value) => value.toUpperCase())
  .refine((value) => methods.some((name) => name === value), expected(`one of ${methods.join(', ')}`));

const endpointName = z
  .string(expected('an endpoint such as /encode'))
  .meta({ title: 'endpoint' })
  .regex(/^\/./, expected('an endpoint such as /encode'));

const ofFastApi = 'an option of the Python gateway';

/** One entry of `expose_endpoints`. */
export const exposedEndpointSchema = strictObject(
  {
    http_path: jinaKey(
      text.regex(/^\//, expected('a path that begins with /')),
      'Path of the endpoint over HTTP.',
      'the name of the endpoint',
    ),
    methods: jinaKey(oneOrMore(method, `a list of HTTP methods`), 'HTTP methods it answers.', '[POST]'),
    summary: jinaKey(text, 'Short text for the OpenAPI page.'),
    description: jinaKey(text, 'Long text for the OpenAPI page.'),
    tags: jinaKey(z.array(text, expected('a list of texts')), 'Groups on the OpenAPI page.'),
    path: refusedKey('it makes the Python gateway fail', [], 'write http_path'),
    status_code: refusedKey(ofFastApi, [200]),
    deprecated: refusedKey(ofFastApi, [false]),
    include_in_schema: refusedKey(ofFastApi, [true]),
    operation_id: refusedKey(ofFastApi),
    name: refusedKey(ofFastApi),
    response_description: refusedKey(ofFastApi),
    response_model_exclude_unset: refusedKey(ofFastApi, [false]),
    response_model_exclude_defaults: refusedKey(ofFastApi, [false]),
    response_model_exclude_none: refusedKey(ofFastApi, [false]),
  },
  'an object such as {http_path: /encode, methods: [POST]}',
);

const exposedObject = mapOf(exposedEndpointSchema, 'an object of endpoints');

/** `expose_endpoints`: endpoint to options, as an object or as its JSON text. */
export const exposedEndpoints = z.union(
  [
    z
      .string()
      .transform((value, context): unknown => {
        try {
          return JSON.parse(value);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          context.addIssue({ code: 'custom', message: `expected JSON text, got text that is not JSON: ${reason}` });
          return z.NEVER;
        }
      })
      .pipe(exposedObject),
    exposedObject,
  ],
  expected('an object of endpoints, or its JSON text'),
);

const modelName = filledText.describe('A model name.');

/** `openai_embeddings`: an endpoint, or an endpoint and the names under which it is served. */
const openaiEmbeddings = z.union(
  [
    endpointName,
    strictObject(
      {
        endpoint: endpointName.describe('Endpoint that gives each document an embedding.'),
        models: sluiceKey(
          oneOrMore(modelName, 'a list of model names'),
          'Values of `model` that are answered; any other is an error.',
          'any, and the name of the flow is listed',
        ),
      },
      'an object such as {endpoint: /encode, models: [all-MiniLM-L6-v2]}',
    ),
  ],
  expected('an endpoint such as /encode, or an object such as {endpoint: /encode, models: [all-MiniLM-L6-v2]}'),
);

/** What the gateway shows over HTTP; part of `with` and of `gateway`. */
export const pagesShape = {
  title: jinaKey(text, 'Title of the OpenAPI page.', 'the name of the flow'),
  description: jinaKey(text, 'Description of the OpenAPI page.'),
  cors: jinaKey(flag, 'Lets pages of any origin call the gateway.', 'false'),
  no_debug_endpoints: jinaKey(flag, 'Leaves out /status, /dry_run and POST /post.', 'false'),
  no_crud_endpoints: jinaKey(flag, 'Leaves out /index, /search, /delete and /update.', 'false'),
  search_page: sluiceKey(
    flag,
    'Serves a page at /ui that searches with /search; browsers that open / are led there.',
    'false',
  ),
  expose_endpoints: jinaKey(exposedEndpoints, 'HTTP paths of their own for endpoints: an object, or its JSON text.'),
  openai_embeddings: sluiceKey(
    openaiEmbeddings,
    "Serves an endpoint that gives embeddings as `POST /v1/embeddings` in OpenAI's form, and `GET /v1/models`.",
    'not served',
  ),
  expose_graphql_endpoint: refusedKey('GraphQL', [false]),
};
