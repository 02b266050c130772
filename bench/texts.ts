import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FlowError, isObject } from '../core/index.ts';
import { markPlaceholder } from './request-body.ts';
import type { ServiceSpec } from './service.ts';
import { benchPath, sluice } from './subjects.ts';

/** Texts of the real data set: 1,000 short questions, 1,000 abstracts of about 250 words. */
export type TextSet = 'questions' | 'abstracts';

const files: Readonly<Record<TextSet, string>> = { questions: 'queries.jsonl', abstracts: 'corpus.jsonl' };
const dataFolder = benchPath('../../shared/data/pubmedqa-l');
/** The text encoder in hub layout that embed scenarios use. */
export const modelFolder = benchPath('../../shared/models/all-minilm-l6-v2');
/** Tokens that the model was trained for; longer texts lose their end. */
export const maxTokens = 256;

/** Why nothing can be embedded here; undefined if it can. */
export function encoderSkip(): string | undefined {
  const missing = [modelFolder, dataFolder].filter((folder) => !existsSync(folder));
  if (missing.length === 0) return undefined;
  return `skipped: ${missing.map((folder) => path.relative(benchPath('..'), folder)).join(' and ')} not found`;
}

export function readTexts(set: TextSet): string[] {
  const lines = readFileSync(path.join(dataFolder, files[set]), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const entry: unknown = JSON.parse(line);
    if (isObject(entry) && typeof entry['text'] === 'string') return entry['text'];
    throw new FlowError('invalid_argument', `expected {"text": ...} in ${files[set]}, got ${line.slice(0, 80)}`);
  });
}

let folder: string | undefined;

/** A file with one request a line, each with a mark as the document's id; removed when this process ends. */
export function textBodies(set: TextSet): string {
  if (folder === undefined) {
    const made = mkdtempSync(path.join(tmpdir(), 'sluice-bench-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  const file = path.join(folder, `${set}.jsonl`);
  const lines = readTexts(set).map(encodeBody);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

function encodeBody(text: string): string {
  return JSON.stringify({ data: [{ id: markPlaceholder, text }], execEndpoint: '/encode' });
}

/** `sluice up` of the Encoder. */
export function encoderService(options: { name: string; replicas: number; port: number }): ServiceSpec {
  const env = { SLUICE_BENCH_MODEL: modelFolder, SLUICE_BENCH_REPLICAS: String(options.replicas) };
  return sluice({ name: options.name, file: 'embed.yml', env }, options.port, encodeBody('a short question'));
}
