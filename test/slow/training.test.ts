import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missingPython } from './python.ts';

const run = promisify(execFile);
const training = fileURLToPath(new URL('../../training', import.meta.url));

describe('training of the mini model', { skip: missingPython() }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-training-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('learns from pictures that it draws, resumes, and exports what it learned', async (t) => {
    await run('python3', ['-m', 'venv', folder]);
    const python = path.join(folder, 'bin', 'python');
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await run(python, [...pip, '-r', path.join(training, 'requirements.txt')]);
    const { stderr } = await run(python, ['-m', 'unittest'], { cwd: training, timeout: 300_000 });
    const ran = Number(/^Ran (\d+) tests/m.exec(stderr)?.[1] ?? 0);
    t.diagnostic(`${ran} tests`);
    assert.match(stderr, /^OK$/m);
    assert.ok(ran >= 17, `${ran} tests ran`);
  });
});
