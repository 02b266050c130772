// Set-up, then test files with node's test runner: all of test/, or what the arguments name (`unit`, `unit/core`, a file).
// Node 20's runner takes no glob patterns, so the files are listed here.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const names = process.argv.slice(2);
/** Longest time one test file may take; a file that hangs is ended and counts as failed. */
const fileTimeoutMs = names.includes('slow') ? 900_000 : 240_000;

const files = (names.length === 0 ? [''] : names).flatMap(testFiles);
if (files.length === 0) {
  console.error(`no test files in ${names.join(', ') || 'test'}`);
  process.exit(1);
}
const { status } = spawnSync(
  process.execPath,
  [
    ...['--import', 'tsx', '--conditions=sluice-source', '--test', '--test-reporter=spec'],
    ...['--test-concurrency=2', `--test-timeout=${fileTimeoutMs}`],
    ...files,
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exit(status ?? 1);

/** Slow tests run when they are named. */
function isSlow(file) {
  return file.startsWith(`slow${path.sep}`);
}

/** Test files under `name`: a path from here, or a folder of test/. */
function testFiles(name) {
  const found = [path.resolve(name), path.join(root, 'test', name)].find(
    (place) => place.startsWith(path.join(root, 'test')) && statSync(place, { throwIfNoEntry: false }) !== undefined,
  );
  if (found === undefined) {
    console.error(`${name} is no file or folder in test/`);
    process.exit(1);
  }
  if (statSync(found).isFile()) return [found];
  return readdirSync(found, { recursive: true })
    .filter((file) => file.endsWith('.test.ts') && (found !== path.join(root, 'test') || !isSlow(file)))
    .sort()
    .map((file) => path.join(found, file));
}
