import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { definitions } from './schema.ts';

/** A .proto file as other programs read it. */
export interface DescribedFile {
  readonly name: string;
  /** Names of the files that it needs, all of which are described too. */
  readonly dependencies: readonly string[];
  /** Full names of what it defines: messages, enumerations, services, their methods. */
  readonly symbols: readonly string[];
  /** A google.protobuf.FileDescriptorProto. */
  readonly bytes: Uint8Array;
}

/** Numbers of google.protobuf.FieldDescriptorProto.Type for what this library calls them. */
const scalarTypes: Readonly<Record<string, number>> = {
  ...{ double: 1, float: 2, int64: 3, uint64: 4, int32: 5, fixed64: 6, fixed32: 7, bool: 8, string: 9, bytes: 12 },
  ...{ uint32: 13, sfixed32: 15, sfixed64: 16, sint32: 17, sint64: 18 },
};
const [messageKind, enumKind] = [11, 14];
const [optional, repeated] = [1, 3];

/**
 * Every file of the schema. The library's own descriptors lack imports, presence and the names that map entries must
 * have, so that Python's protobuf refuses them.
 */
export function describeFiles(): DescribedFile[] {
  const byFile = new Map<string, protobuf.ReflectionObject[]>();
  for (const object of definitions()) {
    const name = object.filename ?? '';
    byFile.set(name, [...(byFile.get(name) ?? []), object]);
  }
  return [...byFile].map(([name, objects]) => describeFile(name, objects));
}

function describeFile(name: string, objects: readonly protobuf.ReflectionObject[]): DescribedFile {
  const used = new Set(objects.flatMap((object) => referencesOf(object)).map(({ filename }) => filename ?? name));
  used.delete(name);
  const dependencies = [...used].sort();
  const file = descriptor.FileDescriptorProto.create({
    name,
    package: fullName(objects[0]?.parent),
    dependency: dependencies,
    messageType: objects.filter((object) => object instanceof protobuf.Type).map(describeType),
    enumType: objects.filter((object) => object instanceof protobuf.Enum).map(describeEnum),
    service: objects.filter((object) => object instanceof protobuf.Service).map(describeService),
    syntax: 'proto3',
  });
  const bytes = descriptor.FileDescriptorProto.encode(file).finish();
  return { name, dependencies, symbols: objects.flatMap(symbolsOf), bytes };
}

/** What fields and methods name, as the definition in whose file it is. */
function referencesOf(object: protobuf.ReflectionObject): protobuf.ReflectionObject[] {
  if (object instanceof protobuf.Service) {
    return object.methodsArray.flatMap(({ resolvedRequestType, resolvedResponseType }) =>
      [resolvedRequestType, resolvedResponseType].flatMap((type) => (type === null ? [] : [outermost(type)])),
    );
  }
  if (!(object instanceof protobuf.Type)) return [];
  const named = object.fieldsArray.flatMap(({ resolvedType }) =>
    resolvedType === null ? [] : [outermost(resolvedType)],
  );
  return [...named, ...object.nestedArray.flatMap(referencesOf)];
}

function outermost(object: protobuf.ReflectionObject): protobuf.ReflectionObject {
  return object.parent instanceof protobuf.Type ? outermost(object.parent) : object;
}

function symbolsOf(object: protobuf.ReflectionObject): string[] {
  const own = [fullName(object)];
  if (object instanceof protobuf.Service) return [...own, ...object.methodsArray.map(fullName)];
  return object instanceof protobuf.Type ? [...own, ...object.nestedArray.flatMap(symbolsOf)] : own;
}

function fullName(object: protobuf.ReflectionObject | null | undefined): string {
  return object?.fullName.slice(1) ?? '';
}

function describeType(type: protobuf.Type): object {
  const maps = type.fieldsArray.filter((field) => field instanceof protobuf.MapField);
  // Those that only stand for `optional` come last.
  const oneofs = type.oneofsArray.toSorted((a, b) => Number(isPresence(a)) - Number(isPresence(b)));
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => describeField(field, oneofs)),
    nestedType: [
      ...type.nestedArray.filter((object) => object instanceof protobuf.Type).map(describeType),
      ...maps.map(describeEntry),
    ],
    enumType: type.nestedArray.filter((object) => object instanceof protobuf.Enum).map(describeEnum),
    oneofDecl: oneofs.map(({ name }) => ({ name })),
  };
}

function isPresence({ fieldsArray }: protobuf.OneOf): boolean {
  return fieldsArray.length === 1 && fieldsArray[0]?.options?.['proto3_optional'] === true;
}

function describeField(field: protobuf.Field, oneofs: readonly protobuf.OneOf[]): object {
  const oneof = field.partOf;
  const type = field instanceof protobuf.MapField ? entryType(field) : typeOf(field);
  return {
    ...{ name: writtenName(field), number: field.id, ...type },
    label: field.repeated || field.map ? repeated : optional,
    ...(oneof !== null && { oneofIndex: oneofs.indexOf(oneof) }),
    ...(oneof !== null && isPresence(oneof) && { proto3Optional: true }),
  };
}

/** The library's own files have their names as JSON has them. */
function writtenName({ name, fullName }: protobuf.Field): string {
  if (!fullName.startsWith('.google.protobuf.')) return name;
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function typeOf({ resolvedType, type }: protobuf.FieldBase): object {
  if (resolvedType === null) return { type: scalarTypes[type] };
  return { type: resolvedType instanceof protobuf.Enum ? enumKind : messageKind, typeName: resolvedType.fullName };
}

function entryType(field: protobuf.MapField): object {
  return { type: messageKind, typeName: `${field.parent?.fullName ?? ''}.${entryName(field)}` };
}

function describeEntry(field: protobuf.MapField): object {
  const part = (name: string, number: number, type: object): object => ({ name, number, label: optional, ...type });
  return {
    name: entryName(field),
    field: [part('key', 1, { type: scalarTypes[field.keyType] }), part('value', 2, typeOf(field))],
    options: { mapEntry: true },
  };
}

/** The name that every compiler gives to the entries of a map. */
function entryName({ name }: protobuf.MapField): string {
  return `_${name}`.replace(/_+(.?)/g, (_match, letter: string) => letter.toUpperCase()).concat('Entry');
}

function describeEnum({ name, values }: protobuf.Enum): object {
  return { name, value: Object.entries(values).map(([value, number]) => ({ name: value, number })) };
}

function describeService({ name, methodsArray }: protobuf.Service): object {
  const method = methodsArray.map((one) => ({
    name: one.name,
    inputType: one.resolvedRequestType?.fullName,
    outputType: one.resolvedResponseType?.fullName,
    clientStreaming: one.requestStream === true,
    serverStreaming: one.responseStream === true,
  }));
  return { name, method };
}
