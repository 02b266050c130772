import { isObject } from '../core/index.ts';
import { type Checked, checkObject, valueAt } from './check.ts';
import type { FlowReader } from './reader.ts';
import { deploymentSchema, executorSchema } from './schema-executor.ts';
import type { FlowPath, Source } from './source.ts';

/** One item of `executors`, whatever form it is written in. */
export interface ExecutorItem {
  readonly checked: Checked<typeof executorSchema.shape>;
  /** Where it is written: the flow file or a Deployment file. */
  readonly source: Source;
  readonly path: FlowPath;
  readonly needs: readonly string[] | undefined;
  readonly needsPath: FlowPath;
}

/** Reads one item of `executors`: an object, an object with `jtype: Deployment`, or the path of a Deployment file. */
export function readExecutorItem(source: Source, path: FlowPath, reader: FlowReader): ExecutorItem {
  const value = valueAt(source.value, path);
  if (typeof value === 'string') {
    const file = reader.open(value, source, path);
    return file === undefined ? plainItem({}, source, path) : readDeployment(file, [], reader);
  }
  if (isObject(value) && value['jtype'] === 'Deployment') return readDeployment(source, path, reader);
  if (value === null || !isObject(value)) {
    const name = `executors[${String(path.at(-1))}]`;
    reader.faults.add(source, path, `${name}: expected an object, or the path of a Deployment YAML file`);
    return plainItem({}, source, path);
  }
  return plainItem(checkObject(executorSchema, source, path, reader.faults), source, path);
}

function plainItem(checked: ExecutorItem['checked'], source: Source, path: FlowPath): ExecutorItem {
  const needsPath = checked.needs === undefined ? path : [...path, 'needs'];
  return { checked, source, path, needs: checked.needs, needsPath };
}

function readDeployment(source: Source, path: FlowPath, reader: FlowReader): ExecutorItem {
  const deployment = checkObject(deploymentSchema, source, path, reader.faults, ['with']);
  const inner = [...path, 'with'];
  if (!isObject(valueAt(source.value, path)) || deployment.jtype === undefined) {
    reader.faults.add(source, path, 'expected an object with jtype: Deployment');
  } else if (!isObject(valueAt(source.value, inner))) {
    reader.faults.add(source, path, 'expected with: an object with the keys of the executor');
  }
  const item = plainItem(checkObject(executorSchema, source, inner, reader.faults), source, inner);
  if (deployment.needs === undefined) return item;
  return { ...item, needs: deployment.needs, needsPath: [...path, 'needs'] };
}
