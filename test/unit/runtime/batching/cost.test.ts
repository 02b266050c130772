import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { Document, DocumentArray, type Json, Tensor } from '../../../../core/index.ts';
import { documentCost, largestCost, requestBytes } from '../../../../runtime/batching/index.ts';

const mixed = new Document({
  text: 'four',
  blob: new Uint8Array(7),
  tensor: new Tensor('int32', [2, 3], new Int32Array(6)),
});

describe('the estimated cost of a document', () => {
  it('counts what the endpoint says it counts', () => {
    assert.equal(documentCost(mixed, 'items'), 1);
    assert.equal(documentCost(mixed, 'characters'), 4);
    assert.equal(documentCost(mixed, 'bytes'), 7);
    assert.equal(documentCost(mixed, 'tensor'), 6);
  });

  it('is 1 where the field is missing or empty', () => {
    for (const unit of ['items', 'characters', 'bytes', 'tensor'] as const) {
      assert.equal(documentCost(new Document(), unit), 1);
      assert.equal(documentCost(new Document({ text: '', blob: new Uint8Array() }), unit), 1);
    }
  });

  it('of a request is that of its largest document, and 1 without any', () => {
    const docs = DocumentArray.fromInputs(['a', 'seventeen letters', 'bb']);
    assert.equal(largestCost(docs, 'characters'), 17);
    assert.equal(largestCost(docs, 'items'), 1);
    assert.equal(largestCost(new DocumentArray(), 'characters'), 1);
  });
});

describe('the estimated bytes of a request', () => {
  const bytesOf = (...docs: ConstructorParameters<typeof Document>[0][]) =>
    requestBytes(DocumentArray.fromInputs(docs.map((fields) => new Document(fields))), {});
  const empty = bytesOf({});

  it('grow by the contents', () => {
    assert.equal(bytesOf({ text: 'x'.repeat(1000) }) - empty, 1000);
    assert.equal(bytesOf({ uri: 'x'.repeat(1000) }) - empty, 1000);
    assert.equal(bytesOf({ blob: new Uint8Array(1000) }) - empty, 1000);
    assert.equal(bytesOf({ tensor: Tensor.vector(new Float32Array(250)) }) - empty, 1000);
    assert.equal(bytesOf({ embedding: Tensor.vector(new Float32Array(250)) }) - empty, 1000);
  });

  it('count chunks and matches like documents', () => {
    const inner = DocumentArray.fromInputs(['x'.repeat(1000), 'y'.repeat(500)]);
    const each = bytesOf({ text: 'x'.repeat(1000) }) + bytesOf({ text: 'y'.repeat(500) }) - 2 * bytesOf();
    assert.equal(bytesOf({ chunks: inner }) - empty, each);
    assert.equal(bytesOf({ matches: inner }) - empty, each);
  });

  it('count tags and parameters, keys and values', () => {
    const large = { ['k'.repeat(1000)]: ['v'.repeat(1000), 5] };
    assert.ok(bytesOf({ tags: large }) - empty > 2000);
    assert.ok(requestBytes(new DocumentArray(), large) > 2000);
  });

  it('are found for any depth of nesting', () => {
    let deep: Json = 'x'.repeat(1000);
    let chunks = DocumentArray.fromInputs(['innermost']);
    for (let depth = 0; depth < 100_000; depth++) {
      deep = [deep];
      chunks = new DocumentArray(new Document({ id: 'x', chunks }));
    }
    assert.ok(requestBytes(chunks, { deep }) > 1000);
  });
});
