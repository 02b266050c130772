import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { DocumentArray, type DocumentInput, Tensor } from '../../../core/index.ts';
import { Tokenizer } from '../../../executors/tokenizer/index.ts';
import { executorContext, RecordedCall } from '../../fixtures/contexts/executor-context.ts';
import { minilm, skipWithoutMinilm } from '../../fixtures/contexts/minilm.ts';

interface Golden {
  entries: { text: string; ids: number[] }[];
}
const { entries } = JSON.parse(
  readFileSync(new URL('../../fixtures/goldens/minilm.json', import.meta.url), 'utf8'),
) as Golden;

async function load(options: Record<string, unknown> = {}): Promise<Tokenizer> {
  const tokenizer = new Tokenizer(Tokenizer.options.parse({ model: minilm, ...options }), executorContext());
  await tokenizer.init();
  return tokenizer;
}

describe('Tokenizer', { skip: skipWithoutMinilm }, () => {
  let tokenizer: Tokenizer;
  before(async () => {
    tokenizer = await load();
  });

  function call(method: 'tokenize' | 'detokenize', inputs: readonly DocumentInput[]) {
    const docs = DocumentArray.fromInputs(inputs);
    const recorded = new RecordedCall(
      `/${method}`,
      docs,
      docs.map(() => ({ rows: 1 })),
    );
    tokenizer[method](docs, recorded);
    return { docs, failures: recorded.failures };
  }

  it('gives the token ids of the reference, special tokens included', () => {
    const docs = DocumentArray.fromInputs(entries.map(({ text }) => text));
    tokenizer.tokenizeTexts(docs);
    entries.forEach(({ text, ids }, row) => {
      const doc = docs[row];
      assert.equal(doc?.text, text);
      assert.equal(doc.tensor?.dtype, 'int32');
      assert.deepEqual([...doc.tensor.data], ids, text.slice(0, 40));
    });
  });

  it('cuts a long text so that its closing token stays', async () => {
    const short = await load({ max_length: 6 });
    const docs = DocumentArray.fromInputs(['a black cat sleeps on a red chair']);
    short.tokenizeTexts(docs);
    assert.deepEqual([...(docs[0]?.tensor?.data ?? [])], [101, 1037, 2304, 4937, 25126, 102]);
  });

  it('gives the same ids for the start of a text as for all of it, wherever words end', async () => {
    const short = await load({ max_length: 16 });
    const texts = [
      'word '.repeat(5000),
      'x'.repeat(5000),
      `${' '.repeat(5000)}cat`,
      '猫'.repeat(5000),
      '😀 '.repeat(999),
    ];
    const few = DocumentArray.fromInputs(texts);
    short.tokenizeTexts(few);
    const { docs: many } = call('tokenize', texts);
    few.forEach(({ tensor }, row) => {
      const [ids, all] = [[...(tensor?.data ?? [])], [...(many[row]?.tensor?.data ?? [])]];
      assert.deepEqual(ids, all.length <= 16 ? all : [...all.slice(0, 15), 102]);
    });
  });

  it('passes documents without text on their way to a model', () => {
    const docs = DocumentArray.fromInputs([{ uri: 'cat.png' }, { tensor: Tensor.vector([101, 102]) }]);
    tokenizer.tokenizeTexts(docs);
    assert.equal(docs[0]?.tensor, undefined);
    assert.deepEqual([...(docs[1]?.tensor?.data ?? [])], [101, 102]);
  });

  it('refuses a document without text at /tokenize, and only its request', () => {
    const { docs, failures } = call('tokenize', [{ id: 'odd', uri: 'cat.png' }, 'cat']);
    assert.deepEqual([...failures.keys()], ['r0']);
    assert.match(failures.get('r0')?.message ?? '', /document odd: expected a text to tokenize, got nothing/);
    assert.deepEqual([...(docs[1]?.tensor?.data ?? [])], [101, 4937, 102]);
  });

  it('makes text of token ids', () => {
    const { docs } = call('detokenize', [{ tensor: Tensor.vector([101, 1037, 2304, 4937, 102]) }]);
    assert.equal(docs[0]?.text, 'a black cat');
  });

  it('refuses what are no token ids, and only their request', () => {
    const { docs, failures } = call('detokenize', [
      { tensor: Tensor.vector([0.5]) },
      { text: 'a text' },
      { tensor: Tensor.vector([101, 4937, 102]) },
    ]);
    assert.deepEqual([...failures.keys()], ['r0', 'r1']);
    assert.match(failures.get('r1')?.message ?? '', /expected a tensor of token ids/);
    assert.equal(docs[2]?.text, 'cat');
  });

  it('answers an empty list', () => {
    assert.equal(call('tokenize', []).docs.length, 0);
  });

  it('refuses a longer input than the model has positions for', async () => {
    await assert.rejects(load({ max_length: 513 }), {
      reason: 'invalid_argument',
      message: /at most 512 tokens, got max_length 513/,
    });
  });
});

describe('options of executors with a model', () => {
  it('say what is expected when there is no model, and refuse unknown keys', () => {
    assert.throws(() => Tokenizer.options.parse({}), /expected a model: the path of a folder or a hub name/);
    assert.throws(() => Tokenizer.options.parse({ model: 'x', dtype: 'int8' }), /dtype/);
  });
});
