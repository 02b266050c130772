import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
 * Fetches files of a hub model. A file is there under its name only when it is whole.
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
      const hasFile = await exists(source, file);
      if (!hasFile) continue;
      if (companion !== undefined && (await exists(source, file + companion))) {
        await fetchFile(source, file + companion, onProgress);
      }
      await fetchFile(source, file, onProgress);
      taken = file;
      break;
    }
    if (taken === undefined && !isOptional) {
      throw new FlowError('model_unavailable', `the hub has no ${anyOf.join(', ')} for it`);
    }
  }
}

async function exists(source: HubSource, file: string): Promise<boolean> {
  const response = await request(source, file, 'HEAD', AbortSignal.timeout(stallMs));
  if (response.status === 404) return false;
  if (response.ok) return true;
  throw refused(response, file);
}

async function fetchFile(
  source: HubSource,
  file: string,
  onProgress: (progress: DownloadProgress) => void,
): Promise<void> {
  const stalled = new AbortController();
  const watch = setTimeout(() => stalled.abort(new Error(`no byte of ${file} came for ${stallMs / 1000} s`)), stallMs);
  try {
    const response = await request(source, file, 'GET', stalled.signal);
    await store(response, source, file, (progress) => {
      watch.refresh();
      onProgress(progress);
    });
  } finally {
    clearTimeout(watch);
  }
}

async function store(
  response: Response,
  source: HubSource,
  file: string,
  onProgress: (progress: DownloadProgress) => void,
): Promise<void> {
  if (!response.ok || response.body === null) throw refused(response, file);
  const total = Number(response.headers.get('content-length') ?? NaN);
  const path = join(source.folder, file);
  const part = `${path}.${process.pid}.part`;
  await mkdir(dirname(path), { recursive: true });
  let received = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      onProgress({
        message: `${source.model} ${file}`,
        ...(Number.isFinite(total) ? { fraction: received / total } : {}),
      });
      done(null, chunk);
    },
  });
  try {
    await pipeline(Readable.fromWeb(response.body), counter, createWriteStream(part));
    if (Number.isFinite(total) && response.headers.get('content-encoding') === null && received !== total) {
      throw new FlowError('model_unavailable', `${file} broke off after ${received} of ${total} bytes`);
    }
    await flush(part);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function request(
  source: HubSource,
  file: string,
  method: 'GET' | 'HEAD',
  signal: AbortSignal,
): Promise<Response> {
  const url = `${source.hub}/${source.model}/resolve/${encodeURIComponent(source.revision)}/${file}`;
  try {
    return await fetch(url, {
      method,
      signal,
      ...(source.token === undefined ? {} : { headers: { authorization: `Bearer ${source.token}` } }),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw FlowError.from(cause, 'model_unavailable', `the hub ${source.hub} cannot be reached`);
  }
}

function refused(response: Response, file: string): FlowError {
  const why = response.status === 401 || response.status === 403 ? ' (a private or gated model needs HF_TOKEN)' : '';
  return new FlowError('model_unavailable', `the hub answered ${response.status} for ${file}${why}`);
}
