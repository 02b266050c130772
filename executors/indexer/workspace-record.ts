import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FlowError } from '../../core/index.ts';
import type { DocumentStore } from '../kit/index.ts';
import type { Metric } from './vector-index.ts';

/** What the vectors of a workspace are, as text by name. */
export type WorkspaceRecord = Readonly<Record<string, string>>;

export interface RecordSettings {
  readonly metric: Metric;
  readonly dimension: number | undefined;
  /** What made the embeddings: the folder of a model, or any name. */
  readonly model: string | undefined;
  readonly shard: number;
  readonly shards: number;
}

/** What the flow says about an index; what it leaves open is missing. */
export async function recordOf(settings: RecordSettings): Promise<WorkspaceRecord> {
  const { metric, dimension, model, shard, shards } = settings;
  return {
    metric,
    // Vectors are stored as they came; this is how they are compared.
    normalization: metric === 'cosine' ? 'unit length' : 'none',
    shards: String(shards),
    shard: String(shard),
    ...(dimension === undefined ? {} : { dimension: String(dimension) }),
    ...(model === undefined ? {} : { model: await fingerprint(model) }),
  };
}

/**
 * Compares the record of a store with what the flow says, and keeps what the store did not know yet.
 *
 * @throws `workspace_mismatch` naming every difference
 */
export function checkRecord(store: DocumentStore, wanted: WorkspaceRecord, folder: string): void {
  const known = Object.keys(wanted).map((name) => [name, store.fact(name)] as const);
  // An empty workspace can still become anything.
  if (store.fact('dimension') === undefined) return;
  const differences = known.flatMap(([name, value]) =>
    value === undefined || value === wanted[name] ? [] : [`${name} ${value}, the flow says ${wanted[name] ?? ''}`],
  );
  if (differences.length > 0) {
    throw new FlowError(
      'workspace_mismatch',
      `the index in ${folder} was made with ${differences.join('; with ')}: put the flow right, or give it another workspace`,
    );
  }
  writeRecord(
    store,
    Object.fromEntries(known.flatMap(([name, value]) => (value === undefined ? [[name, wanted[name] ?? '']] : []))),
  );
}

/** Keeps a record; inside a transaction of the caller's it counts from its commit. */
export function writeRecord(store: DocumentStore, record: WorkspaceRecord): void {
  for (const [name, value] of Object.entries(record)) store.setFact(name, value);
}

/** For a folder the hash of its files' names and contents, else the text itself. */
async function fingerprint(model: string): Promise<string> {
  if (statSync(model, { throwIfNoEntry: false })?.isDirectory() !== true) return model;
  const entries = await readdir(model, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(`${file.slice(model.length)}\n`);
    for await (const block of createReadStream(file, { highWaterMark: 2 ** 20 })) hash.update(block as Uint8Array);
  }
  return `sha256:${hash.digest('hex')}`;
}
