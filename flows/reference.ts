import { z } from 'zod';
import { isObject } from '../core/index.ts';
import { deploymentSchema, executorSchema, queueSchema } from './schema-executor.ts';
import { batchingSchema, executorFileSchema, metasSchema } from './schema-executor-file.ts';
import { exposedEndpointSchema } from './schema-exposed.ts';
import { flowSchema, withSchema } from './schema-flow.ts';
import { gatewaySchema } from './schema-gateway.ts';
import { type KeyFacts, keyFacts } from './schema-key.ts';

/** One key of a section of flow files. */
export interface KeyReference extends KeyFacts {
  readonly key: string;
  /** The forms its value may take, in words; for a key that is not served, the values that pass. */
  readonly value: string;
  readonly description: string;
}

/** One section of flow files, such as `gateway`. */
export interface SectionReference {
  readonly title: string;
  readonly description: string;
  readonly keys: readonly KeyReference[];
}

const sections: readonly (readonly [title: string, description: string, schema: z.ZodObject])[] = [
  ['Flow', 'A flow file.', flowSchema],
  ['with', 'Arguments of the flow and of its gateway, and what is handed down to every executor.', withSchema],
  ['gateway', 'Where and how the gateway serves the flow; its keys win over those of `with`.', gatewaySchema],
  ['executors', 'An item of `executors`; its keys win over those that `with` hands down.', executorSchema],
  ['queue', 'Bounds of what waits for an executor.', queueSchema],
  ['expose_endpoints', 'One entry, by the name of the endpoint.', exposedEndpointSchema],
  [
    'dynamic_batching',
    'One entry of `dynamic_batching` or `uses_dynamic_batching`, by endpoint or method.',
    batchingSchema,
  ],
  ['Executor YAML', 'A file that `uses` names, or `uses` itself as an object.', executorFileSchema],
  ['metas', 'Of an executor YAML.', metasSchema],
  ['Deployment YAML', 'A file that `executors` names, or an item of it with `jtype: Deployment`.', deploymentSchema],
];

/** Every key of flow files and of the files that they name, from the schemas alone. */
export function flowReference(): SectionReference[] {
  return sections.map(([title, description, schema]) => ({
    title,
    description,
    keys: Object.entries(schema.shape).map(([key, keySchema]) => describeKey(key, keySchema as z.ZodType)),
  }));
}

function describeKey(key: string, schema: z.ZodType): KeyReference {
  const json: Record<string, unknown> = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const facts = keyFacts.get(schema) ?? { origin: 'jina', isServed: true };
  const value = schema instanceof z.ZodOptional ? valueWords(json) : `${valueWords(json)}, always`;
  return { key, ...facts, value, description: typeof json['description'] === 'string' ? json['description'] : '' };
}

/** A JSON Schema in words: `whole number from 1 or duration`. */
function valueWords(schema: Record<string, unknown>): string {
  const { anyOf, $ref, title, type, items, enum: values } = schema;
  if (Array.isArray(anyOf)) return [...new Set(anyOf.filter(isObject).map(valueWords))].join(' or ');
  if (typeof $ref === 'string') return ($ref.split('/').at(-1) ?? '').replaceAll('_', ' ');
  if ('const' in schema) return `\`${String(schema['const'])}\``;
  if (typeof title === 'string') return title;
  if (Array.isArray(values)) return values.map((value) => `\`${String(value)}\``).join(', ');
  switch (type) {
    case 'array':
      return schema['maxItems'] === 0 ? '`[]`' : `list of ${isObject(items) ? valueWords(items) : 'values'}`;
    case 'boolean':
      return 'true or false';
    case 'integer':
      return 'whole number';
    case 'null':
      return 'none';
    case 'string':
      return 'text';
    default:
      return typeof type === 'string' ? type : 'any value';
  }
}
