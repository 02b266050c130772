import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { DocumentArray, type DocumentInput, Tensor } from '../../../core/index.ts';
import { Encoder } from '../../../executors/encoder/index.ts';
import { executorContext, RecordedCall } from '../../fixtures/contexts/executor-context.ts';
import { minilm, skipWithoutMinilm } from '../../fixtures/contexts/minilm.ts';

interface Golden {
  entries: { text: string; ids: number[]; raw_norm: number; width: number; first: number[] }[];
}
const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/goldens/minilm.json', import.meta.url), 'utf8'),
) as Golden;

function near(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expected.forEach((value, index) => {
    const distance = Math.abs((actual[index] ?? NaN) - value);
    assert.ok(distance <= tolerance, `number ${index}: expected ${value}, got ${actual[index]}`);
  });
}

function numbers(tensor: Tensor | undefined): Float32Array {
  assert.ok(tensor?.data instanceof Float32Array);
  return tensor.data;
}

describe('Encoder', { skip: skipWithoutMinilm }, () => {
  let encoder: Encoder;
  const context = executorContext();

  before(async () => {
    encoder = new Encoder(Encoder.options.parse({ model: minilm }), context);
    await encoder.init();
  });
  after(async () => {
    await encoder.close();
  });

  async function encode(inputs: readonly DocumentInput[], parts?: { rows: number }[]) {
    const docs = DocumentArray.fromInputs(inputs);
    const call = new RecordedCall('/encode', docs, parts);
    await encoder.encode(docs, call);
    return { docs, call };
  }

  it('gives the numbers of the reference for each text alone', async () => {
    for (const { text, first, width } of golden.entries) {
      const { docs } = await encode([text]);
      const embedding = numbers(docs[0]?.embedding);
      assert.equal(embedding.length, width);
      near(embedding, first, 1e-4);
      near([Math.hypot(...embedding)], [1], 1e-5);
    }
  });

  it('gives the same numbers when texts of all lengths come in one batch', async () => {
    const { docs, call } = await encode(golden.entries.map(({ text }) => text));
    golden.entries.forEach(({ first }, row) => {
      near(numbers(docs[row]?.embedding), first, 1e-4);
    });
    assert.deepEqual(call.phases, ['model']);
    assert.ok(call.cost > 0 && call.calls > 0);
  });

  it('leaves vectors as they are when normalisation is switched off', async () => {
    const raw = new Encoder(Encoder.options.parse({ model: minilm, normalize: false }), executorContext());
    await raw.init();
    const docs = DocumentArray.fromInputs(golden.entries.map(({ text }) => text));
    await raw.encode(docs, new RecordedCall('/encode', docs));
    golden.entries.forEach(({ raw_norm }, row) => {
      near([Math.hypot(...numbers(docs[row]?.embedding))], [raw_norm], 1e-3);
    });
    await raw.close();
  });

  it('writes all embeddings of a batch into one block', async () => {
    const { docs } = await encode(['one', 'two words', 'three more words']);
    assert.equal(new Set(docs.map((doc) => doc.embedding?.data.buffer)).size, 1);
    assert.deepEqual(docs.embeddings.shape, [3, 384]);
  });

  it('takes token ids in place of text, also as JSON brings them, and drops them when used', async () => {
    const [entry] = golden.entries;
    assert.ok(entry);
    const tensors = [new Tensor('int32', [entry.ids.length], Int32Array.from(entry.ids)), Tensor.vector(entry.ids)];
    const { docs } = await encode(tensors.map((tensor) => ({ tensor })));
    for (const doc of docs) {
      near(numbers(doc.embedding), entry.first, 1e-4);
      assert.equal(doc.tensor, undefined);
    }
  });

  it('leaves a document without text and tokens as it is', async () => {
    const { docs, call } = await encode([{ uri: 'cat.png' }, 'a cat']);
    assert.equal(docs[0]?.embedding, undefined);
    assert.equal(docs[1]?.embedding?.data.length, 384);
    assert.equal(call.failures.size, 0);
  });

  it('counts the tokens of each request, without padding', async () => {
    const { call } = await encode(['a cat', 'a', { uri: 'cat.png' }, 'a much longer text'], [{ rows: 2 }, { rows: 2 }]);
    assert.deepEqual([...call.tokens.values()], [4 + 3, 6]);
  });

  it('answers an empty list', async () => {
    const { docs, call } = await encode([], []);
    assert.equal(docs.length, 0);
    assert.equal(call.calls, 0);
  });

  for (const { name, tensor, message } of [
    { name: 'fractions', tensor: Tensor.vector([101, 0.5, 102]), message: /expected token ids.*got the number 0.5/ },
    {
      name: 'ids outside the vocabulary',
      tensor: Tensor.vector([101, 99_999_999, 102]),
      message: /whole numbers from 0 to 30521/,
    },
    { name: 'negative ids', tensor: Tensor.vector([-1]), message: /got the number -1/ },
    { name: 'a matrix', tensor: new Tensor('int32', [1, 2], new Int32Array(2)), message: /shape \[length\].*\[1, 2\]/ },
    {
      name: 'no ids',
      tensor: new Tensor('int32', [0], new Int32Array(0)),
      message: /expected 1 to 512 token ids, got 0/,
    },
    { name: 'too many ids', tensor: new Tensor('int32', [513], new Int32Array(513)), message: /got 513/ },
    { name: 'half floats', tensor: new Tensor('float16', [2], new Uint16Array(2)), message: /float16/ },
  ]) {
    it(`fails only the request that sends ${name} as tokens`, async () => {
      const { docs, call } = await encode(
        ['fine', { id: 'odd', tensor }, 'fine too'],
        [{ rows: 1 }, { rows: 1 }, { rows: 1 }],
      );
      assert.deepEqual([...call.failures.keys()], ['r1']);
      const error = call.failures.get('r1');
      assert.equal(error?.reason, 'invalid_argument');
      assert.match(error.message, message);
      assert.match(error.message, /document odd/);
      assert.equal(docs[2]?.embedding?.data.length, 384);
    });
  }

  it('cuts a huge text to what the model takes, in little time', async () => {
    const started = performance.now();
    const huge = 'aspirin reduces the risk of myocardial infarction in patients with angina '.repeat(20_000);
    const { docs, call } = await encode([huge]);
    near(numbers(docs[0]?.embedding), golden.entries.at(-1)?.first ?? [NaN], 1e-4);
    assert.equal(call.cost, 512);
    assert.ok(performance.now() - started < 5000);
  });

  it('makes no further call when nobody waits any more', async () => {
    const docs = DocumentArray.fromInputs(['a cat']);
    const call = new RecordedCall('/encode', docs);
    call.controller.abort();
    await assert.rejects(encoder.encode(docs, call), { reason: 'cancelled' });
  });

  it('embeds documents and their matches for ranking', async () => {
    const docs = DocumentArray.fromInputs([
      { text: 'cat', matches: DocumentArray.fromInputs(['kitten', 'car']) },
      { text: 'dog' },
    ]);
    await encoder.encodeWithMatches(docs, new RecordedCall('/rank', docs));
    assert.equal(docs[0]?.matches?.[1]?.embedding?.data.length, 384);
    assert.equal(docs[1]?.embedding?.data.length, 384);
  });

  it('measures what a call costs and cuts later batches by it', async () => {
    const calibration = await encoder.warmup();
    assert.ok(calibration.callCost >= 0 && calibration.callCost < 10_000, String(calibration.callCost));
    assert.ok(calibration.maxCallCost >= 256, String(calibration.maxCallCost));
    const { docs, call } = await encode([...new Array<string>(8).fill('cat'), golden.entries.at(-1)?.text ?? '']);
    assert.equal(call.calls, 2);
    assert.equal(call.cost, 8 * 3 + 512);
    assert.equal(docs.embeddings.shape[0], 9);
  });

  it('tells where pooling and normalisation are known from', () => {
    const line = context.logger.lines.find(({ message }) => message === 'encoder loaded');
    assert.equal(line?.fields['pooling'], 'mean');
    assert.equal(line.fields['pooling_from'], '1_Pooling/config.json');
    assert.equal(line.fields['normalized_from'], 'default');
  });
});
