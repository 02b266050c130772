import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** One TypeScript file of the repository; `path` is relative to its root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Repository files it imports, type imports and literal dynamic imports included. */
  readonly imports: readonly string[];
  /** Names of the packages and node modules it imports. */
  readonly packages: readonly string[];
}

const skippedFolders = new Set(['node_modules', 'dist', '.git', '.sluice', '.venvs', 'coverage']);

/** Every TypeScript file of the repository. */
export function sourceFiles(): SourceFile[] {
  return listFiles('')
    .filter((file) => file.endsWith('.ts'))
    .map(readSource);
}

function listFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const place = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : listFiles(place);
    return [place];
  });
}

function readSource(file: string): SourceFile {
  const text = readFileSync(path.join(root, file), 'utf8');
  const specifiers = ts.preProcessFile(text, true, true).importedFiles.map((found) => found.fileName);
  const isOurs = (specifier: string): boolean => specifier.startsWith('.');
  return {
    path: file,
    text,
    imports: specifiers.filter(isOurs).map((specifier) => path.posix.join(path.posix.dirname(file), specifier)),
    packages: specifiers.filter((specifier) => !isOurs(specifier)).map(packageName),
  };
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
