// Compiles the product to dist/ and puts beside it what is not TypeScript: flow files, schemas, protocol definitions.
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist');
const folders = ['core', 'proto', 'observability', 'flows', 'executors', 'runtime', 'gateway', 'client', 'cli'];
const assets = new Set(['.yml', '.json', '.proto', '.html', '.css']);
/** Scripts of pages: they run in browsers as they are. */
const pageScripts = `pages${path.sep}`;

rmSync(dist, { recursive: true, force: true });
const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) process.exit(1);
for (const folder of folders) {
  for (const file of readdirSync(path.join(root, folder), { recursive: true })) {
    // Dot folders hold what a run left behind, such as an index.
    const isOurs = !file.split(path.sep).some((part) => part.startsWith('.'));
    const isAsset = assets.has(path.extname(file)) || (file.startsWith(pageScripts) && file.endsWith('.js'));
    if (isOurs && isAsset) cpSync(path.join(root, folder, file), path.join(dist, folder, file));
  }
}
