import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FlowError } from '../core/index.ts';
import { compileFlow } from './compile.ts';
import type { Plan } from './plan.ts';
import { FlowReader } from './reader.ts';
import { refuseNonJson } from './json-value.ts';
import { valueSource } from './source.ts';

/** What the variables of flow files stand for. */
export interface LoadOptions {
  /** For `${{ ENV.NAME }}` and `$NAME`; default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** For `${{ CONTEXT.name }}`; default empty. */
  readonly context?: Readonly<Record<string, unknown>>;
}

export interface ParseOptions extends LoadOptions {
  /** The file that the text is of, as people see it in faults; relative paths in the flow start in its folder. */
  readonly path: string;
}

/**
 * Reads and checks a flow file.
 *
 * @returns the frozen plan, and the text it was made of
 * @throws `file_not_found`, or `invalid_flow` with every fault: `details.faults` holds them as {@link Fault}
 */
export async function loadFlow(path: string, options: LoadOptions = {}): Promise<{ plan: Plan; text: string }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw FlowError.from(error, 'file_not_found', `cannot read the flow file ${path}`);
  }
  return { plan: parseFlow(text, { ...options, path }), text };
}

/** As {@link loadFlow}, for text that is at hand. */
export function parseFlow(text: string, options: ParseOptions): Plan {
  const reader = openReader(options);
  const source = reader.parse(text, options.path, dirname(resolve(options.path)));
  if (source === undefined) throw reader.faults.toError();
  return compileFlow(source, reader);
}

/** As {@link parseFlow}, for a flow that is an object; its texts are taken as they are, without variables. */
export function parseFlowValue(value: unknown, options: ParseOptions): Plan {
  const reader = openReader(options);
  const source = valueSource(options.path, dirname(resolve(options.path)), value);
  refuseNonJson(value, [], source, reader.faults);
  if (!reader.faults.isEmpty) throw reader.faults.toError();
  // The plan is frozen; what the caller holds must not be.
  return compileFlow(source.withValue(structuredClone(value)), reader);
}

function openReader(options: LoadOptions): FlowReader {
  return new FlowReader({ env: options.env ?? process.env, context: options.context ?? {} });
}
