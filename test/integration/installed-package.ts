import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isObject } from '../../core/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const notPacked = new Set(['node_modules', '.git', 'dist', 'test', 'bench', 'docs', 'examples', '.sluice', '.venvs']);

/** A project that has the packed tarball installed, and nothing of the checkout but the dependencies it declares. */
export interface InstalledPackage {
  /** Folder of the project. */
  readonly folder: string;
  /** Paths in the tarball. */
  readonly packed: readonly string[];
  remove(): void;
}

/**
 * Packs the sources as `npm publish` would and unpacks the tarball into a new project.
 *
 * Nothing is fetched: instead of letting npm resolve them, the dependencies that package.json declares (not the
 * development ones) are linked from the checkout's node_modules.
 */
export async function installPackage(): Promise<InstalledPackage> {
  const place = mkdtempSync(path.join(tmpdir(), 'sluice-package-'));
  const remove = (): void => rmSync(place, { recursive: true, force: true });
  try {
    return { ...(await packInto(place)), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

async function packInto(place: string): Promise<Omit<InstalledPackage, 'remove'>> {
  const [stage, folder] = [path.join(place, 'stage'), path.join(place, 'project')];
  // Built in a copy: the checkout gets no dist/.
  cpSync(root, stage, { recursive: true, filter: (file) => !notPacked.has(path.relative(root, file)) });
  symlinkSync(path.join(root, 'node_modules'), path.join(stage, 'node_modules'));
  await npm(stage, 'run', 'build');
  const { stdout } = await npm(stage, 'pack', '--json', '--ignore-scripts', '--pack-destination', place);
  const [tarball] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  if (tarball === undefined) throw new Error(`npm pack named no tarball: ${stdout}`);
  const modules = path.join(folder, 'node_modules');
  mkdirSync(path.join(modules, '.bin'), { recursive: true });
  await run('tar', ['-xzf', path.join(place, tarball.filename), '-C', modules]);
  renameSync(path.join(modules, 'package'), path.join(modules, 'sluice'));
  symlinkSync(path.join('..', 'sluice', 'bin', 'sluice.js'), path.join(modules, '.bin', 'sluice'));
  for (const name of declaredDependencies()) linkDependency(modules, name);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  return { folder, packed: tarball.files.map((file) => file.path) };
}

/** Also for type checks, which need the types of Node. */
export function linkDependency(modules: string, name: string): void {
  mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
  symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name));
}

function declaredDependencies(): string[] {
  const manifest: unknown = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return isObject(manifest) && isObject(manifest['dependencies']) ? Object.keys(manifest['dependencies']) : [];
}

async function npm(folder: string, ...args: string[]): Promise<{ stdout: string }> {
  return run('npm', args, { cwd: folder, maxBuffer: 64 * 1024 * 1024 });
}
