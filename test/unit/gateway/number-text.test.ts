import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { float32ListText } from '../../../gateway/number-text.ts';

function read(values: Float32Array): (number | null)[] {
  return JSON.parse(float32ListText(values)) as (number | null)[];
}

describe('float32ListText', () => {
  it('is read back as exactly the numbers that were written', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, noDefaultInfinity: true }), (values) => {
        const back = read(values);
        assert.equal(back.length, values.length);
        back.forEach((value, index) => {
          // JSON knows no negative zero.
          assert.equal(Math.fround(value ?? NaN) + 0, (values[index] ?? NaN) + 0);
        });
      }),
    );
  });

  it('is exact around every change of its form', () => {
    const edges = [0.001, 0.01, 0.1, 1, 10].flatMap((edge) => [edge * (1 - 2 ** -24), edge, edge * (1 + 2 ** -23)]);
    const values = Float32Array.from(edges.flatMap((edge) => [edge, -edge]));
    assert.deepEqual(read(values).map(Math.fround as (value: number | null) => number), [...values]);
  });

  it('writes what nine digits hold as a person would', () => {
    const text = float32ListText(Float32Array.from([0, 1, -1, 0.5, 0.90234375, 2.25, -0.0078125]));
    assert.equal(text, '[0,1,-1,0.5,0.90234375,2.25,-0.0078125]');
  });

  it('writes null for what JSON cannot write, and an empty list for nothing', () => {
    assert.equal(float32ListText(Float32Array.from([NaN, Infinity, -Infinity])), '[null,null,null]');
    assert.equal(float32ListText(new Float32Array()), '[]');
  });

  it('takes lists longer than any before', () => {
    assert.equal(read(new Float32Array(50_000).fill(-1.2345678e-20)).length, 50_000);
  });
});
