import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Document, DocumentArray, documentToJson, Tensor } from '../../../core/index.ts';
import { documentsText, documentText } from '../../../gateway/document-text.ts';

const full = new Document({
  id: 'd',
  parentId: 'p',
  granularity: 1,
  adjacency: 2,
  blob: Uint8Array.from([0, 1, 255]),
  tensor: Tensor.fromNested([
    [1, 2.5],
    [-3, 0.25],
  ]),
  mimeType: 'image/png',
  text: 'a "quoted"\nline \u2028 ż漢🎈',
  weight: 0.5,
  uri: 'http://a/b',
  tags: { k: [1, null, { deep: true }] },
  offset: 1.5,
  location: [1, 2.5],
  embedding: Tensor.vector([0.5, -0.25]),
  modality: 'text',
  evaluations: { e: { value: 1, opName: 'o', description: 'd', refId: 'r' } },
  scores: { s: { value: 0.25 } },
  chunks: DocumentArray.fromInputs([{ id: 'c', text: 'chunk' }]),
  matches: DocumentArray.fromInputs([{ id: 'm' }, { id: 'n', scores: { cos: { value: 0.5 } } }]),
});

describe('documentText', () => {
  for (const form of ['nested', 'base64'] as const) {
    it(`is the JSON that core makes of a document, key by key, tensors as ${form}`, () => {
      assert.equal(documentText(full, form), JSON.stringify(documentToJson(full, form)));
    });
  }

  it('is the JSON that core makes of a document that has nothing', () => {
    const empty = new Document({ id: 'e' });
    assert.equal(documentText(empty, 'nested'), JSON.stringify(documentToJson(empty)));
  });

  it('writes tensors of every type and rank', () => {
    const tensors = [
      new Tensor('int32', [2, 2], Int32Array.from([1, -2, 3, 4])),
      new Tensor('int64', [1], BigInt64Array.from([9n])),
      new Tensor('float16', [2], Uint16Array.from([0x3c00, 0xc000])),
      new Tensor('float64', [1], Float64Array.from([0.1])),
      new Tensor('float32', [2, 1, 2], Float32Array.from([1, 2, 3, 4])),
      new Tensor('float32', [0, 3], new Float32Array()),
      new Tensor('float32', [], Float32Array.from([1.5])),
    ];
    for (const tensor of tensors) {
      const doc = new Document({ id: 't', tensor });
      assert.equal(documentText(doc, 'nested'), JSON.stringify(documentToJson(doc)), tensor.dtype);
    }
  });

  it('writes null for numbers that JSON cannot write', () => {
    const json = JSON.parse(documentText(new Document({ id: 'n', weight: NaN, offset: Infinity }), 'nested')) as object;
    assert.deepEqual({ ...json, id: '' }, JSON.parse(documentText(new Document({ id: '' }), 'nested')));
  });
});

describe('documentsText', () => {
  it('is a list, also of nothing', () => {
    assert.equal(documentsText([], 'nested'), '[]');
    assert.deepEqual(JSON.parse(documentsText([full, full], 'nested')), [documentToJson(full), documentToJson(full)]);
  });
});
