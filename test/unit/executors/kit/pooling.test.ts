import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ModelFolder, normalize, poolRow, type PoolingMode, readPooling } from '../../../../executors/kit/index.ts';

/** Two rows of up to three tokens, two numbers each; the second row has one token and padding. */
const vectors = { data: Float32Array.from([1, 2, 3, -4, 5, 6, 7, 8, 99, 99, 99, 99]), longest: 3, width: 2 };

function pooled(row: number, length: number, mode: PoolingMode): number[] {
  const target = new Float32Array(2);
  poolRow(vectors, row, length, mode, target);
  return [...target].map((value) => Number(value.toFixed(5)));
}

describe('poolRow', () => {
  it('takes the mean, the first, the last or the largest of the tokens that count', () => {
    assert.deepEqual(pooled(0, 3, 'mean'), [3, 1.33333]);
    assert.deepEqual(pooled(0, 3, 'mean_sqrt_len'), [5.19615, 2.3094]);
    assert.deepEqual(pooled(0, 3, 'cls'), [1, 2]);
    assert.deepEqual(pooled(0, 2, 'last'), [3, -4]);
    assert.deepEqual(pooled(0, 3, 'max'), [5, 6]);
  });

  it('never looks at padding', () => {
    for (const mode of ['mean', 'mean_sqrt_len', 'cls', 'last', 'max'] as const) {
      assert.deepEqual(pooled(1, 1, mode), [7, 8]);
    }
  });
});

describe('normalize', () => {
  it('gives length 1 and leaves zero alone', () => {
    const vector = Float32Array.from([3, 4]);
    normalize(vector);
    assert.ok(Math.abs((vector[0] ?? 0) - 0.6) < 1e-6 && Math.abs((vector[1] ?? 0) - 0.8) < 1e-6);
    const zero = new Float32Array(2);
    normalize(zero);
    assert.deepEqual([...zero], [0, 0]);
  });
});

describe('readPooling', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-pooling-'));
    mkdirSync(path.join(folder, '1_Pooling'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const read = () => readPooling(new ModelFolder('test', folder));
  const pooling = (config: unknown): void =>
    writeFileSync(path.join(folder, '1_Pooling/config.json'), JSON.stringify(config));
  const modules = (...kinds: string[]): void =>
    writeFileSync(
      path.join(folder, 'modules.json'),
      JSON.stringify(kinds.map((kind, idx) => ({ idx, type: `sentence_transformers.models.${kind}` }))),
    );

  it("takes the model's word for pooling and normalisation", () => {
    pooling({ pooling_mode_cls_token: true, pooling_mode_mean_tokens: false });
    modules('Transformer', 'Pooling');
    assert.deepEqual(read(), {
      mode: 'cls',
      isNormalized: false,
      source: { mode: '1_Pooling/config.json', isNormalized: 'modules.json' },
    });
    modules('Transformer', 'Pooling', 'Normalize');
    assert.equal(read().isNormalized, true);
  });

  it('takes the mean and normalises where the model says nothing, and says so', () => {
    rmSync(path.join(folder, '1_Pooling'), { recursive: true });
    assert.deepEqual(read(), {
      mode: 'mean',
      isNormalized: true,
      source: { mode: 'default', isNormalized: 'default' },
    });
  });

  it('refuses a model with a step that it cannot do', () => {
    modules('Transformer', 'Pooling', 'Dense', 'Normalize');
    assert.throws(read, { reason: 'model_unavailable', message: /a Dense step/ });
  });

  it('refuses joined poolings', () => {
    pooling({ pooling_mode_cls_token: true, pooling_mode_mean_tokens: true });
    assert.throws(read, { message: /expected one pooling mode, got cls and mean/ });
  });

  it('says which file cannot be read', () => {
    writeFileSync(path.join(folder, '1_Pooling/config.json'), '{');
    assert.throws(read, { reason: 'model_unavailable', message: /cannot read 1_Pooling\/config\.json of test/ });
  });
});
