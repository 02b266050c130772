import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CommandResult, runCommand } from './running-command.ts';

const scripts = fileURLToPath(new URL('../../scripts', import.meta.url));

describe('set-up', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-setup-'));
    mkdirSync(path.join(folder, 'scripts'));
    cpSync(path.join(scripts, 'setup.mjs'), path.join(folder, 'scripts', 'setup.mjs'));
    writeLock('package-lock.json', { '': {}, 'node_modules/a': { version: '1.0.0' } });
    // Stands for npm: says that it ran, and how.
    writeFileSync(path.join(folder, 'npm.cjs'), "require('fs').writeFileSync('ran', process.argv.slice(2).join(' '))");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('installs when nothing is installed', async () => {
    const { code, stdout } = await setUp();
    assert.equal(code, 0);
    assert.match(stdout, /a is not installed as in package-lock\.json; running npm ci/);
    assert.ok(existsSync(path.join(folder, 'ran')));
  });

  it('installs when the lock file asks for another version', async () => {
    writeInstalled({ 'node_modules/a': { version: '0.9.0' } });
    await setUp();
    assert.ok(existsSync(path.join(folder, 'ran')));
  });

  it('does nothing, silently, when everything is there', async () => {
    writeInstalled({ 'node_modules/a': { version: '1.0.0' } });
    const { code, stdout } = await setUp();
    assert.deepEqual([code, stdout, existsSync(path.join(folder, 'ran'))], [0, '', false]);
  });

  it('does not miss what is optional', async () => {
    const packages = { 'node_modules/a': { version: '1.0.0' } };
    writeLock('package-lock.json', { ...packages, 'node_modules/b': { version: '2.0.0', optional: true } });
    writeInstalled(packages);
    await setUp();
    assert.equal(existsSync(path.join(folder, 'ran')), false);
  });

  it('fails when npm fails', async () => {
    writeFileSync(path.join(folder, 'npm.cjs'), 'process.exit(3)');
    const { code, stderr } = await setUp();
    assert.equal(code, 1);
    assert.match(stderr, /set-up failed: npm ci ended with 3/);
  });

  function setUp(): Promise<CommandResult> {
    const env = { npm_execpath: path.join(folder, 'npm.cjs') };
    return runCommand(process.execPath, ['scripts/setup.mjs'], { cwd: folder, env });
  }

  function writeInstalled(packages: object): void {
    mkdirSync(path.join(folder, 'node_modules'));
    writeLock('node_modules/.package-lock.json', packages);
  }

  function writeLock(file: string, packages: object): void {
    writeFileSync(path.join(folder, file), JSON.stringify({ packages }));
  }
});
