import { once } from 'node:events';
import path from 'node:path';
import { AutoTokenizer, env, type PreTrainedTokenizer } from '@xenova/transformers';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { maxTokens, modelFolder, readTexts, type TextSet } from './texts.ts';

/** What one process of the offline comparison is told, as JSON in its first argument. */
export interface OfflineTask {
  readonly set: TextSet;
  readonly threads: number;
  /** Texts in one model call. */
  readonly batch: number;
  /** This process takes every `processes`-th window, from window `index` on. */
  readonly index: number;
  readonly processes: number;
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** What it prints at its end. */
export interface OfflineResult {
  readonly texts: number;
  readonly seconds: number;
  /** Embeddings of the first texts, each computed alone: what served answers are compared with. */
  readonly sample: readonly (readonly number[])[];
}

/** Texts that are sorted by length among themselves: as many as callers wait for the served flow. */
const windowTexts = 64;
const sampleTexts = 8;

/**
 * The plainest loop that does the same work: tokenise, run the model, pool, normalise; no server, no queue, no JSON.
 * Prints `ready`, waits for a line, then encodes for the time it was given and prints an {@link OfflineResult}.
 */
async function main(task: OfflineTask): Promise<void> {
  env.allowRemoteModels = false;
  const tokenizer = await AutoTokenizer.from_pretrained(modelFolder, { local_files_only: true });
  const session = await InferenceSession.create(path.join(modelFolder, 'onnx/model_quantized.onnx'), {
    intraOpNumThreads: task.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const texts = readTexts(task.set);
  const windows: string[][] = [];
  for (let start = 0; start + windowTexts <= texts.length; start += windowTexts) {
    windows.push(texts.slice(start, start + windowTexts));
  }
  const sample: number[][] = [];
  for (const text of texts.slice(0, sampleTexts)) {
    const [vector] = await encode(session, [tokenize(tokenizer, text)]);
    sample.push(Array.from(vector ?? []));
  }
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  const encodeWindow = async (number: number): Promise<number> => {
    const rows = (windows[number % windows.length] ?? []).map((text) => tokenize(tokenizer, text));
    rows.sort((a, b) => a.length - b.length);
    for (let first = 0; first < rows.length; first += task.batch) {
      await encode(session, rows.slice(first, first + task.batch));
    }
    return rows.length;
  };
  let number = task.index;
  const encodeFor = async (milliseconds: number): Promise<{ texts: number; seconds: number }> => {
    const start = performance.now();
    let done = 0;
    while (performance.now() - start < milliseconds) {
      done += await encodeWindow(number);
      number += task.processes;
    }
    return { texts: done, seconds: (performance.now() - start) / 1000 };
  };
  await encodeFor(task.warmupMs);
  const result: OfflineResult = { ...(await encodeFor(task.durationMs)), sample };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

function tokenize(tokenizer: PreTrainedTokenizer, text: string): number[] {
  const ids = tokenizer.encode(text);
  if (ids.length <= maxTokens) return ids;
  // The closing special token stays.
  return [...ids.slice(0, maxTokens - 1), ...ids.slice(-1)];
}

/** Mean over each row's own tokens, length 1. */
async function encode(session: InferenceSession, rows: readonly number[][]): Promise<Float32Array[]> {
  const longest = Math.max(...rows.map((row) => row.length));
  const ids = new BigInt64Array(rows.length * longest);
  const mask = new BigInt64Array(rows.length * longest);
  rows.forEach((row, index) => {
    row.forEach((id, position) => {
      ids[index * longest + position] = BigInt(id);
    });
    mask.fill(1n, index * longest, index * longest + row.length);
  });
  const tensor = (data: BigInt64Array): Tensor => new Tensor('int64', data, [rows.length, longest]);
  const feeds: Record<string, Tensor> = {
    input_ids: tensor(ids),
    attention_mask: tensor(mask),
    token_type_ids: tensor(new BigInt64Array(ids.length)),
  };
  const output = (await session.run(feeds))['last_hidden_state'];
  const [, , width = 0] = output?.dims ?? [];
  const data = output?.data as Float32Array;
  return rows.map((row, index) => meanRow(data, index * longest * width, row.length, width));
}

function meanRow(data: Float32Array, start: number, tokens: number, width: number): Float32Array {
  const vector = new Float32Array(width);
  for (let token = 0; token < tokens; token++) {
    const offset = start + token * width;
    for (let column = 0; column < width; column++)
      vector[column] = (vector[column] ?? 0) + (data[offset + column] ?? 0);
  }
  let squares = 0;
  for (const value of vector) squares += value * value;
  const scale = 1 / Math.sqrt(squares);
  for (let column = 0; column < width; column++) vector[column] = (vector[column] ?? 0) * scale;
  return vector;
}

await main(JSON.parse(process.argv[2] ?? '') as OfflineTask);
