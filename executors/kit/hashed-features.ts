import { z } from 'zod';
import { FlowError } from '../../core/index.ts';
import { CodePointSet } from './code-point-set.ts';
import type { ModelFolder } from './model-folder.ts';

/** The file that a model with hashed features has in place of a tokenizer. */
export const hashedFeaturesFile = 'features.json';

const parameters = z.object({
  /** Ids are 1 to `buckets - 1`; 0 is padding. */
  buckets: z.int().min(2),
  /** Most ids of a text. */
  maxIds: z.int().min(1),
  /** Lengths of the pieces of a word. */
  latinGrams: z.array(z.int().min(1)),
  /** Longest run of Han characters whose triples count too. */
  hanTrigramMaxRun: z.int().min(0),
  normalization: z.enum(['NFC', 'NFD', 'NFKC', 'NFKD']),
  /** Code points that the features know, see {@link CodePointSet.parse}; default all. Others part words. */
  assigned: z.string().optional(),
});

export type HashingParameters = z.infer<typeof parameters>;

const han = '\\u3400-\\u4dbf\\u4e00-\\u9fff';
/** Runs of Han characters, and runs of other letters and numbers: words. */
const runs = new RegExp(`[${han}]+|(?:(?![${han}])[\\p{L}\\p{N}])+`, 'gu');
// Whether text needs no normalisation: ASCII is as it is in all forms.
const asciiOnly = /^[\0-\x7f]*$/;

const fnvStart = 0x811c9dc5;
const fnvPrime = 0x01000193;
const wordMark = hashAscii(fnvStart, 'w:');
const gramMark = hashAscii(fnvStart, 'g:');
const pairMark = hashAscii(fnvStart, 'b:');
const hanMark = hashAscii(fnvStart, 'h:');
const [space, less, greater] = [0x20, 0x3c, 0x3e];

/**
 * Texts to ids without a vocabulary: words, their pieces and pairs of neighbours, Han characters with their neighbours,
 * each hashed into a bucket.
 *
 * `training/mini/features.py` defines the same ids, bit for bit: what changes here changes there, and needs a model
 * that was trained with it.
 */
export class HashedFeatures {
  readonly maxLength: number;
  readonly vocabularySize: number;
  readonly padId = 0;
  private readonly parameters: HashingParameters;
  private readonly known: CodePointSet | undefined;
  private readonly run = new Utf8Run();
  private ids: Int32Array;
  private count = 0;

  constructor(settings: HashingParameters, maxLength = settings.maxIds) {
    this.parameters = settings;
    this.maxLength = Math.min(maxLength, settings.maxIds);
    this.vocabularySize = settings.buckets;
    this.known = settings.assigned === undefined ? undefined : CodePointSet.parse(settings.assigned);
    this.ids = new Int32Array(this.maxLength);
  }

  /** @throws `model_unavailable` when `features.json` of the model is none; `invalid_argument` as loadTextCoder. */
  static load(folder: ModelFolder, maxLength?: number): HashedFeatures {
    const parsed = parameters.safeParse(folder.json(hashedFeaturesFile));
    if (!parsed.success) {
      throw new FlowError(
        'model_unavailable',
        `${hashedFeaturesFile} of ${folder.name} holds no hashing parameters: ${z.prettifyError(parsed.error)}`,
      );
    }
    if (maxLength !== undefined && maxLength > parsed.data.maxIds) {
      throw new FlowError(
        'invalid_argument',
        `${folder.name} takes at most ${parsed.data.maxIds} ids, got max_length ${maxLength}`,
      );
    }
    return new HashedFeatures(parsed.data, maxLength);
  }

  encode(text: string, most = this.maxLength): Int32Array {
    this.count = 0;
    /** Hash of the pair that the word before begins; undefined at the start and after Han characters. */
    let pair: number | undefined;
    for (const [run] of this.normalized(text).matchAll(runs)) {
      this.run.write(run);
      if (isHan(run.charCodeAt(0))) {
        this.addHan();
        pair = undefined;
      } else pair = this.addWord(pair);
      if (this.count === this.maxLength) break;
    }
    return this.ids.slice(0, Math.min(this.count, most));
  }

  /** Case folded, compatible forms made equal; context does not matter, so Greek's final sigma is a sigma. */
  private normalized(text: string): string {
    if (asciiOnly.test(text)) return text.toLowerCase();
    const known = this.known?.keep(text) ?? text;
    return known.normalize(this.parameters.normalization).toLowerCase().replaceAll('ς', 'σ');
  }

  private addHan(): void {
    const { length } = this.run;
    const longest = length <= this.parameters.hanTrigramMaxRun ? 3 : 2;
    for (let size = 1; size <= longest; size++) this.addPieces(hanMark, size, 0, length);
  }

  /** @returns the hash with which a pair of this word and the next begins */
  private addWord(pair: number | undefined): number {
    const { run } = this;
    // The word lies between its edges "<" and ">".
    const [first, end] = [1, run.length - 1];
    this.add(run.hash(wordMark, first, end));
    for (const size of this.parameters.latinGrams) this.addPieces(gramMark, size, 0, run.length);
    if (pair !== undefined) this.add(run.hash(pair, first, end));
    return step(run.hash(pairMark, first, end), space);
  }

  private addPieces(mark: number, size: number, first: number, end: number): void {
    for (let start = first; start + size <= end && this.count < this.maxLength; start++) {
      this.add(this.run.hash(mark, start, start + size));
    }
  }

  private add(hash: number): void {
    if (this.count === this.maxLength) return;
    this.ids[this.count++] = 1 + (mix(hash) % (this.vocabularySize - 1));
  }
}

/** One run of a text as UTF-8, a word with its edges, and where each of its characters begins. */
class Utf8Run {
  /** Characters, edges included. */
  length = 0;
  private bytes = new Uint8Array(256);
  private starts = new Int32Array(257);

  write(run: string): void {
    const most = run.length + 2;
    if (this.starts.length <= most) {
      this.bytes = new Uint8Array(most * 3);
      this.starts = new Int32Array(most + 1);
    }
    const isWord = !isHan(run.charCodeAt(0));
    const { bytes, starts } = this;
    let [byte, character] = [0, 0];
    if (isWord) bytes[byte++] = less;
    if (isWord) starts[++character] = byte;
    for (let unit = 0; unit < run.length; unit++) {
      const point = run.codePointAt(unit) ?? 0;
      if (point < 0x80) bytes[byte++] = point;
      else if (point < 0x800) {
        bytes[byte++] = 0xc0 | (point >> 6);
        bytes[byte++] = 0x80 | (point & 0x3f);
      } else {
        if (point < 0x10000) bytes[byte++] = 0xe0 | (point >> 12);
        else {
          bytes[byte++] = 0xf0 | (point >> 18);
          bytes[byte++] = 0x80 | ((point >> 12) & 0x3f);
          unit++;
        }
        bytes[byte++] = 0x80 | ((point >> 6) & 0x3f);
        bytes[byte++] = 0x80 | (point & 0x3f);
      }
      starts[++character] = byte;
    }
    if (isWord) bytes[byte++] = greater;
    if (isWord) starts[++character] = byte;
    this.length = character;
  }

  /** FNV-1a of the characters `first` to before `end`, begun with `hash`. */
  hash(hash: number, first: number, end: number): number {
    const last = this.starts[end] ?? 0;
    let value = hash;
    for (let byte = this.starts[first] ?? 0; byte < last; byte++) {
      value = Math.imul(value ^ (this.bytes[byte] ?? 0), fnvPrime);
    }
    return value;
  }
}

function isHan(unit: number): boolean {
  return (unit >= 0x3400 && unit <= 0x4dbf) || (unit >= 0x4e00 && unit <= 0x9fff);
}

function step(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, fnvPrime);
}

function hashAscii(hash: number, text: string): number {
  return Buffer.from(text).reduce(step, hash);
}

/** Final mixing of murmur3, 0 to 2^32 - 1: FNV's low bits alone spread short texts badly. */
function mix(hash: number): number {
  let value = hash;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
