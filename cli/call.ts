import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, type ClientResponse, type RequestOptions } from '../client/index.ts';
import { type DocumentFields, documentToJson, FlowError, type JsonObject } from '../core/index.ts';
import { documentLines } from './document-lines.ts';
import { exitCodes } from './exit-code.ts';
import type { Output } from './output.ts';

export interface CallOptions {
  readonly host: string;
  readonly parameters?: JsonObject;
  readonly target?: string;
  readonly file: readonly string[];
  readonly stream: boolean;
  /** ms */
  readonly timeout?: number;
  readonly priority: number;
}

/** Sends one request and prints its documents, or those of a streaming endpoint as they come. */
export async function call(
  output: Output,
  endpoint: string,
  texts: readonly string[],
  options: CallOptions,
): Promise<number> {
  const inputs = [...texts.map((text) => ({ text })), ...(await Promise.all(options.file.map(fileInput)))];
  const client = new Client({ host: options.host });
  try {
    if (options.stream) await callStream(output, client, endpoint, inputs, options);
    else await callOnce(output, client, endpoint, inputs, options);
  } finally {
    await client.close();
  }
  return exitCodes.ok.code;
}

async function callOnce(
  output: Output,
  client: Client,
  endpoint: string,
  inputs: readonly DocumentFields[],
  options: CallOptions,
): Promise<void> {
  const startMs = performance.now();
  const request = { ...requestOptions(options), requestSize: 0 };
  for await (const response of client.post(endpoint, [...inputs], request).responses()) {
    if (response.error !== undefined) throw response.error;
    let index = 0;
    for (const doc of response.docs) {
      output.record({ type: 'document', document: documentToJson(doc) });
      for (const line of documentLines(doc, index++)) output.line(line);
    }
    tellEnd(output, response, performance.now() - startMs);
  }
}

function tellEnd(output: Output, response: ClientResponse, elapsedMs: number): void {
  const results = response.parameters['__results__'];
  const routes = response.routes.flatMap(({ executor, startMs, endMs }) =>
    startMs === undefined || endMs === undefined ? [] : [{ executor, ms: endMs - startMs }],
  );
  output.record({ type: 'answer', documents: response.docs.length, ms: elapsedMs, routes, results });
  if (results !== undefined) output.line(JSON.stringify(results));
  const parts = routes.map(({ executor, ms }) => `${executor} ${ms.toFixed(1)} ms`).join(', ');
  const text = `${documentCount(response.docs.length)} in ${elapsedMs.toFixed(1)} ms${parts === '' ? '' : `  (${parts})`}`;
  output.line(output.paint('gray', text));
}

async function callStream(
  output: Output,
  client: Client,
  endpoint: string,
  inputs: readonly DocumentFields[],
  options: CallOptions,
): Promise<void> {
  if (inputs.length > 1) {
    throw new FlowError('invalid_argument', `a streaming endpoint takes one document, got ${inputs.length}`);
  }
  const startMs = performance.now();
  let index = 0;
  for await (const doc of client.stream(endpoint, inputs[0] ?? {}, requestOptions(options))) {
    output.record({ type: 'document', document: documentToJson(doc) });
    for (const line of documentLines(doc, index++)) output.line(line);
  }
  const elapsedMs = performance.now() - startMs;
  output.record({ type: 'answer', documents: index, ms: elapsedMs });
  output.line(output.paint('gray', `${documentCount(index)} in ${elapsedMs.toFixed(1)} ms`));
}

function requestOptions({ parameters = {}, target, timeout, priority }: CallOptions): RequestOptions & {
  parameters: JsonObject;
} {
  return {
    priority,
    parameters,
    ...(target === undefined ? {} : { targetExecutor: target }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
  };
}

async function fileInput(file: string): Promise<DocumentFields> {
  try {
    return { blob: new Uint8Array(await readFile(file)), uri: path.basename(file) };
  } catch (error) {
    throw FlowError.from(error, 'file_not_found', `cannot read ${file}`);
  }
}

function documentCount(count: number): string {
  return `${count} ${count === 1 ? 'document' : 'documents'}`;
}
