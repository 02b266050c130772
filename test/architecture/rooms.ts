/**
 * The rooms of the repository and whom each may import.
 *
 * A room is a folder with all its sub-folders, except that `executors/` and `runtime/` hold several: `executors/sdk`,
 * `executors/kit`, every other entry of `executors/` alone, `runtime/wire`, `runtime/worker`, `runtime/remote`, and
 * `runtime` for the rest of it. `.` is the package's own entry: the .ts files at the root.
 */
export const allowedImports: Readonly<Record<string, readonly string[] | 'any'>> = {
  core: [],
  proto: ['core'],
  observability: ['core'],
  flows: ['core'],
  'executors/sdk': ['core'],
  // The kit names the context and the calls that executors hand it; types only, as a test checks.
  'executors/kit': ['executors/sdk', 'core'],
  'executors/*': ['executors/sdk', 'executors/kit', 'core'],
  'runtime/wire': ['core'],
  'runtime/worker': ['runtime/wire', 'executors/sdk', 'observability', 'core'],
  'runtime/remote': ['proto', 'observability', 'core'],
  runtime: ['runtime/wire', 'runtime/remote', 'flows', 'observability', 'core'],
  gateway: ['runtime', 'observability', 'core', 'proto'],
  client: ['core', 'proto'],
  jobs: ['client', 'core'],
  '.': 'any',
  cli: 'any',
  bench: 'any',
  examples: 'any',
  scripts: 'any',
};

const oneOf = /^(executors\/(?:sdk|kit)|runtime\/(?:wire|worker|remote))\//;

/** The room of a file; undefined for tests, which may import any file. */
export function roomOf(file: string): string | undefined {
  const nested = oneOf.exec(file)?.[1];
  if (nested !== undefined) return nested;
  const [folder = '', ...rest] = file.split('/');
  if (rest.length === 0) return '.';
  if (folder === 'test') return undefined;
  // Each shipped executor is a room of its own: none may import another.
  if (folder === 'executors') return `executors/${rest[0] ?? ''}`;
  return folder;
}

/** Whether files of room `from` may import (the index of) room `to`. */
export function isAllowed(from: string, to: string): boolean {
  const isShipped = from.startsWith('executors/') && !(from in allowedImports);
  const allowed = allowedImports[isShipped ? 'executors/*' : from];
  return allowed === 'any' || allowed?.includes(to) === true;
}

/** Whether files of a room may import any index, also that of a folder inside another room. */
export function takesAnyIndex(from: string): boolean {
  return allowedImports[from] === 'any';
}
