import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlowError } from '../core/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const stage = path.join(root, '.sluice', 'bench-package');
let isStaged = false;

/**
 * The command of Sluice as users install it: compiled, without tsx between. Built once for each run of a benchmark.
 *
 * @throws `internal` when it does not compile
 */
export function packagedCommand(): string {
  if (!isStaged) {
    const { status } = spawnSync(process.execPath, [path.join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' });
    if (status !== 0) throw new FlowError('internal', 'the package could not be built');
    rmSync(stage, { recursive: true, force: true });
    mkdirSync(stage, { recursive: true });
    for (const part of ['bin', 'dist', 'flows', 'package.json']) {
      if (existsSync(path.join(root, part))) cpSync(path.join(root, part), path.join(stage, part), { recursive: true });
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(stage, 'node_modules'));
    isStaged = true;
  }
  return path.join(stage, 'bin', 'sluice.js');
}
