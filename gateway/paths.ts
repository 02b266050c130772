import type { Runtime } from '../runtime/index.ts';
import { defaultEndpoint, type FlowEndpoint } from './endpoints.ts';

export type GatewayPlan = Runtime['plan']['gateway'];

export type EmbeddingsPlan = NonNullable<GatewayPlan['embeddings']>;

export const pages = {
  root: '/',
  dryRun: '/dry_run',
  status: '/status',
  live: '/health/live',
  ready: '/health/ready',
  metrics: '/metrics',
  models: '/v1/models',
  openapi: '/openapi.json',
  docs: '/docs',
  redoc: '/redoc',
  search: '/ui',
  dashboard: '/dashboard',
  liveView: '/live.json',
} as const;

export type Page = keyof typeof pages;

/** Left out by `no_debug_endpoints`. */
const debugPages: ReadonlySet<Page> = new Set(['dryRun', 'status', 'dashboard', 'liveView']);

/** What a path and a method lead to. */
export type Target =
  | { readonly type: 'page'; readonly page: Page }
  /** The body names the endpoint. */
  | { readonly type: 'post' }
  | { readonly type: 'endpoint'; readonly endpoint: string }
  /** The endpoint in OpenAI's form. */
  | { readonly type: 'embeddings'; readonly endpoint: string; readonly plan: EmbeddingsPlan }
  | { readonly type: 'stream'; readonly endpoint: string };

export type Tag = 'Debug' | 'CRUD' | 'Customized';

/** One path of the gateway. */
export interface PathEntry {
  readonly path: string;
  /** HTTP method to what it does. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
}

export type PathTable = ReadonlyMap<string, PathEntry>;

const crud = [
  ['/index', 'POST'],
  ['/search', 'POST'],
  ['/delete', 'DELETE'],
  ['/update', 'PUT'],
] as const;

const summaries: Readonly<Record<Page, string>> = {
  root: 'Whether the gateway answers at all',
  dryRun: 'Whether every executor of the flow is ready, in the form that Jina clients ask for',
  status: 'Versions and platform',
  live: 'Liveness: 200 while the gateway runs',
  ready: 'Readiness: 200 while every executor is ready, else 503 and which one is not',
  metrics: 'Metrics in the Prometheus text format',
  models: "The models that /v1/embeddings serves, in OpenAI's form",
  openapi: 'This document',
  docs: 'This document as a page to read and try',
  redoc: 'Leads to /docs',
  search: 'A page to search with, by text or picture',
  dashboard: 'The flow as a graph with live numbers, and its slowest requests',
  liveView: 'What the dashboard shows, as JSON',
};

/**
 * Every path that is served, by path; the gateway's own pages win over endpoints of the same name and method.
 *
 * Endpoints without CRUD or `expose_endpoints` get `POST /<endpoint>`; streaming ones GET and POST.
 */
export function buildPaths(plan: GatewayPlan, endpoints: ReadonlyMap<string, FlowEndpoint>): PathTable {
  const table = pagePaths(plan);
  if (plan.embeddings !== undefined) {
    const { endpoint } = plan.embeddings;
    add(table, {
      path: '/v1/embeddings',
      targets: only('POST', { type: 'embeddings', endpoint, plan: plan.embeddings }),
      tags: ['OpenAI'],
      summary: `Gives texts their embeddings, in OpenAI's form (${endpoint})`,
    });
  }
  if (plan.hasDebugEndpoints) {
    const summary = 'Sends documents to the endpoint that the body names';
    add(table, { path: '/post', targets: only('POST', { type: 'post' }), tags: ['Debug'], summary });
  }
  for (const exposed of plan.exposed) addExposed(table, exposed, endpoints);
  if (plan.hasCrudEndpoints) {
    for (const [path, method] of crud) {
      const target = endpointTarget(path, endpoints);
      add(table, { path, targets: only(method, target), tags: ['CRUD'], summary: `Sends documents to ${path}` });
    }
  }
  for (const endpoint of endpoints.values()) addEndpoint(table, endpoint);
  return table;
}

/** The paths of the gateway's own pages alone. */
export function pagePaths(plan: GatewayPlan): Map<string, PathEntry> {
  const table = new Map<string, PathEntry>();
  for (const page of Object.keys(pages) as Page[]) {
    if (isHidden(page, plan)) continue;
    add(table, {
      path: pages[page],
      targets: only('GET', { type: 'page', page }),
      tags: tagsOf(page),
      summary: summaries[page],
    });
  }
  return table;
}

/** Paths for the OpenAPI document: the default endpoint is served but not listed, clients would send it everything. */
export function isListed(entry: PathEntry): boolean {
  return entry.path !== defaultEndpoint;
}

function tagsOf(page: Page): readonly string[] {
  if (page === 'models') return ['OpenAI'];
  return debugPages.has(page) ? ['Debug'] : [];
}

function isHidden(page: Page, plan: GatewayPlan): boolean {
  if (debugPages.has(page)) return !plan.hasDebugEndpoints;
  if (page === 'models') return plan.embeddings === undefined;
  return (page === 'metrics' && !plan.metrics) || (page === 'search' && !plan.searchPage);
}

function addExposed(
  table: Map<string, PathEntry>,
  exposed: GatewayPlan['exposed'][number],
  endpoints: ReadonlyMap<string, FlowEndpoint>,
): void {
  const target = endpointTarget(exposed.endpoint, endpoints);
  add(table, {
    path: exposed.path,
    targets: new Map(exposed.methods.map((method) => [method.toUpperCase(), target])),
    tags: exposed.tags ?? ['Customized'],
    summary: exposed.summary ?? `Sends documents to ${exposed.endpoint}`,
    ...(exposed.description === undefined ? {} : { description: exposed.description }),
  });
}

function addEndpoint(table: Map<string, PathEntry>, endpoint: FlowEndpoint): void {
  const { name, isStreaming, executors } = endpoint;
  const target = endpointTarget(name, new Map([[name, endpoint]]));
  const targets = only('POST', target);
  // CRUD and exposed paths keep the methods they were given.
  if (table.get(name)?.tags.some((tag) => tag === 'CRUD' || tag === 'Customized') === true) return;
  if (isStreaming) targets.set('GET', target);
  const summary = isStreaming ? `Streams documents from ${name}` : `Sends documents to ${name}`;
  add(table, { path: name, targets, tags: ['Customized'], summary: `${summary} (${executors.join(', ')})` });
}

function endpointTarget(endpoint: string, endpoints: ReadonlyMap<string, FlowEndpoint>): Target {
  return { type: endpoints.get(endpoint)?.isStreaming === true ? 'stream' : 'endpoint', endpoint };
}

function only(method: string, target: Target): Map<string, Target> {
  return new Map([[method, target]]);
}

/** What is in the table already wins, method by method. */
function add(table: Map<string, PathEntry>, entry: PathEntry): void {
  const known = table.get(entry.path);
  if (known === undefined) table.set(entry.path, entry);
  else table.set(entry.path, { ...known, targets: new Map([...entry.targets, ...known.targets]) });
}
