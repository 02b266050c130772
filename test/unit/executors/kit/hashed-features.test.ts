import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HashedFeatures, ModelFolder } from '../../../../executors/kit/index.ts';
import { seededTexts } from '../../../fixtures/seeded-texts.ts';

interface Golden {
  seed: number;
  count: number;
  block: number;
  ranges: number[][];
  blocks: number[];
  examples: { text: string; ids: number[] }[];
  long: { text: string; count: number; digest: number };
}

const goldens = new URL('../../../fixtures/goldens/', import.meta.url);
const golden = JSON.parse(readFileSync(new URL('features.json', goldens), 'utf8')) as Golden;
const folder = new ModelFolder('mini', fileURLToPath(new URL('../../../../training/mini', import.meta.url)));
const features = HashedFeatures.load(folder);

/** As `digest` of make-features.py. */
function digest(rows: readonly Int32Array[]): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(rows.map((row) => row.join(',')).join(';'))) {
    value = Math.imul(value ^ byte, 0x01000193);
  }
  return value >>> 0;
}

describe('HashedFeatures', () => {
  for (const { text, ids } of golden.examples) {
    it(`gives the ids of the training code for "${text.slice(0, 40)}"`, () => {
      assert.deepEqual([...features.encode(text)], ids);
    });
  }

  it('gives the ids of the training code for 10,000 texts of many scripts', () => {
    const rows = Array.from(seededTexts(golden.seed, golden.count, golden.ranges), (text) => features.encode(text));
    const blocks: number[] = [];
    for (let start = 0; start < rows.length; start += golden.block) {
      blocks.push(digest(rows.slice(start, start + golden.block)));
    }
    assert.deepEqual(blocks, golden.blocks);
  });

  it('gives the ids of the training code as Python computes them here', (test) => {
    const made = spawnSync('python3', [fileURLToPath(new URL('make-features.py', goldens)), '--ids'], {
      encoding: 'utf8',
      maxBuffer: 2 ** 27,
    });
    if (made.error !== undefined) {
      test.skip('needs python3');
      return;
    }
    assert.equal(made.status, 0, made.stderr);
    const lines = made.stdout.trimEnd().split('\n');
    assert.equal(lines.length, golden.count);
    let row = 0;
    for (const text of seededTexts(golden.seed, golden.count, golden.ranges)) {
      assert.equal(`[${features.encode(text).join(',')}]`, lines[row++], JSON.stringify(text));
    }
  });

  it('takes the first ids of a long text', () => {
    const ids = features.encode(golden.long.text);
    assert.equal(ids.length, golden.long.count);
    assert.equal(digest([ids]), golden.long.digest);
    const few = HashedFeatures.load(folder, 10).encode(golden.long.text);
    assert.deepEqual([...few], [...ids.slice(0, 10)]);
  });

  it('reads a word of any length', () => {
    assert.equal(features.encode('x'.repeat(100_000)).length, 1024);
  });

  it('refuses more ids than the model takes', () => {
    assert.throws(() => HashedFeatures.load(folder, 1025), {
      reason: 'invalid_argument',
      message: /at most 1024 ids, got max_length 1025/,
    });
  });

  for (const [name, text] of [
    ['parameters of the wrong type', '{"buckets": "many"}'],
    ['ranges that are none', readFileSync(path.join(folder.path, 'features.json'), 'utf8').replace('"0 ', '"? ')],
  ] as const) {
    it(`says that a model is of no use with ${name}`, () => {
      const broken = mkdtempSync(path.join(tmpdir(), 'sluice-features-'));
      try {
        writeFileSync(path.join(broken, 'features.json'), text);
        assert.throws(() => HashedFeatures.load(new ModelFolder('broken', broken)), { reason: 'model_unavailable' });
      } finally {
        rmSync(broken, { recursive: true });
      }
    });
  }
});
