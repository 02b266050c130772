import type { FaultList } from './fault.ts';
import type { FlowPath, Source } from './source.ts';
import { suggestionText } from './suggestion.ts';

/** An executor as the graph sees it. */
export interface GraphItem {
  /** As written; a missing name becomes `executor<number>`. */
  readonly name: string | undefined;
  /** As written; missing: after the last one before it that is not floating. */
  readonly needs: readonly string[] | undefined;
  readonly isFloating: boolean;
  readonly source: Source;
  /** Paths for faults: of the item, and of its `needs`. */
  readonly path: FlowPath;
  readonly needsPath: FlowPath;
}

export interface GraphNode<Item extends GraphItem> {
  readonly name: string;
  /** Names of nodes; empty: the start. */
  readonly needs: readonly string[];
  readonly isFloating: boolean;
  readonly item: Item;
}

export interface Graph<Item extends GraphItem> {
  /** Each node after all it needs, otherwise in the order of the file. */
  readonly nodes: readonly GraphNode<Item>[];
  /** The node whose answer goes to the caller. */
  readonly last: string;
}

/** Name of the start and the end of every flow. */
const gateway = 'gateway';

/**
 * Names the nodes, connects them and puts them in order.
 *
 * Nodes that do not lead to the last one are floating, as in Jina: nobody could wait for them.
 *
 * @returns undefined, with faults, when the nodes are no graph that can run
 */
export function buildGraph<Item extends GraphItem>(items: readonly Item[], faults: FaultList): Graph<Item> | undefined {
  const nodes = nameNodes(items, faults).map((named, index, all) => connect(named, all.slice(0, index)));
  const before = faults.count;
  checkNeeds(nodes, faults);
  if (faults.count > before) return undefined;
  const ordered = sortNodes(nodes, faults);
  if (ordered === undefined) return undefined;
  const needed = new Set(nodes.filter((node) => !node.isFloating).flatMap((node) => node.needs));
  const last = nodes.findLast((node) => !node.isFloating && !needed.has(node.name))?.name;
  const [first] = items;
  if (last === undefined) {
    if (first !== undefined)
      faults.add(first.source, first.path, 'expected at least one executor that is not floating');
    return undefined;
  }
  const awaited = ancestorsOf(last, ordered);
  return { nodes: ordered.map((node) => ({ ...node, isFloating: !awaited.has(node.name) })), last };
}

interface NamedItem<Item> {
  readonly name: string;
  readonly item: Item;
}

/** A missing name is `executor<N>` with N nodes before it; a name that is taken gets that number behind it. */
function nameNodes<Item extends GraphItem>(items: readonly Item[], faults: FaultList): NamedItem<Item>[] {
  const taken = new Set<string>();
  return items.map((item, index) => {
    if (item.name === gateway) {
      faults.add(item.source, [...item.path, 'name'], 'name: gateway is the name of the gateway; expected another one');
    }
    let name = item.name ?? `executor${index}`;
    while (taken.has(name)) name += String(index);
    taken.add(name);
    return { name, item };
  });
}

function connect<Item extends GraphItem>(
  { name, item }: NamedItem<Item>,
  before: readonly NamedItem<Item>[],
): GraphNode<Item> {
  const previous = before.findLast((other) => !other.item.isFloating);
  const needs = item.needs ?? (previous === undefined ? [] : [previous.name]);
  const isStart = needs.length === 1 && needs[0] === gateway;
  return { name, needs: isStart ? [] : needs, isFloating: item.isFloating, item };
}

function checkNeeds<Item extends GraphItem>(nodes: readonly GraphNode<Item>[], faults: FaultList): void {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  for (const { name, needs, isFloating, item } of nodes) {
    needs.forEach((need, index) => {
      const other = byName.get(need);
      const fault = (message: string) => {
        faults.add(
          item.source,
          item.needs === undefined ? item.needsPath : [...item.needsPath, index],
          `needs: ${message}`,
        );
      };
      if (needs.indexOf(need) !== index) fault(`${need} is named twice`);
      else if (need === gateway) fault('gateway beside other names is not served yet; expected gateway alone');
      else if (other === undefined) {
        fault(`there is no executor "${need}"${suggestionText(need, [...byName.keys(), gateway])}`);
      } else if (other.isFloating && !isFloating) {
        fault(`${need} is floating, so nobody can wait for it; let ${name} be floating too, or ${need} not`);
      }
    });
  }
}

/** Each node after all it needs; undefined, with a fault for each circle, when that is impossible. */
function sortNodes<Item extends GraphItem>(
  nodes: readonly GraphNode<Item>[],
  faults: FaultList,
): GraphNode<Item>[] | undefined {
  const ordered: GraphNode<Item>[] = [];
  const done = new Set<string>();
  let open = [...nodes];
  for (;;) {
    const next = open.find((node) => node.needs.every((need) => done.has(need)));
    if (next === undefined) break;
    ordered.push(next);
    done.add(next.name);
    open = open.filter((node) => node !== next);
  }
  if (open.length === 0) return ordered;
  for (const circle of findCircles(open)) {
    const [first] = circle;
    if (first === undefined) continue;
    const names = [...circle, first].map((node) => node.name).join(' needs ');
    const implied = circle.filter((node) => node.item.needs === undefined).map((node) => node.name);
    const why = implied.length === 0 ? '' : ` (${implied.join(', ')} without needs: it comes after the one above it)`;
    faults.add(first.item.source, first.item.needsPath, `needs: the executors wait for each other: ${names}${why}`);
  }
  return undefined;
}

/** Separate circles among nodes of which each waits for another one. */
function findCircles<Item extends GraphItem>(nodes: readonly GraphNode<Item>[]): GraphNode<Item>[][] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const seen = new Set<string>();
  const circles: GraphNode<Item>[][] = [];
  for (const start of nodes) {
    const walk: GraphNode<Item>[] = [];
    let current: GraphNode<Item> | undefined = start;
    while (current !== undefined && !seen.has(current.name)) {
      seen.add(current.name);
      walk.push(current);
      current = current.needs.map((need) => byName.get(need)).find((node) => node !== undefined);
    }
    const begin = current === undefined ? -1 : walk.indexOf(current);
    if (begin >= 0) circles.push(walk.slice(begin));
  }
  return circles;
}

/** `last` and everything that must have answered before it. */
function ancestorsOf<Item extends GraphItem>(last: string, ordered: readonly GraphNode<Item>[]): Set<string> {
  const found = new Set([last]);
  for (const node of [...ordered].reverse()) {
    if (found.has(node.name)) for (const need of node.needs) found.add(need);
  }
  return found;
}
