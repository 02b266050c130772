import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Document, DocumentArray, documentsToJson, FlowError, type JsonObject, Tensor } from '../../../core/index.ts';
import { type DataRequestMessage, decodeDataRequest, encodeDataRequest } from '../../../proto/index.ts';
import { documentsMessage, documentsOf, parametersOf, structFromJson } from '../../../proto/index.ts';
import { documentArrays } from '../../fixtures/arbitrary-documents.ts';

function sent(docs: DocumentArray): DocumentArray {
  return documentsOf(decodeDataRequest(encodeDataRequest({ data: documentsMessage(docs) })));
}

function array(...docs: Document[]): DocumentArray {
  return DocumentArray.fromInputs(docs);
}

/** What of a document the wire keeps: one content, float32 numbers, nothing that is empty. */
function kept(doc: Document, level?: ['granularity' | 'adjacency', number]): Document {
  const copy = Object.assign(new Document(), doc);
  const { text, blob, tensor } = doc;
  if (text !== undefined && (text !== '' || (blob === undefined && tensor === undefined))) {
    delete copy.blob;
    delete copy.tensor;
  } else {
    delete copy.text;
    if (blob !== undefined) delete copy.tensor;
  }
  for (const key of ['parentId', 'uri', 'modality', 'mimeType'] as const)
    if (!copy[key]) Reflect.deleteProperty(copy, key);
  if (level !== undefined) copy[level[0]] ??= level[1];
  for (const key of ['granularity', 'adjacency'] as const) if (!copy[key]) Reflect.deleteProperty(copy, key);
  for (const key of ['weight', 'offset'] as const) {
    const value = Math.fround(copy[key] ?? 0);
    if (value === 0) Reflect.deleteProperty(copy, key);
    else copy[key] = value;
  }
  if (copy.location) copy.location = copy.location.map(Math.fround);
  if (!copy.location?.length) delete copy.location;
  for (const key of ['scores', 'evaluations'] as const) {
    const entries = Object.entries(copy[key] ?? {}).map(([name, score]) => {
      const texts = Object.entries(score).filter(([field, value]) => field !== 'value' && value !== '');
      return [name, { ...Object.fromEntries(texts), value: Math.fround(score.value) }] as const;
    });
    if (entries.length === 0) Reflect.deleteProperty(copy, key);
    else copy[key] = Object.fromEntries(entries);
  }
  if (doc.chunks)
    copy.chunks = array(...doc.chunks.map((chunk) => kept(chunk, ['granularity', (doc.granularity ?? 0) + 1])));
  if (doc.matches)
    copy.matches = array(...doc.matches.map((match) => kept(match, ['adjacency', (doc.adjacency ?? 0) + 1])));
  for (const key of ['chunks', 'matches'] as const) if (!copy[key]?.length) Reflect.deleteProperty(copy, key);
  return copy;
}

describe('documents in protobuf', () => {
  it('come back as they were sent, as far as the wire has a place for it', () => {
    fc.assert(
      fc.property(documentArrays, (docs) => {
        const expected = array(...docs.map((doc) => kept(doc)));
        assert.deepEqual(documentsToJson(sent(docs), 'base64'), documentsToJson(expected, 'base64'));
      }),
      { numRuns: 300, endOnFailure: true },
    );
  });

  it('name numpy as the class of every array: Python reads nothing otherwise', () => {
    const message = documentsMessage(array(new Document({ embedding: Tensor.vector([1, 2]) })));
    const embedding = message.docs?.docs?.[0]?.embedding;
    assert.equal(embedding?.cls_name, 'numpy');
    assert.equal(embedding.dense?.dtype, '<f4');
  });

  const names = ['<f4', 'f4', '=f4', 'float32'];
  for (const dtype of names) {
    it(`read ${dtype} as float32`, () => {
      const { bytes } = Tensor.vector([1, -2]);
      const docs = documentsOf({
        data: { docs: { docs: [{ embedding: { dense: { buffer: bytes, shape: [2], dtype } } }] } },
      });
      assert.deepEqual([...(docs[0]?.embedding?.data ?? [])], [1, -2]);
    });
  }

  it('read numbers in the other byte order', () => {
    const dense = { buffer: Uint8Array.of(0x3f, 0x80, 0, 0), shape: [1], dtype: '>f4' };
    assert.equal(documentsOf({ data: { docs: { docs: [{ tensor: { dense } }] } } })[0]?.tensor?.data[0], 1);
  });

  const faults: [string, DataRequestMessage, RegExp][] = [
    ['pickled documents', { data: { docs_bytes: Uint8Array.of(1) } }, /pickles are not read/],
    ['a sparse array', { data: { docs: { docs: [{ tensor: { sparse: {} } }] } } }, /expected a dense array in tensor/],
    [
      'an unknown dtype',
      {
        data: { docs: { docs: [{ embedding: { dense: { buffer: Uint8Array.of(1), shape: [1], dtype: 'object' } } }] } },
      },
      /expected a dtype of .* in embedding, got "object"/,
    ],
    [
      'bytes that do not fit the shape',
      { data: { docs: { docs: [{ embedding: { dense: { buffer: Uint8Array.of(1), shape: [2], dtype: '<f4' } } }] } } },
      /<f4 \[2\] in embedding has 8 bytes, got 1/,
    ],
  ];
  for (const [what, message, words] of faults) {
    it(`refuses ${what}, saying what was expected`, () => {
      assert.throws(
        () => documentsOf(decodeDataRequest(encodeDataRequest(message))),
        (error) => error instanceof FlowError && error.reason === 'invalid_argument' && words.test(error.message),
      );
    });
  }

  it('refuses documents nested without end', () => {
    let doc = new Document();
    for (let depth = 0; depth < 80; depth++) doc = new Document({ chunks: array(doc) });
    assert.throws(() => sent(array(doc)), /nested at most 64 deep/);
  });
});

describe('parameters in protobuf', () => {
  it('come back as they were sent', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (value) => {
        const parameters = JSON.parse(JSON.stringify(value)) as JsonObject;
        const message = decodeDataRequest(encodeDataRequest({ parameters: structFromJson(parameters) }));
        assert.deepEqual(parametersOf(message), parameters);
      }),
    );
  });
});

describe('bytes that are no message', () => {
  it('are refused with a reason, whatever they are', () => {
    const valid = documentArrays.map((docs) => encodeDataRequest({ data: documentsMessage(docs) }));
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), valid), changes, (original, edits) => {
        const bytes = Uint8Array.from(original);
        for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
        try {
          const message = decodeDataRequest(bytes);
          documentsOf(message);
          parametersOf(message);
        } catch (error) {
          assert.ok(error instanceof FlowError && error.reason === 'invalid_argument', String(error));
        }
      }),
      { numRuns: 500, endOnFailure: true },
    );
  });
});
