import { z } from 'zod';
import { isObject, type JsonObject } from '../core/index.ts';
import { flowSchema } from './schema-flow.ts';

/** A value that a variable stands for: the text is replaced before the value is checked. */
const variableText = { $ref: '#/$defs/variable' };

/**
 * JSON Schema (draft 2020-12) of flow files, for editors: keys, values and what each is for.
 *
 * It knows what a single file can show; that names exist, that files are there and that the graph has no circle is
 * checked when the flow is loaded.
 */
export function flowJsonSchema(): JsonObject {
  const schema = z.toJSONSchema(flowSchema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' });
  const { $schema, ...rest } = JSON.parse(JSON.stringify(schema)) as JsonObject;
  const body = allowVariables(rest) as JsonObject;
  const variable = {
    description: 'A variable: ${{ ENV.NAME }}, ${{ CONTEXT.name }}, ${{root.key}}, ${{this.key}} or $NAME.',
    type: 'string',
    pattern: '\\$(\\{\\{|[A-Za-z_])',
  };
  return {
    ...($schema === undefined ? {} : { $schema }),
    title: 'Sluice flow file',
    description: 'A flow of executors and its gateway.',
    ...body,
    $defs: { ...(isObject(body['$defs']) ? body['$defs'] : {}), variable },
  };
}

/** Lets every key take a variable, but for objects and for those that take any text already. */
function allowVariables(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(allowVariables);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      // The range of doubles says nothing to anybody.
      .filter(([key, item]) => !(key === 'maximum' && item === Number.MAX_SAFE_INTEGER))
      .map(([key, item]) => {
        if (key !== 'properties' || !isObject(item)) return [key, allowVariables(item)];
        const properties = Object.entries(item).map(([name, schema]) => [name, orVariable(allowVariables(schema))]);
        return [key, Object.fromEntries(properties)];
      }),
  );
}

function orVariable(schema: unknown): unknown {
  if (!isObject(schema) || isRefused(schema) || takesText(schema)) return schema;
  if (schema['type'] === 'object' || schema['$ref'] !== undefined) return schema;
  const { description, ...rest } = schema;
  const forms: unknown[] = Array.isArray(rest['anyOf']) ? rest['anyOf'] : [rest];
  return { ...(description === undefined ? {} : { description }), anyOf: [...forms, variableText] };
}

function isRefused({ description }: Record<string, unknown>): boolean {
  return typeof description === 'string' && description.startsWith('Not served yet');
}

function takesText(schema: Record<string, unknown>): boolean {
  if (Array.isArray(schema['anyOf'])) return schema['anyOf'].some((form) => isObject(form) && takesText(form));
  return schema['type'] === 'string' && !['pattern', 'enum', 'const'].some((key) => schema[key] !== undefined);
}
