import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { encoder, streamer } from '../golden-executors.ts';
import { echo, postJson, withGateway } from '../running-gateway.ts';

interface Operation {
  readonly tags: readonly string[];
  readonly operationId: string;
}

interface Document {
  readonly openapi: string;
  readonly info: { title: string; description: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, { properties?: Record<string, unknown> }> };
  readonly tags: { name: string }[];
}

const golden = fileURLToPath(new URL('../../../../../shared/goldens/jina/v1/http_openapi.json', import.meta.url));
const exposed = [{ endpoint: '/encode', path: '/v2/embed', methods: ['POST'], summary: 'Vectors', tags: ['Mine'] }];

async function documentOf(url: string): Promise<Document> {
  return (await (await fetch(`${url}/openapi.json`)).json()) as Document;
}

describe('OpenAPI document', () => {
  it('is valid', () =>
    withGateway({ executors: [encoder, streamer, echo], plan: { exposed } }, async ({ url }) => {
      const document = await documentOf(url);
      const result = await new Validator().validate({ ...document });
      assert.deepEqual(result, { valid: true });
      assert.equal(document.openapi, '3.1.0');
      const ids = Object.values(document.paths).flatMap((item) => Object.values(item).map((one) => one.operationId));
      assert.equal(new Set(ids).size, ids.length);
    }));

  it('lists what is served, /post among it and /default not', () =>
    withGateway({ executors: [encoder, streamer, echo], plan: { exposed } }, async ({ url }) => {
      const { paths, info, tags } = await documentOf(url);
      const methodsOf = (path: string) => Object.keys(paths[path] ?? {});
      assert.deepEqual(methodsOf('/post'), ['post']);
      assert.deepEqual(methodsOf('/encode'), ['post']);
      assert.deepEqual(methodsOf('/stream').sort(), ['get', 'post']);
      assert.deepEqual(methodsOf('/update'), ['put']);
      assert.deepEqual(paths['/v2/embed']?.['post']?.tags, ['Mine']);
      assert.equal(paths['/default'], undefined);
      assert.equal((await postJson(`${url}/default`, {})).status, 200);
      assert.equal(info.title, 'A test');
      assert.deepEqual(
        tags.map(({ name }) => name),
        ['Debug', 'CRUD', 'Customized', 'Mine'],
      );
    }));

  it('follows the endpoints while executors load', () =>
    withGateway({ isLoading: true }, async ({ url, runtime }) => {
      assert.equal((await documentOf(url)).paths['/encode'], undefined);
      await runtime.start();
      assert.ok((await documentOf(url)).paths['/encode']);
    }));

  it('hides what the flow hides', () => {
    const plan = { hasCrudEndpoints: false, hasDebugEndpoints: false, metrics: false };
    return withGateway({ plan }, async ({ url }) => {
      const { paths, tags } = await documentOf(url);
      for (const path of ['/index', '/post', '/status', '/dry_run', '/metrics']) assert.equal(paths[path], undefined);
      assert.deepEqual(tags, [
        { name: 'Customized', description: tags[0] && 'description' in tags[0] ? tags[0].description : '' },
      ]);
    });
  });

  const skip = existsSync(golden) ? false : 'the recorded answers of Jina are not on this machine';
  it('has every path, method and field of the recorded one', { skip }, () => {
    const plan = { exposed: ['/encode', '/fail'].map((path) => ({ endpoint: path, path, methods: ['POST'] })) };
    return withGateway({ executors: [encoder], plan }, async ({ url }) => {
      const ours = await documentOf(url);
      const theirs = (JSON.parse(readFileSync(golden, 'utf8')) as { response: { json: Document } }).response.json;
      for (const [path, item] of Object.entries(theirs.paths)) {
        for (const method of Object.keys(item)) assert.ok(ours.paths[path]?.[method], `${method} ${path}`);
      }
      for (const [name, schema] of Object.entries(theirs.components.schemas)) {
        // An enumeration of one field, which ours has in place.
        if (name === 'StatusCode') continue;
        const fields = Object.keys(ours.components.schemas[name]?.properties ?? {});
        for (const field of Object.keys(schema.properties ?? {})) {
          if (name === 'HeaderProto' && field === 'timeout') continue;
          assert.ok(fields.includes(field), `${name}.${field}`);
        }
      }
    });
  });
});
