import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { FlowError } from '../../core/index.ts';

/**
 * The real path of a file or folder that a request names; links are followed before it is judged.
 *
 * @param roots folders below which it must lie
 * @param what what is expected, for the message; it is the same for all that is wrong, since a caller must not learn
 *   what there is outside
 * @throws `invalid_argument`
 */
export async function allowedPath(
  path: string,
  roots: readonly string[],
  what: 'file' | 'folder',
): Promise<{ readonly path: string; readonly bytes: number }> {
  const refusal = new FlowError('invalid_argument', `expected a ${what} below one of allowed_paths`);
  try {
    const real = await realpath(resolve(path));
    const allowed = await Promise.all(roots.map(async (root) => await realpath(resolve(root))));
    if (!allowed.some((root) => real.startsWith(root.endsWith(sep) ? root : root + sep))) throw refusal;
    const found = await stat(real);
    if (what === 'file' ? !found.isFile() : !found.isDirectory()) throw refusal;
    return { path: real, bytes: found.size };
  } catch (error) {
    throw error instanceof FlowError ? error : refusal;
  }
}
