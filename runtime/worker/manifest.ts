import { FlowError } from '../../core/index.ts';
import { type EndpointSettings, readRegistrations } from '../../executors/sdk/index.ts';
import type { BatchingData, EndpointManifest, ExecutorData, Manifest } from '../wire/index.ts';
import type { ExecutorType } from './load.ts';

/** Rows of a batch when nobody says: Jina's default. */
const defaultBatchSize = 4;

/** What the host calls for one endpoint. */
export interface EndpointBinding {
  readonly manifest: EndpointManifest;
  readonly method: string;
  readonly pre: string | undefined;
  readonly post: string | undefined;
}

/** A class with the flow file's changes applied. */
export interface Bindings {
  readonly manifest: Manifest;
  readonly endpoints: ReadonlyMap<string, EndpointBinding>;
  /** Method name to the name of its `@monitor`. */
  readonly monitors: ReadonlyMap<string, string>;
}

/**
 * Reads decorators and the static table of a class, and lays `requests` and `dynamic_batching` of the flow file over them.
 *
 * @throws `invalid_executor` naming the class, the endpoint and what is wrong.
 */
export function readBindings(type: ExecutorType, data: ExecutorData): Bindings {
  const registrations = readRegistrations(type);
  const settings = new Map<string, EndpointSettings>();
  const monitors = new Map<string, string>();
  for (const [method, { endpoints = [], options = {}, dynamicBatching, monitor }] of Object.entries(registrations)) {
    for (const name of endpoints) {
      settings.set(
        name,
        dynamicBatching === undefined ? { ...options, method } : { ...options, method, dynamicBatching },
      );
    }
    if (monitor === undefined) continue;
    if (isGenerator(methodOf(type, method))) {
      throw new FlowError('invalid_executor', `${type.name}: @monitor cannot time ${method}, which yields`);
    }
    monitors.set(method, monitor);
  }
  for (const [name, entry] of Object.entries(type.endpoints ?? {})) settings.set(name, entry);
  rebind(settings, data.requests);
  if (settings.size === 0) {
    throw new FlowError('invalid_executor', `${type.name} binds no endpoint: decorate a method with @requests`);
  }
  const endpoints = new Map<string, EndpointBinding>();
  for (const [name, entry] of settings) endpoints.set(name, bind(type, name, entry, data));
  const state = type.state ?? 'none';
  if (state === 'exclusive' && data.replicas > 1) {
    throw new FlowError(
      'invalid_executor',
      `${data.name}: ${type.name} owns its state (state: exclusive) and cannot have ${data.replicas} replicas: a read would miss the others' writes`,
    );
  }
  const concurrency = data.concurrency ?? type.concurrency ?? 1;
  const manifest: Manifest = {
    className: type.name,
    state,
    concurrency,
    endpoints: [...endpoints.values()].map(({ manifest: entry }) => entry),
  };
  return { manifest, endpoints, monitors };
}

/** `requests` of the flow file: replaces a method's own bindings. */
function rebind(settings: Map<string, EndpointSettings>, requests: Readonly<Record<string, string>>): void {
  const byMethod = new Map([...settings.values()].map((entry) => [entry.method, entry]));
  const methods = new Set(Object.values(requests));
  for (const [name, entry] of settings) if (methods.has(entry.method)) settings.delete(name);
  for (const [name, method] of Object.entries(requests)) settings.set(name, byMethod.get(method) ?? { method });
}

function bind(type: ExecutorType, name: string, settings: EndpointSettings, data: ExecutorData): EndpointBinding {
  const { method, pre, post } = settings;
  for (const hook of [method, pre, post]) {
    if (hook !== undefined && typeof methodOf(type, hook) !== 'function') {
      throw new FlowError('invalid_executor', `${type.name} binds ${name} to ${hook}, which is no method of it`);
    }
  }
  if (!name.startsWith('/')) {
    throw new FlowError(
      'invalid_executor',
      `${type.name}: an endpoint begins with a slash, got ${JSON.stringify(name)}`,
    );
  }
  const isStreaming = isGenerator(methodOf(type, method));
  const batching = batchingOf(name, settings, data);
  const changesCount = settings.changesCount ?? false;
  if (batching !== undefined && (isStreaming || changesCount)) {
    const why = isStreaming ? 'yields documents one after another' : 'changes the number of documents';
    throw new FlowError('invalid_executor', `${type.name}: ${name} ${why} and cannot be batched`);
  }
  const manifest: EndpointManifest = {
    name,
    method,
    effect: settings.effect ?? 'write',
    cost: settings.cost ?? 'items',
    perRequest: settings.perRequest ?? [],
    hasPre: pre !== undefined,
    changesCount,
    isStreaming,
    ...(batching === undefined ? {} : { dynamicBatching: batching }),
  };
  return { manifest, method, pre, post };
}

/** The decorator's settings under the method's, under the endpoint's of the flow file. */
function batchingOf(name: string, settings: EndpointSettings, data: ExecutorData): BatchingData | undefined {
  const byMethod = data.dynamicBatching[settings.method];
  const byEndpoint = data.dynamicBatching[name];
  if (settings.dynamicBatching === undefined && byMethod === undefined && byEndpoint === undefined) return undefined;
  const merged = { ...settings.dynamicBatching, ...byMethod, ...byEndpoint };
  if (merged.useDynamicBatching === false) return undefined;
  const { preferredBatchSize = defaultBatchSize, timeoutMs = 0, flushAll = false } = merged;
  if (!Number.isInteger(preferredBatchSize) || preferredBatchSize < 1 || !(timeoutMs >= 0)) {
    throw new FlowError(
      'invalid_executor',
      `${data.name}: dynamic batching of ${name} needs a preferred size of at least 1 and a timeout of at least 0 ms, got ${preferredBatchSize} and ${timeoutMs}`,
    );
  }
  return { preferredBatchSize, timeoutMs, flushAll };
}

function methodOf(type: ExecutorType, name: string): unknown {
  return (type.prototype as Record<string, unknown>)[name];
}

function isGenerator(method: unknown): boolean {
  return typeof method === 'function' && method.constructor.name.endsWith('GeneratorFunction');
}
