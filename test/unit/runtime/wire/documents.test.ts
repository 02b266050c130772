import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DocumentArray, documentsToJson, Tensor } from '../../../../core/index.ts';
import { decodeDocuments, encodeDocuments } from '../../../../runtime/wire/index.ts';
import { documentArrays } from '../../../fixtures/arbitrary-documents.ts';

function overTheWire(docs: DocumentArray): DocumentArray {
  const { data, payload } = encodeDocuments(docs);
  const bytes = Buffer.concat(payload.parts);
  assert.equal(bytes.length, payload.bytes);
  return decodeDocuments(JSON.parse(JSON.stringify(data)) as typeof data, new Uint8Array(bytes));
}

describe('documents between parent and worker', () => {
  it('arrive as they were, whatever they hold', () => {
    fc.assert(
      fc.property(documentArrays, (docs) => {
        assert.deepEqual(documentsToJson(overTheWire(docs), 'base64'), documentsToJson(docs, 'base64'));
      }),
      { numRuns: 50 },
    );
  });

  it('carry a block of embeddings without a copy on the way out, and as one block on arrival', () => {
    const docs = DocumentArray.fromInputs(['a', 'b', 'c']);
    const block = new Tensor('float32', [3, 16], new Float32Array(48).fill(2));
    docs.embeddings = block;
    const { payload } = encodeDocuments(docs);
    assert.equal(payload.parts[0]?.buffer, block.data.buffer);
    const arrived = overTheWire(docs);
    assert.equal(arrived[0]?.embedding?.data.buffer, arrived[2]?.embedding?.data.buffer);
  });

  it('refuse a column that lies outside the payload', () => {
    const { data } = encodeDocuments(DocumentArray.fromInputs([{ embedding: Tensor.vector([1, 2]) }]));
    assert.throws(() => decodeDocuments(data, new Uint8Array(4)), { reason: 'protocol_error' });
  });
});
