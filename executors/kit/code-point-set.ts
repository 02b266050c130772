import { FlowError } from '../../core/index.ts';

const points = 0x110000;

/** A fixed set of Unicode code points: what a text means then does not hang on the platform's Unicode version. */
export class CodePointSet {
  private readonly bits = new Uint8Array(points / 8);

  /**
   * Reads ranges: numbers in base 36, in turn how far the next range begins behind the end of the one before and how
   * many code points it has, less one.
   *
   * @example `CodePointSet.parse('1t p 6 p')` has the Latin letters A to Z (65 to 90) and a to z (97 to 122).
   * @throws `model_unavailable` when the text is no such list.
   */
  static parse(ranges: string): CodePointSet {
    const set = new CodePointSet();
    const numbers = ranges.split(' ').map((digits) => Number.parseInt(digits, 36));
    let end = -1;
    for (let index = 0; index < numbers.length; index += 2) {
      const first = end + 1 + (numbers[index] ?? NaN);
      end = first + (numbers[index + 1] ?? NaN);
      if (!(first >= 0 && end < points)) {
        throw new FlowError(
          'model_unavailable',
          `expected ranges of code points in base 36, got ${ranges.slice(0, 40)}`,
        );
      }
      for (let point = first; point <= end; point++) set.add(point);
    }
    return set;
  }

  has(point: number): boolean {
    return ((this.bits[point >> 3] ?? 0) & (1 << (point & 7))) !== 0;
  }

  /** A text with a space in place of each character outside the set. */
  keep(text: string): string {
    for (const character of text) {
      if (this.has(character.codePointAt(0) ?? 0)) continue;
      return Array.from(text, (each) => (this.has(each.codePointAt(0) ?? 0) ? each : ' ')).join('');
    }
    return text;
  }

  private add(point: number): void {
    this.bits[point >> 3] = (this.bits[point >> 3] ?? 0) | (1 << (point & 7));
  }
}
