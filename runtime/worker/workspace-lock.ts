import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FlowError } from '../../core/index.ts';

/**
 * Takes the operating system's lock of a workspace, for as long as the process lives.
 *
 * The lock is that of an SQLite database in it: it is gone when the holder dies, however it dies, and nothing stale stays.
 *
 * @throws `workspace_in_use` when another process holds it.
 */
export async function lockWorkspace(folder: string, executor: string): Promise<void> {
  const { DatabaseSync } = await import('@photostructure/sqlite');
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'lock.sqlite'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;');
  } catch (error) {
    database.close();
    throw new FlowError(
      'workspace_in_use',
      `${executor}: another process works in ${folder}; stop it, or give this flow another workspace`,
      { cause: error },
    );
  }
  held.push(database);
}

/** Keeps the connections, and so the locks, alive. */
const held: unknown[] = [];
