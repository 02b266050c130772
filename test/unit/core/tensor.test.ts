import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DocumentArray, Tensor } from '../../../core/index.ts';

describe('a tensor', () => {
  it('refuses a shape that does not fit its elements', () => {
    assert.throws(() => new Tensor('float32', [2, 2], new Float32Array(3)), {
      reason: 'invalid_argument',
      message: 'a tensor of shape [2, 2] has 4 elements, got 3',
    });
  });

  it('refuses an array of another type than its dtype', () => {
    assert.throws(() => new Tensor('int32', [1], new Float32Array(1)), {
      message: /needs a Int32Array, got a Float32Array/,
    });
  });

  it('shares memory with its rows', () => {
    const block = new Tensor('float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
    block.row(1).data[0] = 40;
    assert.deepEqual([...block.data], [1, 2, 3, 40, 5, 6]);
  });

  it('reads bytes that lie anywhere in a Buffer', () => {
    const bytes = Buffer.concat([Buffer.alloc(1), Tensor.vector([1, -2]).bytes]).subarray(1);
    assert.deepEqual([...Tensor.fromBytes('float32', [2], bytes).data], [1, -2]);
  });

  it('stacks rows of one block without a copy, and others with one', () => {
    const block = new Tensor('float32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
    const rows = [block.row(0), block.row(1), block.row(2)];
    assert.equal(Tensor.stack(rows).data.buffer, block.data.buffer);
    const shuffled = Tensor.stack([block.row(2), block.row(0)]);
    assert.notEqual(shuffled.data.buffer, block.data.buffer);
    assert.deepEqual([...shuffled.data], [5, 6, 1, 2]);
    assert.deepEqual(shuffled.shape, [2, 2]);
  });

  it('refuses to stack different shapes', () => {
    assert.throws(() => Tensor.stack([Tensor.vector([1]), Tensor.vector([1, 2])]), { message: /cannot stack/ });
  });

  it('refuses ragged lists, naming the depth', () => {
    assert.throws(() => Tensor.fromNested([[1, 2], [3]]), { message: /expected a list of 2 at depth 1/ });
  });

  it('decodes half floats when it is written as lists', () => {
    const halves = new Tensor('float16', [4], Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0x0001));
    assert.deepEqual(halves.toNested(), [1, -2, null, 2 ** -24]);
  });

  it('reads bytes at any offset', () => {
    const bytes = new Uint8Array(9);
    new DataView(bytes.buffer).setFloat32(1, 1.5, true);
    const tensor = Tensor.fromBytes('float32', [2], bytes.subarray(1));
    assert.deepEqual([...tensor.data], [1.5, 0]);
  });

  it('survives lists for every float32 that JSON can carry', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }), (values) => {
        const tensor = Tensor.vector(values);
        const json = JSON.parse(JSON.stringify(tensor.toNested())) as number[];
        // Only the sign of zero is lost.
        assert.deepEqual(
          Tensor.fromNested(json).data,
          Float32Array.from(values, (value) => value + 0),
        );
      }),
    );
  });
});

describe('the columns of documents', () => {
  it('give each document a view of its row, and come back as the same block', () => {
    const docs = DocumentArray.fromInputs(['a', 'b']);
    const block = new Tensor('float32', [2, 2], Float32Array.of(1, 2, 3, 4));
    docs.embeddings = block;
    assert.deepEqual([...(docs[1]?.embedding?.data ?? [])], [3, 4]);
    assert.equal(docs.embeddings.data.buffer, block.data.buffer);
  });

  it('name the document that has no embedding', () => {
    const docs = DocumentArray.fromInputs([{ embedding: Tensor.vector([1]) }, 'b']);
    assert.throws(() => docs.embeddings, { message: 'document 1 of 2 has no embedding' });
  });

  it('refuse a block for another number of documents', () => {
    const docs = DocumentArray.fromInputs(['a']);
    assert.throws(() => (docs.embeddings = new Tensor('float32', [2, 1], new Float32Array(2))), {
      message: '1 documents need embeddings of shape [1, ...], got [2, 1]',
    });
  });

  it('keep documents when they are mapped to something else', () => {
    const lengths = DocumentArray.fromInputs(['a', 'bb']).map(({ text }) => text?.length);
    assert.ok(!(lengths instanceof DocumentArray));
    assert.deepEqual(lengths, [1, 2]);
  });
});
