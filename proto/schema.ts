import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

/** The .proto files beside this one; the types of google.protobuf come with the library. */
const files = ['docarray.proto', 'jina.proto', 'reflection.proto'];
const libraryFiles = ['google/protobuf/struct.proto', 'google/protobuf/timestamp.proto', 'google/protobuf/empty.proto'];

function loadRoot(): protobuf.Root {
  const root = new protobuf.Root();
  for (const name of libraryFiles) {
    const definition = protobuf.common.get(name);
    if (definition?.nested) root.addJSON(definition.nested);
    nameFile(root, name);
  }
  for (const file of files) parseInto(root, file, readFileSync(new URL(file, import.meta.url), 'utf8'));
  // Newer clients ask the same under another name.
  const reflection = readFileSync(new URL('reflection.proto', import.meta.url), 'utf8');
  parseInto(root, 'reflection-v1.proto', reflection.replace('reflection.v1alpha;', 'reflection.v1;'));
  root.resolveAll();
  for (const type of typesIn(root)) {
    // A field that was not sent reads as missing, not as empty: members of a oneof could not be told apart otherwise.
    for (const field of type.fieldsArray) Reflect.deleteProperty(type.ctor.prototype, field.name);
  }
  return root;
}

function parseInto(root: protobuf.Root, file: string, text: string): void {
  // Names stay as they are written: the field's and the message's, as Python has them.
  protobuf.parse(text, root, { keepCase: true });
  nameFile(root, file);
}

/** Notes on each definition that is new in the root which file it comes from: those who ask for a file want it whole. */
function nameFile(namespace: protobuf.NamespaceBase, file: string): void {
  for (const object of namespace.nestedArray) {
    const isPackage = object instanceof protobuf.Namespace && !isDefinition(object);
    if (isPackage) nameFile(object, file);
    else object.filename ??= file;
  }
}

function isDefinition(object: protobuf.ReflectionObject): boolean {
  return object instanceof protobuf.Type || object instanceof protobuf.Service || object instanceof protobuf.Enum;
}

function typesIn(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((object) => {
    const inner = object instanceof protobuf.Namespace ? typesIn(object) : [];
    return object instanceof protobuf.Type ? [object, ...typesIn(object)] : inner;
  });
}

const root = loadRoot();

/** The type of a message by its full name, such as `jina.DataRequestProto`. */
export function messageType(name: string): protobuf.Type {
  return root.lookupType(name);
}

/** Every message, enumeration and service that is no part of another. */
export function definitions(namespace: protobuf.NamespaceBase = root): protobuf.ReflectionObject[] {
  return namespace.nestedArray.flatMap((object) => {
    if (isDefinition(object)) return [object];
    return object instanceof protobuf.Namespace ? definitions(object) : [];
  });
}
