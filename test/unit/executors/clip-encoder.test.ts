import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { DocumentArray, type DocumentInput, type JsonObject, Tensor } from '../../../core/index.ts';
import { ClipEncoder } from '../../../executors/clip-encoder/index.ts';
import { loadTextCoder, ModelFolder, PictureDecoder, readPictureSettings } from '../../../executors/kit/index.ts';
import { executorContext, RecordedCall } from '../../fixtures/contexts/executor-context.ts';
import { minilm, skipWithoutMinilm } from '../../fixtures/contexts/minilm.ts';
import { type TinyClip, writeTinyClip } from '../../fixtures/models/tiny-clip.ts';

const root = mkdtempSync(path.join(tmpdir(), 'sluice-clip-'));
after(() => {
  rmSync(root, { recursive: true });
});

async function load(options: JsonObject): Promise<ClipEncoder> {
  const encoder = new ClipEncoder(ClipEncoder.options.parse(options), executorContext());
  await encoder.init();
  return encoder;
}

async function red(width = 40, height = 30): Promise<Buffer> {
  return await sharp({ create: { width, height, channels: 3, background: '#d01020' } })
    .png()
    .toBuffer();
}

function near(actual: Tensor | undefined, expected: Float32Array): void {
  assert.equal(actual?.data.length, expected.length);
  expected.forEach((value, index) => {
    const found = Number(actual.data[index]);
    assert.ok(Math.abs(found - value) <= 1e-4 * Math.max(1, Math.abs(value)), `${index}: ${found} is not ${value}`);
  });
}

function unit(vector: Float32Array): Float32Array {
  return vector.map((value) => value / Math.hypot(...vector));
}

for (const kind of ['mini', 'clip'] as const) {
  describe(`ClipEncoder with a model of the kind ${kind}`, () => {
    let encoder: ClipEncoder;
    let model: TinyClip;
    let ids: (text: string) => Int32Array;
    let pixels: (bytes: Uint8Array) => Promise<Float32Array>;

    before(async () => {
      model = writeTinyClip(path.join(root, kind), kind);
      encoder = await load({ model: model.path, normalize: false });
      const folder = new ModelFolder(kind, model.path);
      const coder = await loadTextCoder(folder);
      const decoder = new PictureDecoder({ picture: readPictureSettings(folder), maxPixels: 1e6, parallel: 1 });
      ids = (text) => coder.encode(text);
      pixels = async (bytes) => await decoder.decode(bytes);
    });
    after(async () => {
      await encoder.close();
    });

    async function encode(inputs: readonly DocumentInput[], parts?: { rows: number; parameters?: JsonObject }[]) {
      const docs = DocumentArray.fromInputs(inputs);
      const call = new RecordedCall('/encode', docs, parts);
      await encoder.encode(docs, call, await encoder.prepare(docs, call));
      return { docs, call };
    }

    it('gives the numbers of the towers for texts and pictures mixed in one request', async () => {
      const picture = await red();
      const texts = ['a black cat', 'dog', 'the red chair'];
      const { docs, call } = await encode([texts[0] ?? '', { blob: picture }, texts[1] ?? '', texts[2] ?? '']);
      near(docs[0]?.embedding, model.text(ids('a black cat')));
      near(docs[1]?.embedding, model.picture(await pixels(picture)));
      near(docs[2]?.embedding, model.text(ids('dog')));
      near(docs[3]?.embedding, model.text(ids('the red chair')));
      assert.deepEqual(call.phases, ['model', 'picture_model']);
      assert.equal(call.cost, 4);
      assert.equal(new Set(docs.map((doc) => doc.embedding?.data.buffer)).size, 1);
    });

    it('takes pictures as data URIs, raw pixels and ready values', async () => {
      const bytes = await red();
      const ready = await pixels(bytes);
      const side = Math.sqrt(ready.length / 3);
      const raw = await sharp(bytes).raw().toBuffer();
      const { docs } = await encode([
        { uri: `data:image/png;base64,${bytes.toString('base64')}` },
        { tensor: new Tensor('uint8', [30, 40, 3], new Uint8Array(raw)) },
        { tensor: new Tensor('float32', [3, side, side], ready) },
      ]);
      for (const doc of docs) near(doc.embedding, model.picture(ready));
    });

    it('takes token ids in place of a text and drops them when they are used', async () => {
      const tokens = ids('a black cat');
      const { docs } = await encode([{ tensor: new Tensor('int32', [tokens.length], tokens) }]);
      near(docs[0]?.embedding, model.text(tokens));
      assert.equal(docs[0]?.tensor, undefined);
    });

    it('takes a text before the picture beside it, and the picture when the text is empty', async () => {
      const blob = await red();
      const { docs } = await encode([
        { text: 'dog', blob },
        { text: '', blob },
      ]);
      near(docs[0]?.embedding, model.text(ids('dog')));
      near(docs[1]?.embedding, model.picture(await pixels(blob)));
    });

    it('encodes an empty text', async () => {
      const { docs, call } = await encode(['']);
      near(docs[0]?.embedding, model.text(ids('')));
      assert.equal(call.failures.size, 0);
    });

    for (const { name, doc, message } of [
      { name: 'an empty document', doc: {}, message: /expected text, blob, tensor or uri, got an empty document/ },
      { name: 'bytes that are no picture', doc: { blob: Buffer.from('hello') }, message: /cannot be decoded/ },
      {
        name: 'a blob of another kind',
        doc: { blob: Buffer.from('%PDF'), mimeType: 'application/pdf' },
        message: /got a blob of application\/pdf/,
      },
      { name: 'a file', doc: { uri: '/etc/passwd' }, message: /files are not read here.*allowed_paths/ },
      { name: 'another scheme', doc: { uri: 'ftp://example.org/cat.png' }, message: /got ftp:/ },
      { name: 'a data URI of text', doc: { uri: 'data:text/plain,cat' }, message: /got a data URI of text\/plain/ },
      { name: 'a private address', doc: { uri: 'http://127.0.0.1:1/cat.png' }, message: /private network/ },
      {
        name: 'floats as pixels',
        doc: { tensor: new Tensor('float64', [2, 2, 3], new Float64Array(12)) },
        message: /uint8 \[height, width, 3\], got float64 \[2, 2, 3\]/,
      },
    ]) {
      it(`fails only the request with ${name}, and names the document`, async () => {
        const { docs, call } = await encode(
          ['dog', { id: 'odd', ...doc }, 'cat'],
          [{ rows: 1 }, { rows: 1 }, { rows: 1 }],
        );
        assert.deepEqual([...call.failures.keys()], ['r1']);
        const error = call.failures.get('r1');
        assert.equal(error?.reason, 'invalid_argument');
        assert.match(error.message, message);
        assert.match(error.message, /^document odd: /);
        assert.equal(error.details['document'], 'odd');
        near(docs[2]?.embedding, model.text(ids('cat')));
      });
    }

    it('ranks matches of both kinds by their cosine to the document', async () => {
      const blob = await red();
      const docs = DocumentArray.fromInputs([
        {
          text: 'a black cat',
          matches: DocumentArray.fromInputs(['dog', { id: 'picture', blob }, { id: 'same', text: 'a black cat' }]),
        },
      ]);
      await encoder.rank(docs, new RecordedCall('/rank', docs));
      const matches = docs[0]?.matches ?? [];
      assert.equal(matches[0]?.id, 'same');
      const picture = model.picture(await pixels(blob));
      const cosine = unit(model.text(ids('a black cat'))).reduce(
        (sum, value, index) => sum + value * (unit(picture)[index] ?? NaN),
        0,
      );
      const found = matches.find(({ id }) => id === 'picture')?.scores;
      assert.ok(Math.abs((found?.['clip_score_cosine']?.value ?? NaN) - cosine) < 1e-4);
      const shares = matches.map(({ scores }) => scores?.['clip_score']?.value ?? NaN);
      assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-6);
      assert.ok(matches.every(({ embedding }) => embedding === undefined));
    });
  });
}

describe('ClipEncoder', () => {
  let encoder: ClipEncoder;
  before(async () => {
    encoder = await load({ model: writeTinyClip(path.join(root, 'plain'), 'clip').path });
  });
  after(async () => {
    await encoder.close();
  });

  async function run(inputs: readonly DocumentInput[], parameters: JsonObject = {}, endpoint = '/encode') {
    const docs = DocumentArray.fromInputs(inputs);
    const call = new RecordedCall(endpoint, docs, [{ rows: docs.length, parameters }]);
    await encoder.encode(docs, call);
    return { docs, call };
  }

  it('gives embeddings of length 1 where the model says nothing else', async () => {
    const { docs } = await run(['cat', { blob: await red() }]);
    for (const { embedding } of docs)
      assert.ok(Math.abs(Math.hypot(...Array.from(embedding?.data ?? [], Number)) - 1) < 1e-5);
  });

  it('encodes the documents that access_paths names, the old name first', async () => {
    const tree = () => ({ text: 'cat', chunks: DocumentArray.fromInputs(['a', 'red', 'chair']) });
    const chunks = (docs: DocumentArray) => docs[0]?.chunks?.map((chunk) => chunk.embedding !== undefined);
    const { docs } = await run([tree()], { access_paths: '@c[1:]' });
    assert.equal(docs[0]?.embedding, undefined);
    assert.deepEqual(chunks(docs), [false, true, true]);
    const both = await run([tree()], { access_paths: '@r', traversal_paths: '@r,c[0]' });
    assert.ok(both.docs[0]?.embedding);
    assert.deepEqual(chunks(both.docs), [true, false, false]);
  });

  it('fails a request with paths that are none', async () => {
    const { call } = await run(['cat'], { access_paths: 'r' });
    assert.match(call.failures.get('r0')?.message ?? '', /expected paths such as @r.*got "r"/);
  });

  it('removes the content of pictures when it is asked to', async () => {
    const blob = await red();
    const kept = await run([{ blob }]);
    assert.equal(kept.docs[0]?.blob, blob);
    const { docs } = await run([{ blob, uri: 'cat.png' }], { drop_image_content: true });
    assert.deepEqual([docs[0]?.blob, docs[0]?.tensor, docs[0]?.uri], [undefined, undefined, 'cat.png']);
  });

  it('passes an empty document at /, which clients ask to see the way of a request', async () => {
    const { docs, call } = await run([{}], {}, '/');
    assert.equal(call.failures.size, 0);
    assert.equal(docs[0]?.embedding, undefined);
  });

  it('answers an empty list', async () => {
    const { docs, call } = await run([]);
    assert.deepEqual([docs.length, call.calls], [0, 0]);
  });

  it('runs pictures in model calls of minibatch_size', async () => {
    const small = await load({ model: path.join(root, 'plain'), minibatch_size: 2 });
    const docs = DocumentArray.fromInputs(new Array(5).fill({ blob: await red() }));
    const call = new RecordedCall('/encode', docs);
    await small.encode(docs, call);
    assert.equal(call.calls, 3);
    assert.equal(docs.embeddings.shape[0], 5);
    await small.close();
  });

  it('measures the model before it takes requests', async () => {
    await encoder.warmup();
    const { docs } = await run(['cat', 'the red chair']);
    assert.equal(docs.embeddings.shape[0], 2);
  });

  it('refuses options that are none', () => {
    assert.throws(() => ClipEncoder.options.parse({ model: 'x', access_paths: 'c' }), /expected access paths/);
    assert.throws(() => ClipEncoder.options.parse({ model: 'x', uri_timeout: 'soon' }), /expected a duration/);
    assert.throws(() => ClipEncoder.options.parse({ model: 'x', jit: true }), /jit/);
  });

  it('takes texts alone with a sentence encoder, and says so', { skip: skipWithoutMinilm }, async () => {
    const sentences = await load({ model: minilm });
    const docs = DocumentArray.fromInputs(['a cat', { id: 'odd', blob: await red() }]);
    const call = new RecordedCall('/encode', docs, [{ rows: 1 }, { rows: 1 }]);
    await sentences.encode(docs, call);
    assert.equal(docs[0]?.embedding?.data.length, 384);
    assert.match(call.failures.get('r1')?.message ?? '', /document odd: expected a text, got a picture.*no tower/);
    await sentences.close();
  });
});
