import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import OpenAI, { APIError } from 'openai';
import { Flow, type FlowOptions, type RunningFlow, startFlow } from '../../index.ts';
import { minilm, skipWithoutMinilm } from '../fixtures/contexts/minilm.ts';
import { executorPath } from '../fixtures/running-runtime.ts';

/** A flow that serves OpenAI's form, and the official client pointed at it. */
class ServedFlow {
  readonly client: OpenAI;
  readonly url: string;
  private readonly flow: RunningFlow;
  private readonly workspace: string;

  private constructor(flow: RunningFlow, workspace: string) {
    this.flow = flow;
    this.workspace = workspace;
    this.url = flow.urls[0] ?? '';
    this.client = new OpenAI({ baseURL: `${this.url}/v1`, apiKey: 'none', maxRetries: 1 });
  }

  static async start(
    openaiEmbeddings: NonNullable<FlowOptions['openaiEmbeddings']>,
    add: (flow: Flow) => Flow,
  ): Promise<ServedFlow> {
    const workspace = mkdtempSync(path.join(tmpdir(), 'sluice-openai-'));
    const flow = add(Flow.create({ name: 'words', port: 0, workspace, openaiEmbeddings }));
    return new ServedFlow(await startFlow(flow), workspace);
  }

  async stop(): Promise<void> {
    await this.flow.stop();
    rmSync(this.workspace, { recursive: true, force: true });
  }

  async failure(body: object): Promise<{ status: number; headers: Headers; error: Record<string, unknown> }> {
    const response = await fetch(`${this.url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    return { status: response.status, headers: response.headers, error };
  }
}

function letters(executor: { endpoint?: string; shortens?: boolean } = {}): (flow: Flow) => Flow {
  const { shortens = false } = executor;
  return (flow) => flow.add({ name: 'letters', uses: executorPath('letters.ts'), usesWith: { shortens } });
}

const model = 'text-embedding-3-small';

describe("OpenAI's own client at a flow of one's own executor", () => {
  let served: ServedFlow;
  before(async () => {
    served = await ServedFlow.start('/encode', letters());
  });
  after(async () => served.stop());

  const create = (input: OpenAI.EmbeddingCreateParams['input'], more: Partial<OpenAI.EmbeddingCreateParams> = {}) =>
    served.client.embeddings.create({ model, input, ...more });

  it('gets the embedding of a text, and its usage as the worker counted it', async () => {
    const answer = await create('abba');
    assert.equal(answer.object, 'list');
    assert.equal(answer.model, model);
    assert.equal(answer.data.length, 1);
    assert.deepEqual(answer.data[0]?.embedding.slice(0, 3), [2, 2, 0]);
    assert.equal(answer.data[0].embedding.length, 26);
    assert.deepEqual(answer.usage, { prompt_tokens: 4, total_tokens: 4 });
  });

  it('gets a list in order with usage summed over all batches it was split into', async () => {
    const texts = Array.from({ length: 50 }, (_, index) => 'a'.repeat(index + 1));
    const { data, usage } = await create(texts, { user: 'someone' });
    assert.deepEqual(
      data.map(({ index, embedding }) => [index, embedding[0]]),
      texts.map((text, index) => [index, text.length]),
    );
    assert.equal(usage.prompt_tokens, (50 * 51) / 2);
  });

  it('keeps the usage of callers apart whose texts are joined in one batch', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => create('a'.repeat(index + 1))));
    assert.deepEqual(
      answers.map(({ usage }) => usage.total_tokens),
      Array.from({ length: 12 }, (_, index) => index + 1),
    );
  });

  it('sends token ids, one list or many', async () => {
    const one = await create([0, 1, 1]);
    assert.deepEqual(one.data[0]?.embedding.slice(0, 3), [1, 2, 0]);
    const two = await create([[2], [0, 0]]);
    assert.deepEqual(
      two.data.map(({ embedding }) => embedding.slice(0, 3)),
      [
        [0, 0, 1],
        [2, 0, 0],
      ],
    );
    assert.equal(two.usage.prompt_tokens, 3);
  });

  it('gets the same numbers as floats and as base64', async () => {
    const floats = await create('abc', { encoding_format: 'float' });
    const bytes = await create('abc', { encoding_format: 'base64' });
    const text = bytes.data[0]?.embedding as unknown as string;
    const raw = Buffer.from(text, 'base64');
    const numbers = Array.from({ length: 26 }, (_, index) => raw.readFloatLE(index * 4));
    assert.deepEqual(numbers, floats.data[0]?.embedding);
  });

  it('lists the models, under the name of the flow where the file names none', async () => {
    const models = await served.client.models.list();
    assert.deepEqual(
      models.data.map(({ id, object, owned_by }) => [id, object, owned_by]),
      [['words', 'model', 'sluice']],
    );
    assert.ok(Math.abs((models.data[0]?.created ?? 0) - Date.now() / 1000) < 600);
  });

  it("throws the client's own errors, with the field at fault", async () => {
    const error = await create(['a', '']).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof OpenAI.BadRequestError);
    const { status, code, param, type } = error;
    assert.deepEqual(
      { status, code, param, type },
      {
        status: 400,
        code: 'empty_string',
        param: 'input[1]',
        type: 'invalid_request_error',
      },
    );
  });

  it('fails for a text that the executor cannot embed, and is not made to try again', async () => {
    await assert.rejects(create('poison'), (error) => error instanceof APIError && error.status === 500);
    const { status, headers, error } = await served.failure({ model, input: ['a', 'poison'] });
    assert.equal(status, 500);
    assert.equal(headers.get('x-should-retry'), 'false');
    assert.equal(error['type'], 'server_error');
    assert.equal(error['code'], 'executor_error');
    await assert.rejects(create('too long'), OpenAI.BadRequestError);
  });

  it('refuses dimensions that the model does not give, and takes those that it does', async () => {
    const { status, error } = await served.failure({ model, input: 'a', dimensions: 8 });
    assert.equal(status, 400);
    assert.equal(error['param'], 'dimensions');
    assert.match(String(error['message']), /gives embeddings of 26 numbers and no others, got 8/);
    assert.equal((await create('a', { dimensions: 26 })).data[0]?.embedding.length, 26);
  });

  it('answers a body that is no JSON in the same form', async () => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${served.url}/v1/embeddings`, { method: 'POST', headers, body: '{"input":' });
    assert.equal(response.status, 400);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    assert.equal(error['code'], 'malformed_json');
  });

  it('is told about by the OpenAPI document', async () => {
    const document = (await (await fetch(`${served.url}/openapi.json`)).json()) as { paths: Record<string, object> };
    assert.ok('post' in (document.paths['/v1/embeddings'] ?? {}));
    assert.ok('get' in (document.paths['/v1/models'] ?? {}));
  });
});

describe('a model that can shorten its embeddings, served under names', () => {
  let served: ServedFlow;
  before(async () => {
    served = await ServedFlow.start({ endpoint: '/encode', models: ['small', 'large'] }, letters({ shortens: true }));
  });
  after(async () => served.stop());

  it('gives as many numbers as are asked for', async () => {
    const { data } = await served.client.embeddings.create({ model: 'small', input: 'abc', dimensions: 2 });
    assert.deepEqual(data[0]?.embedding, [1, 1]);
  });

  it('is found under its names only', async () => {
    assert.deepEqual(
      (await served.client.models.list()).data.map(({ id }) => id),
      ['small', 'large'],
    );
    await assert.rejects(
      served.client.embeddings.create({ model: 'medium', input: 'a' }),
      (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found' && error.param === 'model',
    );
  });
});

describe('an endpoint that gives no embeddings', () => {
  it('is an error that says so', async () => {
    const served = await ServedFlow.start('/plain', letters());
    try {
      const { status, error } = await served.failure({ model, input: 'a' });
      assert.equal(status, 500);
      assert.equal(error['code'], 'invalid_result');
      assert.match(String(error['message']), /expected a vector from \/plain for input 0, got nothing/);
    } finally {
      await served.stop();
    }
  });
});

describe("OpenAI's own client at a real sentence encoder", { skip: skipWithoutMinilm }, () => {
  let served: ServedFlow;
  before(async () => {
    const usesWith = { model: minilm };
    served = await ServedFlow.start('/encode', (flow) =>
      flow.add({ name: 'tokenizer', uses: 'Tokenizer', usesWith }).add({ name: 'encoder', uses: 'Encoder', usesWith }),
    );
  });
  after(async () => served.stop());

  it('finds texts that mean the same nearer, and the same vector for text and its token ids', async () => {
    const input = ['a cat sits on the mat', 'a kitten on a rug', 'interest rates rise again'];
    const { data, usage } = await served.client.embeddings.create({ model, input });
    const [cat, kitten, rates] = data.map(({ embedding }) => embedding);
    assert.ok(cat && kitten && rates);
    assert.ok(dot(cat, kitten) > dot(cat, rates) + 0.3);
    // 8, 7 and 6 tokens with their two special ones.
    assert.equal(usage.prompt_tokens, 21);
    const cats = await served.client.embeddings.create({ model, input: [101, 1037, 4937, 102] });
    const text = await served.client.embeddings.create({ model, input: 'a cat' });
    assert.equal(cats.usage.prompt_tokens, 4);
    assert.ok(dot(cats.data[0]?.embedding ?? [], text.data[0]?.embedding ?? []) > 0.9999);
  });
});

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? NaN), 0);
}
