import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { builtins, findBuiltin } from './builtins.ts';
import { type Checked, checkObject } from './check.ts';
import { FaultList } from './fault.ts';
import type { ExecutorSource } from './plan.ts';
import type { FlowReader } from './reader.ts';
import { executorFileSchema } from './schema-executor-file.ts';
import type { FlowPath, Source } from './source.ts';
import { suggestionText } from './suggestion.ts';

/** What an executor YAML file says, or `uses` in the same form. */
export type ExecutorFile = Checked<typeof executorFileSchema.shape>;

/** What `uses` and `py_modules` of an executor come to. */
export interface ResolvedUses {
  /** Undefined, with a fault, when it could not be found. */
  readonly origin: ExecutorOrigin | undefined;
  /** What the executor YAML says beside its class; empty for the other forms. */
  readonly file: ExecutorFile;
}

export interface ExecutorOrigin {
  readonly source: ExecutorSource;
  readonly className?: string;
}

/** Where an executor is written, and where its files are searched. */
export interface UsesPlace {
  readonly source: Source;
  /** Path of the executor's object. */
  readonly path: FlowPath;
  /** Absolute folders of `extra_search_paths`. */
  readonly searchPaths: readonly string[];
}

const refusedSchemes: Readonly<Record<string, string>> = {
  'docker:': 'an executor in a container',
  'jinaai:': 'an executor of the hub',
  'jinaai+docker:': 'an executor of the hub',
  'jinahub:': 'an executor of the hub',
  'jinahub+docker:': 'an executor of the hub',
  'jinahub+sandbox:': 'an executor of the hub',
  'http:': 'an executor YAML of another host',
  'https:': 'an executor YAML of another host',
};

/** Finds the class that an executor runs. Faults go to the reader's list. */
export function resolveUses(
  uses: string | ExecutorFile | undefined,
  modules: readonly string[] | undefined,
  place: UsesPlace,
  reader: FlowReader,
): ResolvedUses {
  const { source, path } = place;
  const at = [...path, 'uses'];
  if (uses === undefined || uses === '') {
    const origin =
      modules === undefined ? builtinOrigin('Echo') : moduleOrigin(modules, undefined, place, path, reader);
    return { origin, file: {} };
  }
  if (typeof uses === 'object') return fromFile(uses, modules, { ...place, path: at }, path, reader);
  const scheme = /^[a-z+]+:(?=\/\/)/.exec(uses)?.[0];
  if (scheme !== undefined) {
    const what = refusedSchemes[scheme] ?? 'an address';
    reader.faults.add(source, at, `uses ${uses} (${what}) is something of Jina's that Sluice does not serve yet`);
    return { origin: undefined, file: {} };
  }
  if (/^(?:!|\{|jtype:)|\n/.test(uses)) return fromInlineText(uses, modules, place, reader);
  if (/\.(?:yml|yaml|jaml)$/.test(uses)) {
    const opened = reader.open(uses, source, at, place.searchPaths);
    if (opened === undefined) return { origin: undefined, file: {} };
    const file = checkObject(executorFileSchema, opened, [], reader.faults);
    const inFile = { source: opened, path: [], searchPaths: place.searchPaths };
    if (modules === undefined) return fromFile(file, undefined, inFile, [], reader);
    return { origin: moduleOrigin(modules, file.jtype, place, path, reader), file };
  }
  return { origin: fromName(uses, modules, place, reader), file: {} };
}

/** @param modulesPath path of the object whose `py_modules` wins, if `modules` is given */
function fromFile(
  file: ExecutorFile,
  modules: readonly string[] | undefined,
  place: UsesPlace,
  modulesPath: FlowPath,
  reader: FlowReader,
): ResolvedUses {
  const { jtype } = file;
  if (modules !== undefined) return { origin: moduleOrigin(modules, jtype, place, modulesPath, reader), file };
  const own = file.py_modules ?? file.metas?.py_modules;
  if (own !== undefined) {
    const ownPath = file.py_modules === undefined ? [...place.path, 'metas'] : place.path;
    return { origin: moduleOrigin(own, jtype, place, ownPath, reader), file };
  }
  const builtin = jtype === undefined ? undefined : findBuiltin(jtype);
  if (builtin !== undefined) return { origin: builtinOrigin(builtin), file };
  const message =
    jtype === undefined
      ? 'expected jtype (a class name), py_modules (the file of the class), or both'
      : `jtype: ${jtype} does not ship with Sluice (${builtins.join(', ')} do), and py_modules names no file${suggestionText(jtype, builtins)}`;
  reader.faults.add(place.source, jtype === undefined ? place.path : [...place.path, 'jtype'], message);
  return { origin: undefined, file };
}

/** An executor YAML written as text; its faults have the place of the text. */
function fromInlineText(
  text: string,
  modules: readonly string[] | undefined,
  place: UsesPlace,
  reader: FlowReader,
): ResolvedUses {
  const at = [...place.path, 'uses'];
  const scratch = new FaultList();
  const inner = reader.parse(text, place.source.file, place.source.folder, scratch);
  const file = inner === undefined ? {} : checkObject(executorFileSchema, inner, [], scratch);
  for (const fault of scratch.all()) {
    reader.faults.add(place.source, at, `line ${fault.line} of the text: ${fault.message}`);
  }
  if (!scratch.isEmpty) return { origin: undefined, file };
  return fromFile(file, modules, { ...place, path: at }, place.path, reader);
}

function fromName(
  name: string,
  modules: readonly string[] | undefined,
  place: UsesPlace,
  reader: FlowReader,
): ExecutorOrigin | undefined {
  const at = [...place.path, 'uses'];
  const isFileName = modulePattern.test(name) || name.endsWith('.py');
  if (modules !== undefined) {
    if (!isFileName) return moduleOrigin(modules, name, place, place.path, reader);
    const message = 'py_modules says where the class named by uses is, but uses is a file itself; write one of them';
    reader.faults.add(place.source, [...place.path, 'py_modules'], message, 'key');
    return undefined;
  }
  if (isFileName) return fileOrigin(name, undefined, place, at, reader);
  const builtin = findBuiltin(name);
  if (builtin !== undefined) return builtinOrigin(builtin);
  const [, specifier = '', className] = /^((?:@[\w.~-]+\/)?[\w.~-]+(?:\/[\w./~-]+)?)(?:#(\w+))?$/.exec(name) ?? [];
  if (specifier !== '' && hasPackage(specifier, place.source.folder)) {
    const source = { kind: 'package', specifier, resolveFrom: place.source.folder } as const;
    return className === undefined ? { source } : { source, className };
  }
  const forms = `a .ts, .js, .mjs or .yml file, an installed npm package, or one of ${builtins.join(', ')}`;
  reader.faults.add(place.source, at, `uses: expected ${forms}, got "${name}"${suggestionText(name, builtins)}`);
  return undefined;
}

function builtinOrigin(name: string): ExecutorOrigin {
  return { source: { kind: 'builtin', name } };
}

/** `py_modules`: exactly one file. */
function moduleOrigin(
  modules: readonly string[],
  className: string | undefined,
  place: UsesPlace,
  owner: FlowPath,
  reader: FlowReader,
): ExecutorOrigin | undefined {
  const [first = '', ...others] = modules;
  const at = [...owner, 'py_modules'];
  if (others.length > 0) {
    const message = `py_modules: expected one file, which may import others, got ${modules.length}`;
    reader.faults.add(place.source, at, message);
    return undefined;
  }
  return fileOrigin(first, className, place, [...at, 0], reader);
}

const modulePattern = /^(.+\.(?:ts|js|mjs))(?:#(\w+))?$/;

function fileOrigin(
  name: string,
  className: string | undefined,
  place: UsesPlace,
  at: FlowPath,
  reader: FlowReader,
): ExecutorOrigin | undefined {
  const [, file, written] = modulePattern.exec(name) ?? [];
  if (file === undefined) {
    const what = name.endsWith('.py') || /^[\w.]+$/.test(name) ? 'a Python module' : 'something else';
    reader.faults.add(place.source, at, `expected a .ts, .js or .mjs file, got ${what}: ${name}`);
    return undefined;
  }
  const path = reader.find(file, place.source, at, place.searchPaths);
  if (path === undefined) return undefined;
  const found = written ?? className;
  const source = { kind: 'module', path } as const;
  return found === undefined ? { source } : { source, className: found };
}

/** Whether a package is installed where a file in `folder` finds it. */
function hasPackage(specifier: string, folder: string): boolean {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  for (let current = folder; ; current = dirname(current)) {
    const manifest = join(current, 'node_modules', name, 'package.json');
    if (statSync(manifest, { throwIfNoEntry: false }) !== undefined) return true;
    if (current === dirname(current)) return false;
  }
}
