import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowError, type Reason } from '../../../../core/index.ts';
import { decodeEmbeddings } from '../../../../gateway/http/embeddings.ts';
import { openAiFailure } from '../../../../gateway/http/openai-error.ts';
import { postJson, withGateway } from '../running-gateway.ts';

const plan = { endpoint: '/encode', models: ['m'], takesAnyModel: false };

function failureOf(body: unknown): { status: number; param: string | null; code: string; message: string } {
  try {
    decodeEmbeddings(body, {}, plan);
  } catch (error) {
    const failure = openAiFailure(FlowError.from(error));
    const told = (JSON.parse(failure.body) as { error: { message: string; param: string | null; code: string } }).error;
    return { status: failure.status, ...told };
  }
  throw new Error('it was accepted');
}

describe("a request in OpenAI's form", () => {
  for (const [name, body, status, param, code] of [
    ['no object', [], 400, null, 'invalid_type'],
    ['no input', { model: 'm' }, 400, 'input', 'missing_required_parameter'],
    ['no model', { input: 'a' }, 400, 'model', 'missing_required_parameter'],
    ['another model', { input: 'a', model: 'n' }, 404, 'model', 'model_not_found'],
    ['a model that is a number', { input: 'a', model: 1 }, 400, 'model', 'invalid_type'],
    ['an empty text', { input: '', model: 'm' }, 400, 'input', 'empty_string'],
    ['an empty list', { input: [], model: 'm' }, 400, 'input', 'array_below_min_length'],
    ['an empty text in a list', { input: ['a', ''], model: 'm' }, 400, 'input[1]', 'empty_string'],
    ['no token ids in a list', { input: [[1], []], model: 'm' }, 400, 'input[1]', 'array_below_min_length'],
    ['half a token id', { input: [1, 1.5], model: 'm' }, 400, 'input[1]', 'invalid_type'],
    ['a text among token ids', { input: [1, 'a'], model: 'm' }, 400, 'input[1]', 'invalid_type'],
    ['a negative id in a list', { input: [[1], [2, -1]], model: 'm' }, 400, 'input[1][1]', 'invalid_type'],
    ['an object as input', { input: { text: 'a' }, model: 'm' }, 400, 'input', 'invalid_type'],
    ['too many inputs', { input: Array(2049).fill('a'), model: 'm' }, 400, 'input', 'array_above_max_length'],
    ['another format', { input: 'a', model: 'm', encoding_format: 'int8' }, 400, 'encoding_format', 'invalid_value'],
    ['dimensions of 0', { input: 'a', model: 'm', dimensions: 0 }, 400, 'dimensions', 'integer_below_min_value'],
    ['dimensions as text', { input: 'a', model: 'm', dimensions: '8' }, 400, 'dimensions', 'invalid_type'],
    ['a user that is a number', { input: 'a', model: 'm', user: 7 }, 400, 'user', 'invalid_type'],
    ['an unknown field', { input: 'a', model: 'm', dimension: 8 }, 400, 'dimension', 'unknown_parameter'],
  ] as const) {
    it(`is refused with ${name}, naming the field`, () => {
      const failure = failureOf(body);
      assert.deepEqual([failure.status, failure.param, failure.code], [status, param, code]);
      assert.match(failure.message, /expected .*got|expected one of|expected a text that is not empty/);
    });
  }

  it('may have 2048 inputs, a list of any length of token ids, and null for what is not set', () => {
    const many = decodeEmbeddings({ input: Array(2048).fill('a'), model: 'm' }, {}, plan);
    assert.equal(many.docs.length, 2048);
    const long = decodeEmbeddings({ input: Array(5000).fill(7), model: 'm', dimensions: null, user: null }, {}, plan);
    assert.deepEqual(long.docs[0]?.tensor?.shape, [5000]);
    assert.deepEqual(long.parameters, {});
  });

  it('brings its deadline and priority in headers like any other request', () => {
    const headers = { 'x-sluice-timeout': '2s', 'x-sluice-priority': '5' };
    const { timeoutMs, priority } = decodeEmbeddings({ input: 'a', model: 'm' }, headers, plan);
    assert.deepEqual([timeoutMs, priority], [2000, 5]);
  });
});

describe("an error in OpenAI's form", () => {
  const table: readonly (readonly [Reason, number, string, string])[] = [
    ['invalid_argument', 400, 'invalid_request_error', 'false'],
    ['malformed_json', 400, 'invalid_request_error', 'false'],
    ['unsupported_media_type', 415, 'invalid_request_error', 'false'],
    ['request_too_large', 413, 'invalid_request_error', 'false'],
    ['unknown_endpoint', 404, 'invalid_request_error', 'false'],
    ['queue_full', 429, 'rate_limit_error', 'true'],
    ['deadline_exceeded', 504, 'server_error', 'true'],
    ['cancelled', 499, 'server_error', 'true'],
    ['draining', 503, 'server_error', 'true'],
    ['executor_error', 500, 'server_error', 'false'],
    ['worker_crashed', 503, 'server_error', 'true'],
    ['streaming_endpoint', 400, 'invalid_request_error', 'false'],
    ['internal', 500, 'server_error', 'false'],
  ];
  for (const [reason, status, type, retry] of table) {
    it(`has ${status} and ${type} for ${reason}`, () => {
      const failure = openAiFailure(new FlowError(reason, 'why'));
      assert.equal(failure.status, status);
      assert.equal(failure.headers['x-should-retry'], retry);
      assert.deepEqual(JSON.parse(failure.body), { error: { message: 'why', type, param: null, code: reason } });
    });
  }

  it('is what a gateway says that still starts, and to a body that is too large', async () => {
    const embeddings = { endpoint: '/encode', models: ['m'], takesAnyModel: true };
    await withGateway({ isLoading: true, plan: { embeddings, maxBodyBytes: 100 } }, async ({ url, runtime }) => {
      const post = async (input: string) => postJson(`${url}/v1/embeddings`, { model: 'm', input });
      const starting = await post('a');
      assert.equal(starting.status, 503);
      assert.equal(starting.headers.get('retry-after'), '1');
      assert.match(await starting.text(), /^\{"error":\{.*"code":"not_ready"/);
      await runtime.start();
      const large = await post('a'.repeat(200));
      assert.equal(large.status, 413);
      assert.match(await large.text(), /"type":"invalid_request_error".*"code":"request_too_large"/);
    });
  });

  it('is not there where nothing serves the form', () =>
    withGateway({}, async ({ url }) => {
      assert.equal((await postJson(`${url}/v1/embeddings`, {})).status, 404);
      assert.equal((await fetch(`${url}/v1/models`)).status, 404);
    }));
});
