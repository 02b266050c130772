import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Flow } from '../../flows/index.ts';
import { type RunningFlow, startFlow } from '../../running-flow.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const script = fileURLToPath(new URL('python-clients.py', import.meta.url));
const run = promisify(execFile);

/** The pins are those of this Python. */
const neededPython = 'Python 3.11';

function pythonVersion(): string {
  try {
    return execFileSync('python3', ['--version'], { encoding: 'utf8' });
  } catch (error) {
    return `none (${error instanceof Error ? error.message : String(error)})`;
  }
}

const version = pythonVersion();
const skip = version.startsWith(neededPython) ? false : `needs ${neededPython}, found ${version}`;

/** A virtual environment with the real clients. */
async function installClients(folder: string): Promise<string> {
  const python = path.join(folder, 'bin', 'python');
  await run('python3', ['-m', 'venv', folder]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  await run(python, [...pip, '-r', path.join(root, 'bench', 'peers', 'jina.txt')]);
  // Its own pins are older than those it works with.
  await run(python, [...pip, '--no-deps', 'clip-client==0.8.3']);
  return python;
}

describe("Jina's Python client 3.34, and profile() of CLIP-as-service's 0.8", { skip }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-python-'));
  let python = '';
  let flow: RunningFlow;

  before(async () => {
    python = await installClients(path.join(folder, 'venv'));

    const protocol = ['http', 'grpc', 'websocket'];
    flow = await startFlow(Flow.create({ name: 'python', port: 0, protocol }).add({ uses: 'Echo' }));
  });

  after(async () => {
    await flow.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const checks = readFileSync(script, 'utf8');
  for (const protocol of ['grpc', 'http', 'websocket']) {
    it(`work unchanged over ${protocol}`, async (t) => {
      const address = `${protocol}://127.0.0.1:${new URL(flow.urls[0] ?? '').port}`;
      const { stdout } = await run(python, [script, address], { timeout: 120_000 });
      const passed = stdout.split('\n').filter((line) => line.startsWith('passed '));
      t.diagnostic(passed.join('; '));
      const list = new RegExp(`'${protocol}': \\[([^\\]]*)\\]`).exec(checks)?.[1] ?? '';
      assert.equal(passed.length, list.split(',').filter((name) => name.trim() !== '').length);
    });
  }
});
