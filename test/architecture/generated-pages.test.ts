import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { generatedPages } from '../../scripts/generated-pages.ts';
import { root } from './source-file.ts';

describe('generated pages', () => {
  for (const page of generatedPages) {
    it(`${page.path} says what the code says (npm run docs:generate)`, async () => {
      const isCurrent = readFileSync(path.join(root, page.path), 'utf8') === (await page.render());
      // The texts are too long to be shown beside each other; git diff shows it after docs:generate.
      assert.ok(isCurrent, `${page.path} is out of date: run npm run docs:generate`);
    });
  }
});
