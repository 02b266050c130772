import { type Dtype, elementBytes, elementCount, FlowError, Tensor } from '../core/index.ts';
import type { DenseMessage, NdArrayMessage } from './messages.ts';

/** numpy's array-protocol name of each dtype, as Python writes it. https://numpy.org/doc/stable/reference/arrays.interface.html */
const protocolNames: Readonly<Record<Dtype, string>> = {
  float32: '<f4',
  float64: '<f8',
  float16: '<f2',
  int8: '|i1',
  int16: '<i2',
  int32: '<i4',
  int64: '<i8',
  uint8: '|u1',
  uint16: '<u2',
  uint32: '<u4',
  uint64: '<u8',
  bool: '|b1',
};

/** Every name of a dtype that is read: `<f4`, `=f4`, `f4` and `float32` are one. */
const dtypeOf: ReadonlyMap<string, Dtype> = new Map(
  (Object.entries(protocolNames) as [Dtype, string][]).flatMap(([dtype, name]) => {
    const short = name.slice(1);
    return [dtype, short, `<${short}`, `=${short}`, `|${short}`].map((text) => [text, dtype] as const);
  }),
);
const bigEndian = /^>([a-z]\d)$/;

export function tensorToMessage(tensor: Tensor): NdArrayMessage {
  const dense = { buffer: tensor.bytes, shape: [...tensor.shape], dtype: protocolNames[tensor.dtype] };
  return { dense, cls_name: 'numpy' };
}

/**
 * @param field its name, for the error
 * @throws `invalid_argument` for a sparse array, an unknown dtype, or bytes that do not fit the shape
 */
export function tensorFromMessage(message: NdArrayMessage, field: string): Tensor | undefined {
  if (message.sparse) {
    throw new FlowError('invalid_argument', `expected a dense array in ${field}, got a sparse one: convert it first`);
  }
  const { dense } = message;
  return dense ? denseTensor(dense, field) : undefined;
}

function denseTensor({ buffer = new Uint8Array(), shape = [], dtype: name = '' }: DenseMessage, field: string): Tensor {
  const swapped = bigEndian.exec(name)?.[1];
  const dtype = dtypeOf.get(swapped ?? name);
  if (dtype === undefined) {
    const known = Object.values(protocolNames).join(', ');
    throw new FlowError('invalid_argument', `expected a dtype of ${known} in ${field}, got ${JSON.stringify(name)}`);
  }
  const expectedBytes = elementCount(shape) * elementBytes(dtype);
  if (buffer.length !== expectedBytes) {
    const given = `${name} [${shape.join(', ')}]`;
    throw new FlowError('invalid_argument', `${given} in ${field} has ${expectedBytes} bytes, got ${buffer.length}`);
  }
  return Tensor.fromBytes(dtype, shape, swapped === undefined ? buffer : reversed(buffer, elementBytes(dtype)));
}

/** The same elements in this machine's byte order. */
function reversed(bytes: Uint8Array, size: number): Uint8Array {
  const swapped = bytes.slice();
  for (let start = 0; start < swapped.length; start += size) swapped.subarray(start, start + size).reverse();
  return swapped;
}
