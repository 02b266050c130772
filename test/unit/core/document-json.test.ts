import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  Document,
  documentFromJson,
  documentsFromJson,
  documentsToJson,
  documentToJson,
  Tensor,
} from '../../../core/index.ts';
import { documentArrays } from '../../fixtures/arbitrary-documents.ts';

describe('documents as JSON', () => {
  it('come back as they were, whatever they hold, when tensors are written as base64', () => {
    fc.assert(
      fc.property(documentArrays, (docs) => {
        const json: unknown = JSON.parse(JSON.stringify(documentsToJson(docs, 'base64')));
        const back = documentsFromJson(json, ['data']);
        assert.deepEqual(documentsToJson(back, 'base64'), documentsToJson(docs, 'base64'));
        assert.equal(back.length, docs.length);
      }),
      { numRuns: 50 },
    );
  });

  it('have every key of Jina, null where there is nothing', () => {
    const json = documentToJson(new Document({ id: 'a', text: 't' }));
    assert.equal(Object.keys(json).length, 19);
    assert.equal(json['parent_id'], null);
    assert.equal(json['mime_type'], null);
  });

  it('carry tensors as nested lists unless asked otherwise', () => {
    const json = documentToJson(new Document({ embedding: Tensor.vector([0.5, 1]) }));
    assert.deepEqual(json['embedding'], [0.5, 1]);
  });

  it('get an id when they bring none', () => {
    const doc = documentFromJson({ text: 'x' }, ['data', 0]);
    assert.match(doc.id, /^[0-9a-f]{32}$/);
  });

  it('ignore keys that no document has, and null', () => {
    const doc = documentFromJson({ id: 'a', colour: 'red', text: null }, ['data', 0]);
    assert.equal(doc.text, undefined);
  });

  const faults: [string, unknown, RegExp][] = [
    ['a text that is a number', { text: 5 }, /^data\[0\]\.text: expected text, got the number 5$/],
    ['an id that is a number', { id: 5 }, /^data\[0\]\.id: expected text/],
    ['tags that are a list', { tags: [] }, /^data\[0\]\.tags: expected an object, got a list of 0$/],
    ['a blob that is no base64', { blob: '***' }, /^data\[0\]\.blob: expected base64 text/],
    ['an embedding that is text', { embedding: 'abc' }, /^data\[0\]\.embedding: expected nested lists of numbers/],
    ['ragged lists', { tensor: [[1], [1, 2]] }, /^data\[0\]\.tensor: expected a list of 1 at depth 1/],
    [
      'a tensor with too few bytes',
      { tensor: { dtype: 'int64', shape: [2], data: 'AAAA' } },
      /^data\[0\]\.tensor: .*16 bytes, got 3/,
    ],
    ['a match that is text', { matches: ['x'] }, /^data\[0\]\.matches\[0\]: expected a document/],
    ['a document that is text', 'x', /^data\[0\]: expected a document \(an object\), got the text "x"$/],
  ];
  for (const [name, value, message] of faults) {
    it(`refuse ${name}, naming the place`, () => {
      assert.throws(() => documentsFromJson([value], ['data']), { reason: 'invalid_argument', message });
    });
  }
});
