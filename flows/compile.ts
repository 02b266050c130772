import { basename, extname, join } from 'node:path';
import { describeValue, FlowError, isObject } from '../core/index.ts';
import { readAlias } from './alias.ts';
import { checkObject, valueAt } from './check.ts';
import { type ExecutorItem, readExecutorItem } from './executor-item.ts';
import { planExecutor } from './executor-plan.ts';
import { planGateway } from './gateway-plan.ts';
import { buildGraph, type GraphItem } from './graph.ts';
import type { Plan } from './plan.ts';
import type { FlowReader } from './reader.ts';
import { flowSchema, withSchema } from './schema-flow.ts';
import { gatewaySchema } from './schema-gateway.ts';
import type { FlowPath, Source } from './source.ts';

/**
 * Makes the plan of a flow whose variables are in place.
 *
 * @throws `invalid_flow` with all faults of the flow file and of the files that it names
 */
export function compileFlow(source: Source, reader: FlowReader): Plan {
  const { faults } = reader;
  if (!isObject(source.value)) {
    faults.add(source, [], `expected a flow: an object with jtype: Flow, got ${describeValue(source.value)}`);
    throw faults.toError();
  }
  checkObject(flowSchema, source, [], faults, ['with', 'gateway', 'executors', 'deployments']);
  if ((source.value['jtype'] ?? null) === null) faults.add(source, [], 'expected jtype: Flow, got no jtype');
  const shared = checkObject(withSchema, source, ['with'], faults);
  const gateway = checkObject(gatewaySchema, source, ['gateway'], faults);
  const name = shared.name ?? nameOfFile(source.file);
  const gatewayPlan = planGateway(name, { with: shared, gateway }, source, reader);
  const defaults = {
    source,
    handedDown: shared,
    timeoutSend: gateway.timeout_send ?? shared.timeout_send,
    workspace: join('.sluice', name),
  };
  const items = executorPaths(source, source.value, reader).map((path) => {
    const item = readExecutorItem(source, path, reader);
    return { ...graphItem(item, reader), planned: planExecutor(item, defaults, reader) };
  });
  const graph = buildGraph(items, faults);
  if (!faults.isEmpty) throw faults.toError();
  if (graph === undefined) throw new FlowError('internal', 'a flow has no graph and no fault; this is a bug');
  const executors = graph.nodes.map(({ name: node, needs, isFloating, item }) => {
    if (item.planned === undefined) throw new FlowError('internal', `${node} has no plan and no fault; this is a bug`);
    return { name: node, ...item.planned, needs, isFloating };
  });
  return deepFreeze({ name, gateway: gatewayPlan, executors, last: graph.last });
}

/** Paths of the items of `executors`, also called `deployments`. */
function executorPaths(source: Source, root: Readonly<Record<string, unknown>>, reader: FlowReader): FlowPath[] {
  const { faults } = reader;
  readAlias(root, ['executors', 'deployments'], source, [], faults);
  const key = (root['executors'] ?? null) === null ? 'deployments' : 'executors';
  const list = root[key] ?? [];
  if (!Array.isArray(list)) {
    faults.add(source, [key], `${key}: expected a list of executors, got ${describeValue(list)}`);
    return [];
  }
  if (list.length === 0) {
    faults.add(source, root[key] === undefined ? [] : [key], 'executors: expected at least one executor');
  }
  return list.map((_, index) => [key, index]);
}

function graphItem(item: ExecutorItem, reader: FlowReader): GraphItem {
  const { checked, source, path } = item;
  // A name that is no identifier is a fault already; others may refer to it all the same.
  const written = valueAt(source.value, [...path, 'name']);
  const isJoin = checked.method === 'needs';
  if (isJoin && item.needs === undefined) {
    reader.faults.add(source, [...path, 'method'], 'method: needs expects needs, a list of names');
  }
  return {
    name: typeof written === 'string' ? written : isJoin ? 'joiner' : undefined,
    needs: item.needs,
    isFloating: checked.floating ?? false,
    source,
    path,
    needsPath: item.needsPath,
  };
}

/** The name of a flow that has none: its file's, with nothing in it that a folder's name should not have. */
function nameOfFile(file: string): string {
  return (
    basename(file, extname(file))
      .replace(/[^\p{L}\p{N}_.-]/gu, '_')
      .replace(/^[.-]+/, '') || 'flow'
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return value;
}
