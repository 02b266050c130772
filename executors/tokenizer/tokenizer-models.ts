import { mkdirSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FlowError, type JsonObject } from '../../core/index.ts';
import {
  allowedPath,
  loadTextCoder,
  type ModelRequest,
  openModel,
  RemoteFiles,
  type TextCoder,
  TextTokenizer,
} from '../kit/index.ts';
import type { ExecutorContext } from '../sdk/index.ts';

/** What may be added while the executor runs. */
export interface AddSettings {
  /** Folders below which models may lie; none: no folder may be added. */
  readonly allowedPaths: readonly string[];
  /** Whether the files of a model may be fetched from an address. */
  readonly fetchesUris: boolean;
  readonly allowsPrivate: boolean;
  /** Most bytes of a model's tokenizer file. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

interface Entry {
  readonly source: string;
  readonly coder: TextCoder;
}

const neededFiles = ['config.json', 'tokenizer_config.json', 'tokenizer.json'];
const nameForm = /^[a-z0-9][\w.-]{0,63}$/i;
/** Models of one executor; each takes some 100 MB at most. */
const mostModels = 32;

/** The tokenizers of one executor by name; the first is the one that is meant where nothing is said. */
export class TokenizerModels {
  private readonly entries = new Map<string, Entry>();
  private readonly context: ExecutorContext;
  private readonly settings: AddSettings;

  constructor(context: ExecutorContext, settings: AddSettings) {
    this.context = context;
    this.settings = settings;
  }

  async load(name: string, request: ModelRequest, maxLength?: number): Promise<void> {
    this.context.progress({ state: 'loading', message: `tokenizer of ${request.model}` });
    const folder = await openModel(request, {}, this.context);
    this.entries.set(name, { source: request.model, coder: await loadTextCoder(folder, maxLength) });
  }

  /**
   * Adds a model, or puts another in place of one that was added.
   *
   * @param source a folder below `allowed_paths`, or an http(s) address below which the model's files lie
   * @throws `invalid_argument` when it may not be added; `model_unavailable` when it is no tokenizer
   */
  async add(name: string, source: string, signal: AbortSignal): Promise<void> {
    if (!nameForm.test(name)) {
      throw new FlowError('invalid_argument', `expected a name of letters, digits, ".", "_" and "-", got "${name}"`);
    }
    const [first] = this.entries.keys();
    if (name === first) throw new FlowError('invalid_argument', `${name} is the model of uses_with and stays`);
    if (!this.entries.has(name) && this.entries.size >= mostModels) {
      throw new FlowError('invalid_argument', `expected at most ${mostModels} models, this would be one more`);
    }
    const path = /^https?:/i.test(source) ? await this.fetch(name, source, signal) : await this.local(source);
    await this.load(name, { model: path, revision: 'main', download: false });
    this.entries.set(name, { source, coder: this.entry(name).coder });
  }

  /** @throws `invalid_argument` naming the models that there are */
  get(name?: string): TextCoder {
    return this.entry(name).coder;
  }

  /** A model that joins two texts and turns ids back into text. @throws `invalid_argument` when it does not */
  tokenizer(name?: string): TextTokenizer {
    const { coder, source } = this.entry(name);
    if (coder instanceof TextTokenizer) return coder;
    throw new FlowError(
      'invalid_argument',
      `expected a model with a tokenizer; ${source} hashes texts: it joins no pairs, and no text comes back from its ids`,
    );
  }

  /** What `/models` answers: each model with its state. */
  status(): JsonObject {
    return Object.fromEntries(
      [...this.entries].map(([name, { source, coder }]) => [
        name,
        { state: 'ready', source, max_length: coder.maxLength, vocabulary_size: coder.vocabularySize },
      ]),
    );
  }

  private entry(name?: string): Entry {
    const found = name === undefined ? [...this.entries.values()][0] : this.entries.get(name);
    if (found !== undefined) return found;
    throw new FlowError(
      'invalid_argument',
      `expected one of the models ${[...this.entries.keys()].join(', ')}, got "${name ?? ''}"`,
    );
  }

  private async local(source: string): Promise<string> {
    const { allowedPaths, maxBytes } = this.settings;
    const { path } = await allowedPath(source, allowedPaths, 'folder');
    for (const file of neededFiles) {
      // A link inside the folder must not lead out of it either.
      const { path: real } = await allowedPath(join(path, file), [path], 'file');
      const { size } = await stat(real);
      if (size > maxBytes) throw new FlowError('invalid_argument', tooLarge(file, maxBytes, size));
    }
    return path;
  }

  private async fetch(name: string, source: string, signal: AbortSignal): Promise<string> {
    const { fetchesUris, allowsPrivate, maxBytes, timeoutMs } = this.settings;
    if (!fetchesUris) {
      throw new FlowError('invalid_argument', 'models are not fetched here: write fetch_models: true in uses_with');
    }
    const remote = new RemoteFiles({ maxBytes, timeoutMs, allowsPrivate });
    try {
      const files = new Map<string, Uint8Array>();
      for (const file of neededFiles) {
        files.set(file, await remote.fetch(`${source.replace(/\/+$/, '')}/${file}`, signal));
      }
      // Written when all are there: a model that is in use is never half another.
      const path = join(this.context.workspace(), 'models', `${name}.${this.context.replica}`);
      mkdirSync(path, { recursive: true });
      for (const [file, bytes] of files) writeFileSync(join(path, file), bytes);
      return path;
    } finally {
      await remote.close();
    }
  }
}

function tooLarge(file: string, limit: number, size: number): string {
  return `expected a ${file} of at most ${limit} bytes (max_bytes), got ${size}`;
}
