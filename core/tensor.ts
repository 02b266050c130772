import { FlowError } from './flow-error.ts';
import { describeValue, type Json } from './json.ts';

const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

/** Element type of a tensor. `float16` holds IEEE 754 half-precision bits in a Uint16Array, `bool` holds 0 or 1. */
export type Dtype = keyof typeof arrayTypes;

export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

export const dtypes = Object.keys(arrayTypes) as readonly Dtype[];

export function isDtype(text: string): text is Dtype {
  return Object.hasOwn(arrayTypes, text);
}

/** Bytes of one element. */
export function elementBytes(dtype: Dtype): number {
  return arrayTypes[dtype].BYTES_PER_ELEMENT;
}

/** Nested lists of numbers, as JSON carries tensors; null stands for a number that JSON cannot write. */
export type NestedNumbers = number | boolean | null | NestedNumbers[];

/** Numbers in C order with a shape; `data.length` is the product of `shape`. */
export class Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: NumberArray;

  /** @throws `invalid_argument` when the number of elements or the array's type does not fit. */
  constructor(dtype: Dtype, shape: readonly number[], data: NumberArray) {
    if (!(data instanceof arrayTypes[dtype])) {
      throw new FlowError(
        'invalid_argument',
        `a ${dtype} tensor needs a ${arrayTypes[dtype].name}, got a ${data.constructor.name}`,
      );
    }
    if (data.length !== elementCount(shape)) {
      throw new FlowError(
        'invalid_argument',
        `a tensor of shape [${shape.join(', ')}] has ${elementCount(shape)} elements, got ${data.length}`,
      );
    }
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  /** A float32 vector of shape [values.length]. */
  static vector(values: ArrayLike<number>): Tensor {
    return new Tensor('float32', [values.length], Float32Array.from(values));
  }

  /** A tensor over raw little-endian bytes; shares the memory where its alignment allows, copies otherwise. */
  static fromBytes(dtype: Dtype, shape: readonly number[], bytes: Uint8Array): Tensor {
    const count = elementCount(shape);
    const size = elementBytes(dtype);
    if (bytes.byteLength !== count * size) {
      throw new FlowError(
        'invalid_argument',
        `a ${dtype} tensor of shape [${shape.join(', ')}] has ${count * size} bytes, got ${bytes.byteLength}`,
      );
    }
    // Not slice(): that of a Buffer shares its memory.
    const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
    const ArrayType = arrayTypes[dtype];
    return new Tensor(dtype, shape, new ArrayType(aligned.buffer as ArrayBuffer, aligned.byteOffset, count));
  }

  /** Views of equal shape stacked to [n, ...shape]; no copy when they lie one after another in one buffer. */
  static stack(rows: readonly Tensor[]): Tensor {
    const [first] = rows;
    if (first === undefined) throw new FlowError('invalid_argument', 'cannot stack zero tensors: the shape is unknown');
    let offset = first.data.byteOffset;
    let contiguous = true;
    for (const row of rows) {
      if (row.dtype !== first.dtype || !sameShape(row.shape, first.shape)) {
        throw new FlowError(
          'invalid_argument',
          `cannot stack a ${row.dtype} [${row.shape.join(', ')}] on a ${first.dtype} [${first.shape.join(', ')}]`,
        );
      }
      contiguous &&= row.data.buffer === first.data.buffer && row.data.byteOffset === offset;
      offset += row.data.byteLength;
    }
    const shape = [rows.length, ...first.shape];
    const total = first.data.byteLength * rows.length;
    if (contiguous) {
      return Tensor.fromBytes(first.dtype, shape, new Uint8Array(first.data.buffer, first.data.byteOffset, total));
    }
    const bytes = new Uint8Array(total);
    rows.forEach((row, index) => {
      bytes.set(row.bytes, index * first.data.byteLength);
    });
    return Tensor.fromBytes(first.dtype, shape, bytes);
  }

  /** From nested lists; every list of one depth must have the same length. Default dtype float32. */
  static fromNested(nested: NestedNumbers, dtype: Dtype = 'float32'): Tensor {
    const shape: number[] = [];
    for (let level: NestedNumbers | undefined = nested; Array.isArray(level); level = level[0])
      shape.push(level.length);
    const data = new arrayTypes[dtype](elementCount(shape));
    let position = 0;
    const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array;
    const fill = (value: unknown, depth: number): void => {
      const length = shape[depth];
      if (length === undefined) {
        const element = value === null ? NaN : typeof value === 'boolean' ? Number(value) : value;
        if (typeof element !== 'number') {
          throw new FlowError('invalid_argument', `expected a number in a tensor, got ${describeValue(value)}`);
        }
        if (isBig) data[position++] = BigInt(element);
        else data[position++] = element;
        return;
      }
      if (!Array.isArray(value) || value.length !== length) {
        throw new FlowError(
          'invalid_argument',
          `expected a list of ${length} at depth ${depth} of a tensor, got ${describeValue(value)}`,
        );
      }
      for (const item of value) fill(item, depth + 1);
    };
    fill(nested, 0);
    return new Tensor(dtype, shape, data);
  }

  /** The bytes behind the tensor, shared. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.data.buffer, this.data.byteOffset, this.data.byteLength);
  }

  /** Row `index` of the first dimension, sharing memory. */
  row(index: number): Tensor {
    const [count, ...shape] = this.shape;
    if (count === undefined || index < 0 || index >= count) {
      throw new FlowError('invalid_argument', `no row ${index} in a tensor of shape [${this.shape.join(', ')}]`);
    }
    const length = elementCount(shape);
    return new Tensor(this.dtype, shape, this.data.subarray(index * length, (index + 1) * length));
  }

  /** Nested lists; numbers that JSON cannot write (NaN, infinities) become null. */
  toNested(): Json {
    const numbers = this.numbers();
    let position = 0;
    const build = (depth: number): Json => {
      const length = this.shape[depth];
      if (length === undefined) {
        const value = numbers[position++] ?? 0;
        return Number.isFinite(value) ? value : null;
      }
      const list: Json[] = new Array<Json>(length);
      for (let index = 0; index < length; index++) list[index] = build(depth + 1);
      return list;
    };
    return build(0);
  }

  /** The elements as float32: the memory of the tensor where that is its dtype, a copy otherwise. */
  toFloat32(): Float32Array {
    return this.data instanceof Float32Array ? this.data : Float32Array.from(this.numbers());
  }

  /** The elements as ordinary numbers: half floats decoded, 64-bit integers rounded to the nearest double. */
  private numbers(): ArrayLike<number> {
    if (this.dtype === 'float16') return Array.from(this.data as Uint16Array, halfToNumber);
    if (this.data instanceof BigInt64Array || this.data instanceof BigUint64Array) return Array.from(this.data, Number);
    return this.data;
  }
}

/** The product of the dimensions; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, index) => size === b[index]);
}

/** IEEE 754 binary16 bits to a number. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
