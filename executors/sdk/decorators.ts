import type { Executor } from './executor.ts';
import type { DynamicBatchingOptions, EndpointOptions } from './endpoint.ts';
import { defaultEndpoint } from './endpoint.ts';

// Decorator metadata is younger than Node 20: without this line `context.metadata` is undefined.
(Symbol as { metadata?: symbol }).metadata ??= Symbol.for('Symbol.metadata');

/** Registrations live under a registered symbol, so that two copies of the package understand each other. */
const registrationsKey = Symbol.for('sluice.registrations');

/** What the decorators of one method said; merged when the class is read. */
export interface MethodRegistration {
  endpoints?: string[];
  options?: EndpointOptions;
  dynamicBatching?: DynamicBatchingOptions;
  /** Metric name of `@monitor`. */
  monitor?: string;
}

type Method = (this: Executor<never>, ...args: never[]) => unknown;
type MethodDecorator = (method: Method, context: ClassMethodDecoratorContext) => void;

/**
 * Binds a method to one or more endpoints; without a name to the default endpoint, which serves what no other binds.
 *
 * @example `@requests('/encode', { effect: 'read', cost: 'characters' })`
 */
export function requests(endpoints?: string | readonly string[], options: EndpointOptions = {}): MethodDecorator {
  const names = endpoints === undefined ? [defaultEndpoint] : [endpoints].flat();
  return register((registration) => {
    registration.endpoints = [...(registration.endpoints ?? []), ...names];
    registration.options = { ...registration.options, ...options };
  });
}

/** Joins the documents of different callers into one call of the method. */
export function dynamicBatching(options: DynamicBatchingOptions): MethodDecorator {
  return register((registration) => {
    registration.dynamicBatching = options;
  });
}

/** Times every call of the method in the histogram `sluice_executor_method_seconds{method}`; default: its own name. */
export function monitor(name?: string): MethodDecorator {
  return register((registration, method) => {
    registration.monitor = name ?? method;
  });
}

function register(change: (registration: MethodRegistration, method: string) => void): MethodDecorator {
  return (_method, context) => {
    const name = String(context.name);
    const own = ownRegistrations(context.metadata);
    // A method that is decorated again in a subclass starts afresh.
    const registration = (Object.hasOwn(own, name) ? own[name] : undefined) ?? {};
    change(registration, name);
    own[name] = registration;
  };
}

/** The registrations of one class, chained to its parent's by prototype. */
function ownRegistrations(metadata: DecoratorMetadataObject): Record<string, MethodRegistration> {
  if (!Object.hasOwn(metadata, registrationsKey)) {
    const inherited = metadata[registrationsKey] as Record<string, MethodRegistration> | undefined;
    metadata[registrationsKey] = Object.create(inherited ?? null);
  }
  return metadata[registrationsKey] as Record<string, MethodRegistration>;
}

/** All registrations of an executor class, method name first; a subclass's win over its parent's. */
export function readRegistrations(type: { [Symbol.metadata]?: unknown }): Record<string, MethodRegistration> {
  const metadata = type[Symbol.metadata] as DecoratorMetadataObject | null | undefined;
  const chain = metadata?.[registrationsKey] as Record<string, MethodRegistration> | undefined;
  const all: Record<string, MethodRegistration> = {};
  for (const name in chain) {
    const registration = chain[name];
    if (registration !== undefined) all[name] = registration;
  }
  return all;
}
