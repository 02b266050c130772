import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Flow } from '../../flows/index.ts';
import { type RunningFlow, startFlow } from '../../running-flow.ts';
import { drawGallery } from '../../scripts/gallery.mjs';
import { missingPython } from './python.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const script = fileURLToPath(new URL('python-clients.py', import.meta.url));
const clipScript = fileURLToPath(new URL('clip-client.py', import.meta.url));
const run = promisify(execFile);

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

describe('Python clients of Jina 3.34 and CLIP-as-service 0.8 work unchanged', { skip: missingPython() }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-python-'));
  const protocol = ['http', 'grpc', 'websocket'];
  let python = '';
  let flow: RunningFlow;
  let search: RunningFlow;
  let pictures = '';

  before(async () => {
    python = await installClients(path.join(folder, 'venv'));
    pictures = await drawGallery(path.join(folder, 'gallery'), () => undefined);
    flow = await startFlow(Flow.create({ name: 'python', port: 0, protocol }).add({ uses: 'Echo' }));
    search = await startFlow(
      Flow.create({ name: 'clip', port: 0, protocol })
        .add({ name: 'encoder', uses: 'ClipEncoder', usesWith: { model: 'mini' } })
        .add({ name: 'indexer', uses: 'Indexer', workspace: path.join(folder, 'index') }),
    );
  });

  after(async () => {
    await flow.stop();
    await search.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const protocol of ['grpc', 'websocket']) {
    it(`encode, rank, index, search and profile over ${protocol}`, async (t) => {
      const address = `${protocol}://127.0.0.1:${new URL(search.urls[0] ?? '').port}`;
      const { stdout } = await run(python, [clipScript, address, pictures], { timeout: 120_000 });
      const passed = stdout.split('\n').filter((line) => line.startsWith('passed '));
      t.diagnostic(passed.join('; '));
      assert.equal(passed.length, 6);
    });
  }

  const checks = readFileSync(script, 'utf8');
  for (const protocol of ['grpc', 'http', 'websocket']) {
    it(`post, prefetch and profile over ${protocol}`, async (t) => {
      const address = `${protocol}://127.0.0.1:${new URL(flow.urls[0] ?? '').port}`;
      const { stdout } = await run(python, [script, address], { timeout: 120_000 });
      const passed = stdout.split('\n').filter((line) => line.startsWith('passed '));
      t.diagnostic(passed.join('; '));
      const list = new RegExp(`'${protocol}': \\[([^\\]]*)\\]`).exec(checks)?.[1] ?? '';
      assert.equal(passed.length, list.split(',').filter((name) => name.trim() !== '').length);
    });
  }
});
