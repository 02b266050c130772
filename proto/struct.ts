import { FlowError, type Json, type JsonObject } from '../core/index.ts';
import type { StructMessage, ValueMessage } from './messages.ts';

/** Values nested deeper than this are refused: nobody means them, and they cost the stack. */
const maxDepth = 64;

/** google.protobuf.Struct of a JSON object; numbers are doubles there. */
export function structFromJson(json: JsonObject): StructMessage {
  return { fields: mapEntries(json, valueFromJson) };
}

/** @throws `invalid_argument` when it is nested too deep. */
export function structToJson(struct: StructMessage | null | undefined, depth = 0): JsonObject {
  return mapEntries(struct?.fields ?? {}, (value) => valueToJson(value, depth + 1));
}

function valueFromJson(value: Json): ValueMessage {
  if (value === null) return { nullValue: 0 };
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { listValue: { values: value.map(valueFromJson) } };
  return { structValue: structFromJson(value) };
}

function valueToJson(value: ValueMessage | null, depth: number): Json {
  if (value === null) return null;
  if (depth > maxDepth) {
    throw new FlowError('invalid_argument', `expected parameters and tags nested at most ${maxDepth} deep`);
  }
  if (value.listValue) return (value.listValue.values ?? []).map((item) => valueToJson(item, depth + 1));
  if (value.structValue) return structToJson(value.structValue, depth);
  return value.stringValue ?? value.numberValue ?? value.boolValue ?? null;
}

/** An ordinary object, whatever its keys are called. */
function mapEntries<From, To>(record: Record<string, From>, convert: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value)]));
}
