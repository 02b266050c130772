import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { FlowError } from '../core/index.ts';
import { identityOf, type Row, type RowSource, stableId } from './row.ts';

const mimeTypes: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.bmp': 'image/bmp',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.avif': 'image/avif',
};

/**
 * The pictures of a folder and of those in it, by path. Each is sent as it is on the disk, with its type and its path
 * from the folder as `uri` and as the tag `path`; its id follows from that path.
 */
export function openPictureRows(folder: string): RowSource {
  const files = picturesOf(folder);
  return {
    identity: identityOf(path.resolve(folder), files),
    async *rows(skipped) {
      for (const [name] of files.slice(skipped)) yield await rowOf(folder, name);
    },
    total: () => files.length,
  };
}

function picturesOf(folder: string): (readonly [name: string, size: number])[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => name.split(path.sep).join('/'))
      .filter((name) => mimeTypeOf(name) !== undefined)
      .sort()
      .map((name) => [name, statSync(path.join(folder, name)).size] as const);
  } catch (error) {
    throw FlowError.from(error, 'file_not_found', `cannot read the folder ${folder}`);
  }
}

async function rowOf(folder: string, name: string): Promise<Row> {
  const place = { path: name };
  let blob: Uint8Array;
  try {
    blob = new Uint8Array(await readFile(path.join(folder, name)));
  } catch (error) {
    return { place, fault: FlowError.from(error, 'file_not_found', 'cannot be read').message };
  }
  if (blob.length === 0) return { place, fault: 'expected a picture, got an empty file' };
  const mimeType = mimeTypeOf(name) ?? '';
  return { place, doc: { id: stableId(name), uri: name, mimeType, blob, tags: { path: name } } };
}

function mimeTypeOf(name: string): string | undefined {
  return mimeTypes[path.extname(name).toLowerCase()];
}
