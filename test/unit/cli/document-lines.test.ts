import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { documentLines } from '../../../cli/document-lines.ts';
import { Document, DocumentArray, Tensor } from '../../../core/index.ts';

describe('documentLines', () => {
  it('says what a document holds, and the first numbers of its vectors', () => {
    const doc = new Document({
      text: 'a cat',
      blob: new Uint8Array(3),
      embedding: Tensor.vector([0.5, 0.25, -1, 2, 3]),
      tags: { animal: true },
    });
    assert.deepEqual(documentLines(doc, 0), [
      '0  "a cat"',
      '   blob       3 bytes',
      '   embedding  float32[5]  0.500 0.250 -1.00 2.00 …',
      '   tags       {"animal":true}',
    ]);
  });

  it('shows matches with their scores, and how many are left out', () => {
    const matches = DocumentArray.fromInputs(
      Array.from({ length: 12 }, (_, index) => ({
        text: `match ${index}`,
        scores: { cosine: { value: 1 - index / 10 } },
      })),
    );
    const lines = documentLines(new Document({ text: 'query', matches }), 3);
    assert.deepEqual(lines.slice(0, 3), ['3  "query"', '   matches', '      1.000  "match 0"']);
    assert.equal(lines.length, 13);
    assert.equal(lines.at(-1), '     and 2 more');
  });

  it('names a document without text by its uri, then by its id', () => {
    assert.deepEqual(documentLines(new Document({ id: 'a1', uri: 'cat.png' }), 0), ['0  cat.png']);
    assert.deepEqual(documentLines(new Document({ id: 'a1' }), 0), ['0  a1']);
  });
});
