import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FlowError } from '../../core/index.ts';

/** Where files come from and go to. */
export interface HubSource {
  /** `ORG/NAME`. */
  readonly model: string;
  readonly revision: string;
  /** Address of the hub, such as `https://huggingface.co`. */
  readonly hub: string;
  readonly token: string | undefined;
  /** Folder that gets the files, in the hub's layout. */
  readonly folder: string;
}

export interface HubFile {
  /** Names to try; the first that the hub has is taken. */
  readonly anyOf: readonly string[];
  /** Whether the model can do without it. */
  readonly isOptional: boolean;
  /** Ending of a second file that belongs to it and may be missing, such as `_data`. */
  readonly companion?: string;
}

export interface DownloadProgress {
  readonly message: string;
  /** 0 to 1; missing when the hub does not tell the size. */
  readonly fraction?: number;
}

/** Silence after which a transfer counts as broken. */
const stallMs = 30_000;

/**
 * Fetches files of a hub model. A file is there under its name only when it is whole and its checksum is the hub's; a
 * transfer that broke, in this process or in one that ended, goes on where it was.
 *
 * @throws `model_unavailable` when the hub cannot be reached, refuses, or has none of the names.
 */
export async function fetchHubFiles(
  source: HubSource,
  files: readonly HubFile[],
  onProgress: (progress: DownloadProgress) => void,
): Promise<void> {
  for (const { anyOf, isOptional, companion } of files) {
    let taken: string | undefined;
    for (const file of anyOf) {
      // External weights must be there before the file that names them, which marks the model as complete.
      const found = await find(source, file);
      if (found === undefined) continue;
      const beside = companion === undefined ? undefined : await find(source, file + companion);
      if (beside !== undefined) await fetchFile(source, beside, onProgress);
      await fetchFile(source, found, onProgress);
      taken = file;
      break;
    }
    if (taken === undefined && !isOptional) {
      throw new FlowError('model_unavailable', `the hub has no ${anyOf.join(', ')} for it`);
    }
  }
}

/** A file that the hub has. */
interface FoundFile {
  readonly file: string;
  /** Its checksum, quotes removed, where the hub tells it. */
  readonly etag: string | undefined;
}

/** Large files are answered with a redirect that carries their checksum. */
async function find(source: HubSource, file: string): Promise<FoundFile | undefined> {
  const ask = async (redirect: 'manual' | 'follow'): Promise<Response> =>
    await request(source, file, { method: 'HEAD', redirect, signal: AbortSignal.timeout(stallMs) });
  const first = await ask('manual');
  const linked = first.headers.get('x-linked-etag');
  const isRedirect = first.status >= 300 && first.status < 400;
  const response = isRedirect && linked === null ? await ask('follow') : first;
  if (response.status === 404) return undefined;
  if (!response.ok && linked === null) throw refused(response, file);
  const etag = linked ?? response.headers.get('etag');
  return { file, etag: etag === null ? undefined : etag.replace(/^W\//, '').replaceAll('"', '') };
}

async function fetchFile(
  source: HubSource,
  { file, etag }: FoundFile,
  onProgress: (progress: DownloadProgress) => void,
): Promise<void> {
  const path = join(source.folder, file);
  const part = `${path}.${process.pid}.part`;
  await mkdir(dirname(path), { recursive: true });
  await adoptPart(path, part);
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(part);
    try {
      await transfer(source, file, part, onProgress);
      await flush(part);
      if (await hasChecksum(part, etag)) break;
      await rm(part, { force: true });
      throw new FlowError('model_unavailable', `${file} came with another checksum than the hub's ${etag ?? ''}`);
    } catch (error) {
      // Again while it moves on; a part of an older version of the file gets one fresh start.
      const isMoving = (await sizeOf(part)) > before;
      if (attempt === mostAttempts || (!isMoving && before === 0)) throw error;
    }
  }
  await rename(part, path);
}

/** Tries of one file. */
const mostAttempts = 4;

/** Appends what is missing of a file to its part. */
async function transfer(
  source: HubSource,
  file: string,
  part: string,
  onProgress: (progress: DownloadProgress) => void,
): Promise<void> {
  const stalled = new AbortController();
  const watch = setTimeout(() => stalled.abort(new Error(`no byte of ${file} came for ${stallMs / 1000} s`)), stallMs);
  try {
    const have = await sizeOf(part);
    const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
    const response = await request(source, file, { method: 'GET', signal: stalled.signal, headers });
    // Not satisfiable: the part is the whole file, or of another one; its checksum tells.
    if (response.status === 416) return;
    if (!response.ok || response.body === null) throw refused(response, file);
    const isRest = response.status === 206;
    let received = isRest ? have : 0;
    const length = Number(response.headers.get('content-length') ?? NaN);
    const total = response.headers.get('content-encoding') === null ? received + length : NaN;
    const counter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        received += chunk.length;
        watch.refresh();
        onProgress({
          message: `${source.model} ${file}`,
          ...(Number.isFinite(total) ? { fraction: received / total } : {}),
        });
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body), counter, createWriteStream(part, { flags: isRest ? 'a' : 'w' }));
    if (Number.isFinite(total) && received !== total) {
      throw new FlowError('model_unavailable', `${file} broke off after ${received} of ${total} bytes`);
    }
  } catch (error) {
    throw FlowError.from(error, 'model_unavailable', `${file} broke off`);
  } finally {
    clearTimeout(watch);
  }
}

/** Takes over the part that an ended process left; of several processes only one gets it. */
async function adoptPart(path: string, own: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const pid = /^(\d+)\.part$/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : '')?.[1];
    if (pid === undefined || Number(pid) === process.pid || isRunning(Number(pid))) continue;
    try {
      await rename(join(dirname(path), name), own);
      return;
    } catch (error) {
      // Another process was quicker.
      if (FlowError.from(error).message.includes('ENOENT')) continue;
      throw error;
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Not permitted: it runs, as somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether a file has the hub's checksum: SHA-256 of large files, git's of small ones; true where it tells none. */
async function hasChecksum(path: string, etag: string | undefined): Promise<boolean> {
  if (etag === undefined || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(etag)) return true;
  const hash = createHash(etag.length === 64 ? 'sha256' : 'sha1');
  if (etag.length === 40) hash.update(`blob ${await sizeOf(path)}\0`);
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex') === etag;
}

async function sizeOf(path: string): Promise<number> {
  return existsSync(path) ? (await stat(path)).size : 0;
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

interface RequestOptions {
  readonly method: 'GET' | 'HEAD';
  readonly signal: AbortSignal;
  readonly redirect?: 'manual' | 'follow';
  readonly headers?: Readonly<Record<string, string>>;
}

async function request(source: HubSource, file: string, options: RequestOptions): Promise<Response> {
  const url = `${source.hub}/${source.model}/resolve/${encodeURIComponent(source.revision)}/${file}`;
  const authorization = source.token === undefined ? {} : { authorization: `Bearer ${source.token}` };
  try {
    return await fetch(url, { ...options, headers: { ...options.headers, ...authorization } });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw FlowError.from(cause, 'model_unavailable', `the hub ${source.hub} cannot be reached`);
  }
}

function refused(response: Response, file: string): FlowError {
  const why = response.status === 401 || response.status === 403 ? ' (a private or gated model needs HF_TOKEN)' : '';
  return new FlowError('model_unavailable', `the hub answered ${response.status} for ${file}${why}`);
}
