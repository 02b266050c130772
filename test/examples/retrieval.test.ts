import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { minilm, skipWithoutMinilm } from '../fixtures/contexts/minilm.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const data = fileURLToPath(new URL('../../../shared/data/pubmedqa-l', import.meta.url));
const skipWithoutData: string | false =
  !existsSync(data) && 'needs the data set pubmedqa-l in ../shared/data, which is not there';

async function run(...args: string[]): Promise<string> {
  const env = { ...process.env };
  delete env['SLUICE_DATA'];
  delete env['SLUICE_MODEL'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'examples/retrieval/run.ts', ...args],
    { cwd: root, env, timeout: 300_000 },
  );
  return stdout;
}

describe('The retrieval example', () => {
  it('says why it is skipped when there is no data set, no model, or half a data set', async () => {
    assert.match(await run(), /^skipped: no data set: give --data or SLUICE_DATA/);
    assert.match(await run('--data', root), /^skipped: .* has no corpus\.jsonl, queries\.jsonl, qrels\/test\.tsv/);
  });

  it(
    'finds through the running flow exactly what comparing all vectors finds',
    { skip: skipWithoutMinilm || skipWithoutData },
    async () => {
      const output = await run('--data', data, '--model', minilm, '--count', '12');
      assert.match(output, /indexed +12 in/);
      assert.match(output, /Recall@1 +100\.00 % +comparing all: 100\.00 %/);
      assert.match(output, /same 10 matches 12 of 12 questions/);
    },
  );
});
