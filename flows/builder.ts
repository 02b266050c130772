import type { z } from 'zod';
import { isObject } from '../core/index.ts';
import { type ParseOptions, parseFlowValue } from './load.ts';
import type { Plan } from './plan.ts';
import type { executorSchema } from './schema-executor.ts';
import type { batchingSchema, executorFileSchema } from './schema-executor-file.ts';
import type { exposedEndpointSchema } from './schema-exposed.ts';
import type { withSchema } from './schema-flow.ts';
import type { gatewaySchema } from './schema-gateway.ts';
import { escapeVariables } from './variables.ts';
import { writeYaml } from './yaml-source.ts';

type CamelCase<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Key;

/** The keys of a YAML section in camel case; those that are not served are left out. */
type OptionsOf<S extends z.ZodObject> = {
  readonly [Key in keyof z.input<S> & string as unknown extends z.input<S>[Key] ? never : CamelCase<Key>]?:
    z.input<S>[Key] | undefined;
};

/** `dynamic_batching` of an endpoint or method. */
export type BatchingOptions = OptionsOf<typeof batchingSchema>;

type ByEndpoint<Options> = Readonly<Record<string, Options>>;

interface Exposing {
  /** HTTP paths of their own for endpoints. */
  readonly exposeEndpoints?: ByEndpoint<OptionsOf<typeof exposedEndpointSchema>> | undefined;
}

interface Batching {
  /** Batching by endpoint or method name; wins over what the executor's class says. */
  readonly usesDynamicBatching?: ByEndpoint<BatchingOptions> | undefined;
}

/** `with` of a flow file; see docs/reference/flow-yaml.md. */
export type FlowOptions = Omit<OptionsOf<typeof withSchema>, 'exposeEndpoints' | 'usesDynamicBatching'> &
  Exposing &
  Batching;

/** `gateway` of a flow file. */
export type GatewayOptions = Omit<OptionsOf<typeof gatewaySchema>, 'exposeEndpoints'> & Exposing;

/** An executor YAML written in code. */
export type ExecutorFileOptions = Omit<OptionsOf<typeof executorFileSchema>, 'dynamicBatching'> & {
  readonly dynamicBatching?: ByEndpoint<BatchingOptions> | undefined;
};

/** An item of `executors`. */
export type AddOptions = Omit<OptionsOf<typeof executorSchema>, 'uses' | 'usesDynamicBatching'> &
  Batching & {
    /** A file, one that ships with Sluice, an npm package, or an executor YAML in code; default Echo. */
    readonly uses?: string | ExecutorFileOptions | undefined;
  };

/** Where a flow that is built in code would be, if it were a file. */
export interface FlowPlace extends Omit<ParseOptions, 'path'> {
  /** Relative paths start in its folder; default `flow.yml` in the current folder. */
  readonly path?: string;
}

interface Sections {
  readonly with: object;
  readonly gateway: object;
  readonly executors: readonly object[];
}

/**
 * A flow in code: the keys of a flow file in camel case, the same checks, the same plan.
 *
 * Each method gives a new flow; the one it is called on stays as it is. Texts are taken as they are: variables
 * belong to files.
 */
export class Flow {
  private readonly sections: Sections;
  private readonly place: FlowPlace;

  private constructor(sections: Sections, place: FlowPlace) {
    this.sections = sections;
    this.place = place;
  }

  static create(options: FlowOptions = {}, place: FlowPlace = {}): Flow {
    return new Flow({ with: options, gateway: {}, executors: [] }, place);
  }

  /** Appends an executor; without `needs` it comes after the one before. */
  add(executor: AddOptions): Flow {
    return this.change({ executors: [...this.sections.executors, executor] });
  }

  /** Settings of the gateway; they win over those of `create`, and later ones over earlier ones. */
  gateway(options: GatewayOptions): Flow {
    return this.change({ gateway: { ...this.sections.gateway, ...options } });
  }

  /** @throws `invalid_flow` with every fault */
  plan(): Plan {
    return parseFlowValue(this.toValue(), { ...this.place, path: this.place.path ?? 'flow.yml' });
  }

  /** A flow file that gives the same plan, if it is put where the flow says that it would be. */
  toYaml(): string {
    return writeYaml(escapeTexts(this.toValue()));
  }

  private change(sections: Partial<Sections>): Flow {
    return new Flow({ ...this.sections, ...sections }, this.place);
  }

  private toValue(): Record<string, unknown> {
    const { with: shared, gateway, executors } = this.sections;
    const sections = { with: toKeys(shared), gateway: toKeys(gateway) };
    const written = Object.entries(sections).filter(([, section]) => Object.keys(section).length > 0);
    return { jtype: 'Flow', version: '1', ...Object.fromEntries(written), executors: executors.map(toKeys) };
  }
}

/** Keys whose values are objects with keys of ours, by endpoint or method. */
const keyedByEndpoint: readonly string[] = ['dynamic_batching', 'uses_dynamic_batching', 'expose_endpoints'];

/** Camel case to the keys of the YAML; keys of the user's own choice stay as they are. */
function toKeys(options: object): Record<string, unknown> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]: [string, unknown]) => {
      const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      if (key === 'uses' && isObject(value)) return [key, toKeys(value)];
      if (!keyedByEndpoint.includes(key) || !isObject(value)) return [key, value];
      const byEndpoint = Object.entries(value).map(([endpoint, item]) => [
        endpoint,
        isObject(item) ? toKeys(item) : item,
      ]);
      return [key, Object.fromEntries(byEndpoint)];
    }),
  );
}

function escapeTexts(value: unknown): unknown {
  if (typeof value === 'string') return escapeVariables(value);
  if (Array.isArray(value)) return value.map(escapeTexts);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escapeTexts(item)]));
}
