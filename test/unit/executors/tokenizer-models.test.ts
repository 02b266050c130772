import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DocumentArray, type DocumentInput, type JsonObject } from '../../../core/index.ts';
import { Tokenizer } from '../../../executors/tokenizer/index.ts';
import { executorContext, RecordedCall } from '../../fixtures/contexts/executor-context.ts';
import { writeTinyClip } from '../../fixtures/models/tiny-clip.ts';

/** Words of the tiny model: <s> 1, </s> 2, a 4, black 5, cat 6, dog 7, red 8, chair 9. */
describe('Tokenizer with several models', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'sluice-tokenizers-'));
  const model = path.join(root, 'first');
  const allowed = path.join(root, 'allowed');
  let tokenizer: Tokenizer;

  async function load(options: JsonObject = {}): Promise<Tokenizer> {
    const made = new Tokenizer(
      Tokenizer.options.parse({ model, ...options }),
      executorContext({ workspace: path.join(root, 'workspace') }),
    );
    await made.init();
    return made;
  }

  before(async () => {
    writeTinyClip(model, 'clip');
    mkdirSync(allowed);
    cpSync(model, path.join(allowed, 'second'), { recursive: true });
    cpSync(model, path.join(root, 'outside'), { recursive: true });
    mkdirSync(path.join(allowed, 'linked'));
    for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json']) {
      symlinkSync(path.join(root, 'outside', file), path.join(allowed, 'linked', file));
    }
    tokenizer = await load({ models: { short: path.join(root, 'outside') }, allowed_paths: [allowed] });
  });
  after(() => {
    rmSync(root, { recursive: true });
  });

  function tokenize(inputs: readonly DocumentInput[], parameters: JsonObject = {}) {
    const docs = DocumentArray.fromInputs(inputs);
    const call = new RecordedCall('/tokenize', docs, [{ rows: docs.length, parameters }], parameters);
    tokenizer.tokenize(docs, call);
    const rows = docs.map(({ tensor }) => tensor && { shape: tensor.shape, ids: [...tensor.data] });
    return { rows, failure: call.failures.get('r0')?.message ?? '' };
  }

  async function add(name: string, source: string, to = tokenizer): Promise<JsonObject> {
    const docs = new DocumentArray();
    return await to.addModel(docs, new RecordedCall('/models/add', docs, [], { name, source }));
  }

  it('cuts, fills up and refuses by the length that a request asks for', () => {
    const texts = ['a black cat', 'dog'];
    const ids = (parameters: JsonObject) => tokenize(texts, parameters).rows.map((row) => row?.ids);
    assert.deepEqual(ids({}), [
      [1, 4, 5, 6, 2],
      [1, 7, 2],
    ]);
    assert.deepEqual(ids({ max_length: 4 }), [
      [1, 4, 5, 2],
      [1, 7, 2],
    ]);
    assert.deepEqual(ids({ padding: 'longest' }), [
      [1, 4, 5, 6, 2],
      [1, 7, 2, 0, 0],
    ]);
    assert.deepEqual(ids({ padding: 'max_length', max_length: 4 }), [
      [1, 4, 5, 2],
      [1, 7, 2, 0],
    ]);
    assert.match(tokenize(texts, { max_length: 4, truncation: false }).failure, /document .*at most 4 tokens, got 5/);
  });

  it('joins two texts, says which token is of which, and cuts the longer one first', () => {
    const doc = { text: 'a black cat', tags: { answer: 'dog' } };
    assert.deepEqual(tokenize([doc], { pair: 'answer' }).rows, [
      { shape: [2, 7], ids: [1, 4, 5, 6, 2, 7, 2, 0, 0, 0, 0, 0, 1, 1] },
    ]);
    assert.deepEqual(tokenize([doc], { pair: 'answer', max_length: 6 }).rows, [
      { shape: [2, 6], ids: [1, 4, 5, 2, 7, 2, 0, 0, 0, 0, 1, 1] },
    ]);
    const turned = { text: 'dog', tags: { answer: 'a black cat' } };
    assert.deepEqual(
      tokenize([turned], { pair: 'answer', max_length: 6 }).rows[0]?.ids.slice(0, 6),
      [1, 7, 2, 4, 5, 2],
    );
    assert.match(tokenize([{ text: 'a' }], { pair: 'answer' }).failure, /a second text in the tag answer, got nothing/);
  });

  it('takes the model that a request names', () => {
    assert.deepEqual(tokenize(['cat'], { model: 'short' }).rows[0]?.ids, [1, 6, 2]);
    assert.throws(() => tokenize(['cat'], { model: 'other' }), {
      reason: 'invalid_argument',
      message: /one of the models default, short, got "other"/,
    });
  });

  it('refuses parameters of the wrong type', () => {
    assert.throws(() => tokenize(['cat'], { max_length: 'long' }), { message: /parameters\.max_length/ });
  });

  it('adds a model from an allowed folder while it runs, and shows it', async () => {
    const own = await load({ allowed_paths: [allowed] });
    const status = await add('second', path.join(allowed, 'second'), own);
    assert.deepEqual(status, own.listModels());
    const models = status['models'] as Record<string, JsonObject>;
    assert.deepEqual(Object.keys(models), ['default', 'second']);
    assert.equal(models['second']?.['state'], 'ready');
    assert.equal(models['second']['max_length'], 8);
  });

  for (const [name, source, message] of [
    ['a', 'outside', /expected a folder below one of allowed_paths/],
    ['a', 'allowed/../outside', /expected a folder below one of allowed_paths/],
    ['a', 'allowed/linked', /expected a file below one of allowed_paths/],
    ['a', 'allowed', /expected a folder below one of allowed_paths/],
    ['../a', 'allowed/second', /expected a name of letters/],
    ['default', 'allowed/second', /default is the model of uses_with/],
  ] as const) {
    it(`does not add ${source} as ${name}`, async () => {
      await assert.rejects(add(name, `${root}/${source}`), { reason: 'invalid_argument', message });
    });
  }

  it('adds a model from an address only where that is allowed, within its size', async () => {
    const server = createServer((request, response) => {
      response.end(readFileSync(path.join(model, path.basename(request.url ?? ''))));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model/`;
    try {
      await assert.rejects(add('remote', address), { message: /fetch_models: true/ });
      const open = await load({ fetch_models: true, allow_private_uris: true });
      const status = await add('remote', address, open);
      assert.deepEqual(Object.keys(status['models'] as JsonObject), ['default', 'remote']);
      const small = await load({ fetch_models: true, allow_private_uris: true, max_bytes: 10 });
      await assert.rejects(add('remote', address, small), { message: /at most 10 bytes/ });
      const careful = await load({ fetch_models: true });
      await assert.rejects(add('remote', address, careful), { message: /private network/ });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
