import { pathToFileURL } from 'node:url';
import { FlowError, isObject } from '../../core/index.ts';
import {
  type EndpointTable,
  type Executor,
  executorBrand,
  type ExecutorContext,
  type OptionsSchema,
} from '../../executors/sdk/index.ts';
import type { ExecutorData, SourceData } from '../wire/index.ts';

/** An executor's class as the worker uses it. */
export interface ExecutorType {
  new (options: unknown, context: ExecutorContext): Executor<unknown>;
  readonly name: string;
  readonly prototype: object;
  readonly options?: OptionsSchema<unknown>;
  readonly state?: 'none' | 'exclusive';
  readonly concurrency?: number;
  readonly endpoints?: EndpointTable;
  readonly [Symbol.metadata]?: unknown;
}

/**
 * Imports the module of an executor and picks its class.
 *
 * @throws `executor_load_failed` with the module's own error as cause, or naming the classes that are there.
 */
export async function loadExecutor(data: ExecutorData): Promise<ExecutorType> {
  const url = await resolveSource(data.source);
  const label = sourceLabel(data.source);
  if (url.endsWith('.ts') && !import.meta.url.endsWith('.ts')) {
    const { register } = await import('tsx/esm/api');
    register();
  }
  let module: unknown;
  try {
    module = await import(url);
  } catch (error) {
    throw FlowError.from(error, 'executor_load_failed', `${data.name}: cannot import ${label}`);
  }
  return pickClass(isObject(module) ? module : {}, data, label);
}

function pickClass(module: Record<string, unknown>, data: ExecutorData, label: string): ExecutorType {
  const classes = [...new Set(Object.values(module).filter(isExecutorType))];
  const names = classes.map((type) => type.name).join(', ') || 'none';
  if (data.className !== undefined) {
    const named = classes.find((type) => type.name === data.className) ?? module[data.className];
    if (isExecutorType(named)) return named;
    throw new FlowError(
      'executor_load_failed',
      `${data.name}: ${label} exports no executor class ${data.className}; it exports: ${names}`,
    );
  }
  const [first] = classes;
  if (first !== undefined && classes.length === 1) return first;
  throw new FlowError(
    'executor_load_failed',
    `${data.name}: expected one exported class that extends Executor in ${label}, got ${classes.length} (${names})`,
  );
}

function isExecutorType(value: unknown): value is ExecutorType {
  return typeof value === 'function' && executorBrand in value;
}

/** The options of `uses_with`, checked by the class's schema where it has one. */
export function parseOptions(type: ExecutorType, data: ExecutorData): unknown {
  if (type.options === undefined) return data.with;
  try {
    return type.options.parse(data.with);
  } catch (error) {
    throw new FlowError('executor_load_failed', `${data.name}: ${schemaMessage(error)}`, { cause: error });
  }
}

/** All issues of a schema error in one text; the error's message where it has none. */
function schemaMessage(error: unknown): string {
  if (isObject(error) && Array.isArray(error['issues'])) {
    const issues = error['issues'].filter(isObject).map((issue) => {
      const path = Array.isArray(issue['path']) ? issue['path'].join('.') : '';
      return `uses_with${path === '' ? '' : `.${path}`}: ${String(issue['message'])}`;
    });
    if (issues.length > 0) return issues.join('; ');
  }
  return `uses_with: ${error instanceof Error ? error.message : String(error)}`;
}

async function resolveSource(source: SourceData): Promise<string> {
  switch (source.kind) {
    case 'module':
      return pathToFileURL(source.path).href;
    case 'builtin': {
      const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
      const folder = source.name.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase();
      return new URL(`../../executors/${folder}/index.${extension}`, import.meta.url).href;
    }
    case 'package':
      return await resolvePackage(source.specifier, source.resolveFrom);
  }
}

/** A package's entry as an ES module would see it from `folder`. */
async function resolvePackage(specifier: string, folder: string): Promise<string> {
  const parent = pathToFileURL(`${folder}/flow.yml`).href;
  try {
    const { resolve } = await import('import-meta-resolve');
    return resolve(specifier, parent);
  } catch (error) {
    throw FlowError.from(error, 'executor_load_failed', `cannot find the package ${specifier} from the flow's folder`);
  }
}

function sourceLabel(source: SourceData): string {
  switch (source.kind) {
    case 'module':
      return source.path;
    case 'builtin':
      return `the built-in ${source.name}`;
    case 'package':
      return `the package ${source.specifier}`;
  }
}
