/** The three ASCII digits of 0 to 999, one after another. */
const digits = Buffer.from(Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, '0')).join(''));

const [zero, comma, point, minus] = [48, 44, 46, 45];
/** Longest text of a number and its comma: a sign, `1.2345678901234567e-100`. */
const maxLength = 26;

let scratch = Buffer.alloc(4096 * maxLength);

/**
 * A JSON list of float32 numbers; null for those that JSON cannot write.
 *
 * Nine significant digits are enough to read a float32 back exactly, and are written several times faster than the
 * seventeen of the double it would otherwise be turned into; the answer gets shorter by 40 % too.
 */
export function float32ListText(values: Float32Array): string {
  if (scratch.length < values.length * maxLength + 2) scratch = Buffer.alloc(values.length * maxLength + 2);
  let end = 0;
  for (const value of values) end = write(value, end) + 1;
  return `[${scratch.toString('latin1', 0, Math.max(0, end - 1))}]`;
}

/** Writes a number and a comma; the position of the comma. */
function write(value: number, start: number): number {
  const size = Math.abs(value);
  let end = start;
  if (size >= 0.001 && size < 10) {
    if (value < 0) scratch[end++] = minus;
    end = writeFixed(size, end);
  } else if (value === 0) scratch[end++] = zero;
  else end += scratch.write(Number.isFinite(value) ? String(value) : 'null', end, 'latin1');
  scratch[end] = comma;
  return end;
}

function writeFixed(size: number, start: number): number {
  let end = start;
  let fraction: number;
  if (size >= 1) {
    const whole = Math.floor(size);
    scratch[end++] = zero + whole;
    // A ninth digit after the point does no harm and saves a case.
    fraction = Math.round((size - whole) * 1e9);
    if (fraction === 0) return end;
    if (fraction >= 1e9) return start + scratch.write(String(size), start, 'latin1');
    scratch[end++] = point;
  } else {
    scratch[end++] = zero;
    scratch[end++] = point;
    if (size >= 0.1) fraction = Math.round(size * 1e9);
    else {
      scratch[end++] = zero;
      if (size >= 0.01) fraction = Math.round(size * 1e10);
      else {
        scratch[end++] = zero;
        fraction = Math.round(size * 1e11);
      }
    }
  }
  const high = Math.floor(fraction / 1e6);
  const middle = Math.floor(fraction / 1e3) - high * 1e3;
  const low = fraction - high * 1e6 - middle * 1e3;
  end = writeThree(high, end);
  if (middle !== 0 || low !== 0) end = writeThree(middle, end);
  if (low !== 0) end = writeThree(low, end);
  while (scratch[end - 1] === zero) end--;
  return end;
}

function writeThree(value: number, start: number): number {
  const from = value * 3;
  scratch[start] = digits[from] ?? zero;
  scratch[start + 1] = digits[from + 1] ?? zero;
  scratch[start + 2] = digits[from + 2] ?? zero;
  return start + 3;
}
