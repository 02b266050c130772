import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Document, FlowError } from '../../core/index.ts';
import { allowedPath } from './allowed-path.ts';
import { isPictureType, type RemoteFiles } from './remote-file.ts';
import type { RawPicture } from './resample.ts';

export interface SourceSettings {
  /** Folders below which files may be read; none by default: a request must not read what the server can. */
  readonly allowedPaths: readonly string[];
  /** Most bytes of an encoded picture. */
  readonly maxBytes: number;
  /** What fetches http and https addresses; undefined: they are refused. */
  readonly remote: RemoteFiles | undefined;
}

/** Whether a document holds a picture, or says where one is. */
export function hasPicture({ blob, tensor, uri }: Document): boolean {
  return (blob?.length ?? 0) > 0 || tensor?.shape.length === 3 || (uri ?? '') !== '';
}

/** Finds the pictures of documents: bytes, raw pixels, data URIs, files below allowed folders, addresses. */
export class PictureSource {
  private readonly settings: SourceSettings;

  constructor(settings: SourceSettings) {
    this.settings = settings;
  }

  /**
   * The picture of a document: its `blob`, else its `tensor` (uint8 [height, width, 3]), else what its `uri` leads to.
   *
   * @throws `invalid_argument`, saying what was expected and what came
   */
  async read(doc: Document, signal: AbortSignal): Promise<Uint8Array | RawPicture> {
    const { blob, tensor, uri, mimeType } = doc;
    if (blob !== undefined && blob.length > 0) {
      if (!isPictureType(mimeType ?? '')) throw fault(`expected a picture, got a blob of ${mimeType ?? ''}`);
      this.checkSize(blob.length);
      return blob;
    }
    if (tensor !== undefined) {
      const [height = 0, width = 0, channels] = tensor.shape;
      if (tensor.data instanceof Uint8Array && channels === 3 && width > 0 && height > 0) {
        return { data: tensor.data, width, height };
      }
      throw fault(
        `expected the pixels of a picture, uint8 [height, width, 3], got ${tensor.dtype} [${tensor.shape.join(', ')}]`,
      );
    }
    return await this.follow(uri ?? '', signal);
  }

  private async follow(uri: string, signal: AbortSignal): Promise<Uint8Array> {
    const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase();
    switch (scheme) {
      case 'data':
        return this.ofDataUri(uri);
      case 'http':
      case 'https':
        if (this.settings.remote === undefined) throw fault('http addresses are switched off here (fetch_uris)');
        return await this.settings.remote.fetch(uri, signal, isPictureType);
      case 'file':
      case undefined:
        return await this.ofFile(uri, scheme === 'file');
      default:
        throw fault(`expected a uri with data:, http:, https:, file: or a path, got ${scheme}:`);
    }
  }

  private ofDataUri(uri: string): Uint8Array {
    const comma = uri.indexOf(',');
    const head = uri.slice('data:'.length, Math.max(0, comma));
    if (comma < 0) throw fault('expected data:image/...;base64,... , got a data URI without a comma');
    if (!isPictureType(head.split(';')[0] ?? '')) throw fault(`expected a picture, got a data URI of ${head}`);
    // Before it is decoded: 4 characters of base64 are 3 bytes.
    this.checkSize(((uri.length - comma) * 3) / 4 - 3);
    const body = uri.slice(comma + 1);
    try {
      return head.endsWith(';base64') ? Buffer.from(body, 'base64') : Buffer.from(decodeURIComponent(body), 'latin1');
    } catch (error) {
      throw FlowError.from(error, 'invalid_argument', 'expected a percent-encoded data URI');
    }
  }

  private async ofFile(uri: string, isAddress: boolean): Promise<Uint8Array> {
    const { allowedPaths } = this.settings;
    if (allowedPaths.length === 0) {
      throw fault('files are not read here: write the folders that may be read as allowed_paths, or send the bytes');
    }
    const { path, bytes } = await allowedPath(isAddress ? fileURLToPath(uri) : uri, allowedPaths, 'file');
    this.checkSize(bytes);
    try {
      return await readFile(path);
    } catch (error) {
      throw FlowError.from(error, 'invalid_argument', 'expected a file that can be read');
    }
  }

  private checkSize(bytes: number): void {
    const { maxBytes } = this.settings;
    if (bytes > maxBytes) throw fault(`expected a picture of at most ${maxBytes} bytes (max_bytes), got ${bytes}`);
  }
}

function fault(message: string): FlowError {
  return new FlowError('invalid_argument', message);
}
