import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FlowError } from '../../core/index.ts';
import type { Graph } from './graph.ts';

const format = 1;
const noteName = 'graph.json';
const graphFile = /^graph-\d+\.usearch$/;
const blockBytes = 2 ** 20;

const noteSchema = z.strictObject({
  format: z.literal(format),
  file: z.string().regex(graphFile),
  bytes: z.int().min(0),
  sha256: z.string(),
  /** The store that it was made from, and up to which of its changes. */
  store: z.string(),
  sequence: z.int().min(0),
  dimension: z.int().min(1),
  metric: z.string(),
  /** What was measured about the graph: see `GraphIndex`. */
  width: z.int().min(1).nullable(),
  recall: z.number().nullable(),
  measuredSize: z.int().min(0),
  greatestLength: z.number().min(0),
});

/** What is known about a saved graph. */
export type GraphNote = Omit<z.infer<typeof noteSchema>, 'format' | 'file' | 'bytes' | 'sha256'>;

/**
 * A graph's file in a workspace, and a note beside it that says what it was made from and what its bytes must be.
 *
 * Both are written aside, flushed to the disk and renamed; the note comes last and counts. So a crash at any moment
 * leaves the old pair or the new one, and whatever else a disk does to the file is seen before it is read.
 */
export class GraphCache {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** What the note says; undefined when there is none that can be read, or the file is not what it says. */
  read(): { readonly note: GraphNote; readonly path: string } | undefined {
    let text: string;
    try {
      text = readFileSync(join(this.folder, noteName), 'utf8');
    } catch {
      return undefined;
    }
    const parsed = noteSchema.safeParse(jsonOf(text));
    if (!parsed.success) return undefined;
    const { file, bytes, sha256 } = parsed.data;
    const path = join(this.folder, file);
    const found = digestOf(path);
    if (found?.bytes !== bytes || found.sha256 !== sha256) return undefined;
    return { note: parsed.data, path };
  }

  /** Writes the graph; on the disk when this returns. */
  write(graph: Graph, note: GraphNote): void {
    const file = `graph-${note.sequence}.usearch`;
    const path = join(this.folder, file);
    try {
      graph.save(`${path}.part`);
      const digest = digestOf(`${path}.part`);
      if (digest === undefined) throw new FlowError('internal', `usearch wrote no file ${path}.part`);
      flush(`${path}.part`);
      renameSync(`${path}.part`, path);
      const notePath = join(this.folder, noteName);
      writeFileSync(`${notePath}.part`, JSON.stringify({ format, file, ...digest, ...note }), { flush: true });
      flush(this.folder);
      renameSync(`${notePath}.part`, notePath);
      flush(this.folder);
    } catch (error) {
      throw FlowError.from(error, 'executor_error', `the graph of the index could not be written to ${this.folder}`);
    }
    this.sweep(file);
  }

  /** Removes everything of a graph, also what an interrupted write left. */
  clear(): void {
    this.sweep(undefined);
    rmSync(join(this.folder, noteName), { force: true });
  }

  private sweep(kept: string | undefined): void {
    for (const name of readdirSync(this.folder)) {
      const isPart = /^graph.*\.part$/.test(name);
      if (isPart || (graphFile.test(name) && name !== kept)) rmSync(join(this.folder, name), { force: true });
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined when the file cannot be read. */
function digestOf(path: string): { bytes: number; sha256: string } | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const hash = createHash('sha256');
    const block = new Uint8Array(blockBytes);
    let bytes = 0;
    for (;;) {
      const read = readSync(descriptor, block);
      if (read === 0) break;
      hash.update(block.subarray(0, read));
      bytes += read;
    }
    return { bytes, sha256: hash.digest('hex') };
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Waits until a file, or the names in a folder, are on the disk. */
function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
