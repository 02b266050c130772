import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { isObject } from '../../../core/index.ts';
import { messageType } from '../../../proto/index.ts';

const health = protobuf.parse(
  `syntax = "proto3"; package grpc.health.v1;
  message HealthCheckResponse { enum Status { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; } Status status = 1; }`,
).root;

/** A message in the words of its .proto, with structs and times as JSON has them. */
export function readMessage(typeName: string, bytes: Uint8Array): unknown {
  const type = typeName.startsWith('grpc.health') ? health.lookupType(typeName) : messageType(typeName);
  const message = type.decode(bytes);
  return plain(type.toObject(message, { enums: String, longs: Number, bytes: String }), type);
}

/** Whether our definition of a message knows every field of these bytes. */
export function knowsEveryField(typeName: string, bytes: Uint8Array): boolean {
  const type = typeName.startsWith('grpc.health') ? health.lookupType(typeName) : messageType(typeName);
  return type.encode(type.decode(bytes)).finish().length === bytes.length;
}

function plain(value: unknown, type: protobuf.Type | null): unknown {
  if (type?.name === 'FileDescriptorResponse' && isObject(value)) return describedFiles(value['file_descriptor_proto']);
  if (Array.isArray(value)) return value.map((item) => plain(item, type));
  if (!isObject(value) || type === null) return value;
  if (type.fullName === '.google.protobuf.Struct') return structJson(value);
  if (type.fullName === '.google.protobuf.Timestamp') return timeText(value);
  const entries = Object.entries(value).map(([name, item]) => {
    const field = type.fields[name];
    const inner = field?.resolvedType instanceof protobuf.Type ? field.resolvedType : null;
    if (!field?.map || !isObject(item)) return [name, plain(item, inner)];
    return [name, Object.fromEntries(Object.entries(item).map(([key, one]) => [key, plain(one, inner)]))];
  });
  return Object.fromEntries(entries) as unknown;
}

function structJson({ fields }: Record<string, unknown>): unknown {
  return Object.fromEntries(
    Object.entries(isObject(fields) ? fields : {})
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, value]) => [key, valueJson(value)]),
  );
}

function valueJson(value: unknown): unknown {
  if (!isObject(value)) return null;
  const { structValue, listValue } = value;
  if (isObject(structValue)) return structJson(structValue);
  if (isObject(listValue)) return (Array.isArray(listValue['values']) ? listValue['values'] : []).map(valueJson);
  return value['stringValue'] ?? value['numberValue'] ?? value['boolValue'] ?? null;
}

function timeText({ seconds = 0, nanos = 0 }: Record<string, unknown>): string {
  const second = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${second}.${String(Math.floor(Number(nanos) / 1000)).padStart(6, '0')}Z`;
}

/** What files define, by the file's name: each field of a message, each method of a service. */
function describedFiles(files: unknown): unknown {
  const texts = Array.isArray(files) ? files.map((file) => Buffer.from(String(file), 'base64')) : [];
  return Object.fromEntries(
    texts.map((bytes) => {
      const file = descriptor.FileDescriptorProto.decode(bytes) as descriptor.IFileDescriptorProto;
      const services = (file.service ?? []).map(({ name = '', method = [] }) => [name, byName(method)]);
      const messages = Object.fromEntries((file.messageType ?? []).map(describedMessage)) as object;
      return [file.name ?? '', { syntax: file.syntax, messages, services: Object.fromEntries(services) as object }];
    }),
  );
}

function describedMessage({ name = '', field = [], nestedType = [] }: descriptor.IDescriptorProto): [string, object] {
  return [name, { ...byName(field), ...Object.fromEntries(nestedType.map(describedMessage)) }];
}

/** Items by name; how JSON would call a field says nothing, and false is what is not said. */
function byName(items: readonly object[]): object {
  return Object.fromEntries(
    items.map((item): [string, object] => {
      const entries: [string, unknown][] = Object.entries(item);
      const said = entries.filter(([key, one]) => key !== 'jsonName' && key !== 'options' && one !== false);
      const { name, ...rest } = Object.fromEntries(said) as Record<string, unknown>;
      return [String(name), rest];
    }),
  );
}
