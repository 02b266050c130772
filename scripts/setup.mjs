// Installs the dependencies when node_modules does not hold what package-lock.json says. Node built-ins only: `npm test` and
// `npm start` import it first (npm runs no pre-scripts here: .npmrc says ignore-scripts).
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const missing = missingPackages();
if (missing.length > 0) {
  console.log(`set-up: ${describe(missing)} not installed as in package-lock.json; running npm ci`);
  // npm hands its own path to scripts; run from a plain shell, it is found on the PATH.
  const npm = process.env.npm_execpath;
  const run = (command, args, shell) => spawnSync(command, args, { cwd: root, stdio: 'inherit', shell });
  const { status, error } = npm === undefined ? run('npm', ['ci'], true) : run(process.execPath, [npm, 'ci'], false);
  if (status !== 0) {
    console.error(`set-up failed: npm ci ${error === undefined ? `ended with ${status}` : error.message}`);
    process.exit(1);
  }
}

/** Names of the packages of the lock file that are missing or have another version. */
function missingPackages() {
  const wanted = packagesOf('package-lock.json');
  const installed = packagesOf(path.join('node_modules', '.package-lock.json'));
  // Optional packages may be for other platforms; the empty name is the project itself.
  return Object.entries(wanted ?? {})
    .filter(([name, entry]) => name !== '' && entry.optional !== true && entry.devOptional !== true)
    .filter(([name, entry]) => installed?.[name]?.version !== entry.version)
    .map(([name]) => name.replace(/^node_modules\//, ''));
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT' && file !== 'package-lock.json') return undefined;
    throw error;
  }
}

function describe(names) {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3
    ? `${shown} and ${names.length - 3} more packages are`
    : `${shown} ${names.length === 1 ? 'is' : 'are'}`;
}
