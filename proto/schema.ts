import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

/** The .proto files beside this one; the types of google.protobuf come with the library. */
const files = ['docarray.proto', 'jina.proto'];

function loadRoot(): protobuf.Root {
  const root = new protobuf.Root();
  for (const name of ['struct', 'timestamp', 'empty']) {
    const definition = protobuf.common.get(`google/protobuf/${name}.proto`);
    if (definition?.nested) root.addJSON(definition.nested);
  }
  for (const file of files) {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    // Names stay as they are written: the field's and the message's, as Python has them.
    protobuf.parse(text, root, { keepCase: true });
  }
  root.resolveAll();
  for (const type of typesIn(root)) {
    // A field that was not sent reads as missing, not as empty: members of a oneof could not be told apart otherwise.
    for (const field of type.fieldsArray) Reflect.deleteProperty(type.ctor.prototype, field.name);
  }
  return root;
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
