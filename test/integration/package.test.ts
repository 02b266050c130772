import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installPackage, type InstalledPackage, linkDependency } from './installed-package.ts';
import { runCommand, RunningCommand } from './running-command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const shout = `
import { type DocumentArray, Executor, requests } from 'sluice/executor';

export class Shout extends Executor {
  @requests('/shout', { effect: 'read' })
  shout(docs: DocumentArray): void {
    for (const doc of docs) doc.text = (doc.text ?? '').toUpperCase();
  }
}
`;

const count = `
import { Executor } from 'sluice/executor';

export class Count extends Executor {
  static endpoints = { '/shout': { method: 'count', effect: 'read' } };
  count(docs) {
    for (const doc of docs) doc.tags = { ...doc.tags, characters: doc.text.length };
  }
}
`;

const flow = `
jtype: Flow
with: { port: 0 }
executors:
  - { name: shout, uses: shout.ts }
  - { name: count, uses: count.js }
`;

const program = `
import { Flow, startFlow } from 'sluice';
import { Client } from 'sluice/client';

const built = Flow.create({ port: 0 }).add({ uses: 'shout.ts' }).add({ uses: 'count.js' });
const flow = await startFlow(built);
const client = new Client({ host: flow.urls[0] });
const docs = await client.post('/shout', ['abc']);
console.log(docs[0].text, docs[0].tags.characters);
await client.close();
await flow.stop();
`;

const usage = `
import { type RunningFlow, startFlow } from 'sluice';
import { Client } from 'sluice/client';
import { Shout } from './shout.ts';

export const executor: typeof Shout = Shout;
export async function run(): Promise<string | undefined> {
  const flow: RunningFlow = await startFlow('flow.yml');
  const [first] = await new Client({ host: flow.urls[0] ?? '' }).post('/shout', ['abc']);
  return first?.text;
}
`;

const compilerOptions = {
  ...{ module: 'nodenext', target: 'es2022', lib: ['es2023', 'esnext.decorators', 'esnext.disposable'] },
  ...{ strict: true, noEmit: true, allowImportingTsExtensions: true, skipLibCheck: false, types: ['node'] },
};

describe('the packed package', () => {
  let installed: InstalledPackage;
  let bin: string;
  before(async () => {
    installed = await installPackage();
    bin = path.join(installed.folder, 'node_modules', '.bin', 'sluice');
    const files = { 'shout.ts': shout, 'count.js': count, 'flow.yml': flow, 'program.js': program, 'usage.ts': usage };
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(installed.folder, name), text);
  });
  after(() => installed.remove());

  it('holds the compiled product, its flows and its texts, and no source or test', () => {
    const { packed } = installed;
    for (const file of [
      'bin/sluice.js',
      'dist/cli/main.js',
      'dist/runtime/worker/main.js',
      'dist/index.d.ts',
      'LICENSE',
    ]) {
      assert.ok(packed.includes(file), `${file} is missing`);
    }
    const foreign = packed.filter(
      (file) => (file.endsWith('.ts') && !file.endsWith('.d.ts')) || /(^|\/)(test|bench|node_modules)\//.test(file),
    );
    assert.deepEqual(foreign, []);
  });

  it('names files that are there, for Node and for browsers', () => {
    const manifest: unknown = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
    const { bin, exports, browser } = manifest as Record<string, unknown>;
    const named = JSON.stringify([bin, exports, browser]).match(/(?:dist|bin)\/[^"]+/g) ?? [];
    assert.ok(named.length >= 11);
    assert.deepEqual(
      named.filter((file) => !installed.packed.includes(file)),
      [],
    );
  });

  it('runs a flow with a .ts and a .js executor through npx, answers, and stops on Ctrl-C', async () => {
    const up = new RunningCommand('npx', ['--no', '--', 'sluice', '--json', 'up', 'flow.yml'], {
      cwd: installed.folder,
    });
    try {
      const { urls } = await up.record('ready');
      const [url] = urls as string[];
      const args = ['--no', '--', 'sluice', '--json', 'call', '/shout', 'hello', '--host', String(url)];
      const answer = await runCommand('npx', args, { cwd: installed.folder });
      assert.equal(answer.code, 0, answer.stderr);
      const [line = ''] = answer.stdout.split('\n');
      const { document } = JSON.parse(line) as { document: { text: string; tags: unknown } };
      assert.equal(document.text, 'HELLO');
      assert.deepEqual(document.tags, { characters: 5 });
      up.interrupt();
      await up.record('stopped');
      await up.ended();
    } finally {
      await up.kill();
    }
  });

  it('runs a flow inside a plain JavaScript program', async () => {
    const result = await runCommand(process.execPath, ['program.js'], { cwd: installed.folder });
    assert.deepEqual([result.stdout, result.code], ['ABC 3\n', 0], result.stderr);
  });

  it('gives types to executors and programs without skipLibCheck', async () => {
    linkDependency(path.join(installed.folder, 'node_modules'), '@types/node');
    const config = { compilerOptions, files: ['usage.ts'] };
    writeFileSync(path.join(installed.folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const result = await runCommand(process.execPath, [compiler, '-p', '.'], { cwd: installed.folder });
    assert.equal(result.stdout, '');
  });

  it('says which file is missing when a flow names one that is not there', async () => {
    const folder = path.join(installed.folder, 'broken');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'flow.yml'), 'jtype: Flow\nexecutors:\n  - uses: nowhere.ts\n');
    const result = await runCommand(bin, ['check', 'flow.yml'], { cwd: folder });
    assert.equal(result.code, 3);
    assert.match(result.stderr, /flow\.yml:3:11: .*nowhere\.ts/);
  });
});
