import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type FilterName, type RawPicture, resample } from '../../../../executors/kit/index.ts';

interface Case {
  filter: FilterName;
  from: [number, number];
  to: [number, number];
  digest: number;
}
const cases = JSON.parse(
  readFileSync(new URL('../../../fixtures/goldens/pictures.json', import.meta.url), 'utf8'),
) as Case[];

/** As `picture` of make-pictures.py. */
function picture([width, height]: readonly [number, number]): RawPicture {
  let value = 99;
  const data = Uint8Array.from({ length: width * height * 3 }, () => {
    value = (Math.imul(value, 1664525) + 1013904223) >>> 0;
    return value >>> 24;
  });
  return { data, width, height };
}

describe('resample', () => {
  for (const { filter, from, to, digest } of cases) {
    it(`gives Pillow's bytes for ${filter}, ${from.join(' x ')} to ${to.join(' x ')}`, () => {
      const { data, width, height } = resample(picture(from), ...to, filter);
      assert.deepEqual([width, height], to);
      const found = data.reduce((value, byte) => Math.imul(value ^ byte, 0x01000193), 0x811c9dc5) >>> 0;
      assert.equal(found, digest);
    });
  }
});
