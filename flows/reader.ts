import { readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { FlowError } from '../core/index.ts';
import { FaultList } from './fault.ts';
import type { FlowPath, Source } from './source.ts';
import { substituteVariables, type VariableValues } from './variables.ts';
import { readYaml } from './yaml-source.ts';

/** Reads a flow file and the files that it names; their faults come together in one list. */
export class FlowReader {
  readonly faults = new FaultList();
  private readonly values: VariableValues;

  constructor(values: VariableValues) {
    this.values = values;
  }

  /** YAML text with its variables in place; undefined when it is not readable at all. */
  parse(text: string, file: string, folder: string, faults = this.faults): Source | undefined {
    const source = readYaml(text, file, folder, faults);
    if (source === undefined) return undefined;
    const { value, faults: unresolved } = substituteVariables(source.value, this.values);
    for (const { path, variable, message } of unresolved) {
      faults.addAt(source, source.locateText(path, variable), message, path);
      faults.settle(source, path);
    }
    return source.withValue(value);
  }

  /** A YAML file that `source` names at `path`; undefined, with a fault, when it is not there or not readable. */
  open(name: string, source: Source, path: FlowPath, searchPaths: readonly string[] = []): Source | undefined {
    const file = this.find(name, source, path, searchPaths);
    if (file === undefined) return undefined;
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      this.faults.add(source, path, FlowError.from(error, 'invalid_flow', `cannot read ${name}`).message);
      return undefined;
    }
    return this.parse(text, displayName(source, file), dirname(file));
  }

  /**
   * Absolute path of a file that `source` names at `path`; undefined, with a fault, when it is not there.
   *
   * @param searchPaths absolute folders to search after the folder of `source`
   */
  find(name: string, source: Source, path: FlowPath, searchPaths: readonly string[] = []): string | undefined {
    const found = [source.folder, ...searchPaths].map((folder) => resolve(folder, name)).find(isFile);
    if (found === undefined) this.faults.add(source, path, `there is no file ${name}`);
    return found;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** How people see a file that another one names: beside the name that they gave to that one. */
function displayName(source: Source, file: string): string {
  return join(dirname(source.file), relative(source.folder, file));
}
