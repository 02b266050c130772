import type { ExecutorPlan, ExecutorSource, Plan } from './plan.ts';

/** The graph of a flow, for people. */
export interface FlowDrawing {
  /** A tree for a terminal: each executor below the last one it needs. */
  readonly text: string;
  /** A Mermaid flowchart. */
  readonly mermaid: string;
}

/** Draws the gateway and the executors of a plan. */
export function describePlan(plan: Plan): FlowDrawing {
  return { text: drawTree(plan), mermaid: drawMermaid(plan) };
}

function drawTree(plan: Plan): string {
  const addresses = plan.gateway.listeners.map(
    ({ port, protocols }) => `${protocols.join(', ')} on ${plan.gateway.host}:${port === 0 ? 'any free port' : port}`,
  );
  const lines = [`${plan.name} · ${addresses.join(' · ')}`, 'gateway'];
  const position = new Map(plan.executors.map((executor, index) => [executor.name, index]));
  const byParent = new Map<string | undefined, ExecutorPlan[]>();
  for (const executor of plan.executors) {
    const parent = [...executor.needs].sort((a, b) => (position.get(b) ?? 0) - (position.get(a) ?? 0))[0];
    byParent.set(parent, [...(byParent.get(parent) ?? []), executor]);
  }
  const draw = (parent: string | undefined, indent: string) => {
    const children = byParent.get(parent) ?? [];
    children.forEach((executor, index) => {
      const isLastChild = index === children.length - 1;
      lines.push(`${indent}${isLastChild ? '└─ ' : '├─ '}${describeExecutor(executor, plan.last)}`);
      draw(executor.name, `${indent}${isLastChild ? '   ' : '│  '}`);
    });
  };
  draw(undefined, '');
  return `${lines.join('\n')}\n`;
}

function describeExecutor(executor: ExecutorPlan, last: string): string {
  const notes = [`${executor.name}  ${describeSource(executor)}`];
  if (executor.replicas > 1) notes.push(`${executor.replicas} replicas`);
  if (executor.devices.some((device) => device !== 'cpu')) notes.push(executor.devices.join(', '));
  if (executor.needs.length > 1) notes.push(`${executor.noReduce ? 'takes' : 'joins'} ${executor.needs.join(' and ')}`);
  if (executor.isFloating) notes.push('floating');
  if (executor.name === last) notes.push('answers');
  return notes.join(' · ');
}

/** What an executor runs: a built-in's name, or file and class. */
function describeSource({ source, className }: ExecutorPlan): string {
  const origin = nameOfSource(source);
  return className === undefined ? origin : `${className} (${origin})`;
}

function nameOfSource(source: ExecutorSource): string {
  switch (source.kind) {
    case 'builtin':
      return source.name;
    case 'package':
      return source.specifier;
    case 'module':
      return source.path.split(/[\\/]/).slice(-2).join('/');
  }
}

function drawMermaid(plan: Plan): string {
  const lines = ['flowchart LR', '  start([gateway])', '  finish([gateway])'];
  // Prefixed, because some words (end, style) mean something to Mermaid.
  const id = (name: string) => `e_${name}`;
  for (const executor of plan.executors) {
    const replicas = executor.replicas > 1 ? ` × ${executor.replicas}` : '';
    lines.push(
      `  ${id(executor.name)}["${escapeLabel(`${executor.name}<br/>${describeSource(executor)}${replicas}`)}"]`,
    );
  }
  for (const executor of plan.executors) {
    const arrow = executor.isFloating ? '-.->' : '-->';
    const from = executor.needs.length === 0 ? ['start'] : executor.needs.map(id);
    for (const node of from) lines.push(`  ${node} ${arrow} ${id(executor.name)}`);
  }
  lines.push(`  ${id(plan.last)} --> finish`);
  return `${lines.join('\n')}\n`;
}

function escapeLabel(label: string): string {
  return label.replaceAll('"', '#quot;');
}
