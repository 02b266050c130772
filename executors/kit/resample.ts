/** Bytes of a picture, red, green and blue in turn, row after row. */
export interface RawPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

interface Filter {
  /** Half the width of the filter at full size, in pixels. */
  readonly support: number;
  weight(distance: number): number;
}

/** Filters by name; those of Pillow, which CLIP's reference uses. */
export const filters = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
  lanczos: { support: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const satisfies Record<string, Filter>;

export type FilterName = keyof typeof filters;

const channels = 3;
/** Bits behind the point of the weights; Pillow's number, so that rounding is the same. */
const precision = 22;

/**
 * Another size of a picture, byte for byte as Pillow gives it: the filter grows with the factor by which the picture
 * shrinks, first across, then down, rounded to bytes in between.
 */
export function resample(picture: RawPicture, width: number, height: number, filter: FilterName): RawPicture {
  const across = picture.width === width ? picture : resampleRows(picture, width, filters[filter]);
  return across.height === height ? across : resampleColumns(across, height, filters[filter]);
}

/** For each place of the result: which places of the source count, and how much (fixed point). */
interface Weights {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** `stride` weights for each place. */
  readonly values: Int32Array;
  readonly stride: number;
}

function weightsOf(from: number, to: number, filter: Filter): Weights {
  const scale = from / to;
  const spread = Math.max(1, scale);
  const support = filter.support * spread;
  const stride = Math.ceil(support) * 2 + 1;
  const [starts, counts, values] = [new Int32Array(to), new Int32Array(to), new Int32Array(to * stride)];
  for (let place = 0; place < to; place++) {
    const center = (place + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - start;
    const exact = Array.from({ length: count }, (_item, index) =>
      filter.weight((index + start - center + 0.5) * (1 / spread)),
    );
    const sum = exact.reduce((total, weight) => total + weight, 0);
    starts[place] = start;
    counts[place] = count;
    exact.forEach((weight, index) => {
      const fixed = (sum === 0 ? weight : weight / sum) * (1 << precision);
      values[place * stride + index] = Math.trunc(fixed + (fixed < 0 ? -0.5 : 0.5));
    });
  }
  return { starts, counts, values, stride };
}

function resampleRows({ data, width, height }: RawPicture, target: number, filter: Filter): RawPicture {
  const { starts, counts, values, stride } = weightsOf(width, target, filter);
  const result = new Uint8ClampedArray(target * height * channels);
  for (let place = 0; place < target; place++) {
    const [start = 0, count = 0] = [starts[place], counts[place]];
    for (let row = 0; row < height; row++) {
      let [red, green, blue] = [half, half, half];
      let from = (row * width + start) * channels;
      for (let index = 0; index < count; index++) {
        const weight = values[place * stride + index] ?? 0;
        red = (red + (data[from] ?? 0) * weight) | 0;
        green = (green + (data[from + 1] ?? 0) * weight) | 0;
        blue = (blue + (data[from + 2] ?? 0) * weight) | 0;
        from += channels;
      }
      const to = (row * target + place) * channels;
      result[to] = red >> precision;
      result[to + 1] = green >> precision;
      result[to + 2] = blue >> precision;
    }
  }
  return { data: new Uint8Array(result.buffer), width: target, height };
}

function resampleColumns({ data, width, height }: RawPicture, target: number, filter: Filter): RawPicture {
  const { starts, counts, values, stride } = weightsOf(height, target, filter);
  const line = width * channels;
  const result = new Uint8ClampedArray(target * line);
  const sums = new Int32Array(line);
  for (let place = 0; place < target; place++) {
    const [start = 0, count = 0] = [starts[place], counts[place]];
    sums.fill(half);
    for (let index = 0; index < count; index++) {
      const weight = values[place * stride + index] ?? 0;
      const from = (start + index) * line;
      for (let column = 0; column < line; column++) {
        sums[column] = (sums[column] ?? 0) + (data[from + column] ?? 0) * weight;
      }
    }
    const to = place * line;
    for (let column = 0; column < line; column++) result[to + column] = (sums[column] ?? 0) >> precision;
  }
  return { data: new Uint8Array(result.buffer), width, height: target };
}

const half = 1 << (precision - 1);

/** Catmull and Rom's cubic. */
function cubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}
