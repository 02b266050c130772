import { AutoTokenizer, env, LogLevel, type PreTrainedTokenizer } from '@xenova/transformers';
import { FlowError, isObject } from '../../core/index.ts';
import type { ModelFolder } from './model-folder.ts';

/** Characters of a text that are looked at first, for each token that is wanted. */
const charactersPerToken = 8;
/** Tokens near a cut through a text that may differ from those of the whole text. */
const cutMargin = 32;

/** Texts to token ids and back, as the model's own tokenizer does it. */
export class TextTokenizer {
  /** Most ids that {@link encode} gives, special tokens included. */
  readonly maxLength: number;
  /** Ids are smaller than this. */
  readonly vocabularySize: number;
  readonly padId: number;
  private readonly tokenizer: PreTrainedTokenizer;
  /** Special tokens before and after a text. */
  private readonly prefix: readonly number[];
  private readonly suffix: readonly number[];
  private frame: PairFrame | undefined;

  private constructor(tokenizer: PreTrainedTokenizer, settings: { maxLength: number; vocabularySize: number }) {
    this.tokenizer = tokenizer;
    this.maxLength = settings.maxLength;
    this.vocabularySize = settings.vocabularySize;
    this.padId = finite(tokenizer.pad_token_id) ?? 0;
    const bare = this.ids('a', false);
    const whole = this.ids('a', true);
    const start = whole.findIndex((_id, index) => bare.every((id, offset) => whole[index + offset] === id));
    this.prefix = whole.slice(0, Math.max(0, start));
    this.suffix = start < 0 ? [] : whole.slice(start + bare.length);
  }

  /**
   * Loads the tokenizer of a model.
   *
   * @param maxLength most ids of a text; default: what the model says, 512 where it says nothing
   * @throws `model_unavailable` when its files cannot be used; `invalid_argument` when `maxLength` is more than the
   *   model has positions for.
   */
  static async load(folder: ModelFolder, maxLength?: number): Promise<TextTokenizer> {
    env.allowRemoteModels = false;
    env.logLevel = LogLevel.ERROR;
    const limit = lengthLimit(folder);
    if (maxLength !== undefined && maxLength > limit.most) {
      throw new FlowError(
        'invalid_argument',
        `${folder.name} takes at most ${limit.most} tokens, got max_length ${maxLength}`,
      );
    }
    let tokenizer: PreTrainedTokenizer;
    try {
      tokenizer = await AutoTokenizer.from_pretrained(folder.path, { local_files_only: true });
    } catch (error) {
      throw FlowError.from(error, 'model_unavailable', `cannot read the tokenizer of ${folder.name}`);
    }
    return new TextTokenizer(tokenizer, {
      maxLength: maxLength ?? limit.usual,
      vocabularySize: Math.max(finite(folder.json('config.json')['vocab_size']) ?? 0, tokenizer.get_vocab().size),
    });
  }

  /**
   * Ids of two texts as one input, and which of the two each id belongs to (0 or 1). What is too long loses the end of
   * the longer text, token by token.
   *
   * @param most most ids; default `maxLength`
   * @throws `invalid_argument` when the model joins no two texts
   */
  encodePair(first: string, second: string, most = this.maxLength): { ids: Int32Array; types: Int32Array } {
    const frame = this.pairFrame();
    let [a, b] = [this.bare(first), this.bare(second)];
    const room = Math.max(0, most - frame.start.length - frame.middle.length - frame.end.length);
    // Half each, and what one leaves of its half goes to the other.
    const half = Math.ceil(room / 2);
    const short = Math.min(a.length, b.length, half);
    a = a.slice(0, a.length <= b.length ? Math.max(short, room - b.length) : room - short);
    b = b.slice(0, room - a.length);
    const ids = Int32Array.from([...frame.start, ...a, ...frame.middle, ...b, ...frame.end]);
    const types = new Int32Array(ids.length).fill(1, frame.start.length + a.length + frame.closing);
    return { ids, types };
  }

  /**
   * Token ids of a text with special tokens; one that is too long loses its end, never its closing special token.
   *
   * @param most most ids; default and limit: `maxLength`
   */
  encode(text: string, most = this.maxLength): Int32Array {
    const ids = this.withoutEnd(text);
    if (ids.length <= most) return Int32Array.from(ids);
    const { prefix, suffix } = this;
    const room = Math.max(0, most - prefix.length - suffix.length);
    const inner = ids.slice(prefix.length, ids.length - suffix.length).slice(0, room);
    return Int32Array.from([...prefix, ...inner, ...suffix]);
  }

  /** The text of token ids, without special tokens; roughly what was encoded (case and spaces may be lost). */
  decode(ids: ArrayLike<number>): string {
    return this.tokenizer.decode(Array.from(ids), { skip_special_tokens: true });
  }

  /**
   * Ids of as much of a text as can matter: a book costs no more than its first pages. The text is cut where it has
   * a space, and the cut is moved on until more ids came than are wanted.
   */
  private withoutEnd(text: string): number[] {
    for (let end = this.maxLength * charactersPerToken; end < text.length; end *= 2) {
      const space = text.lastIndexOf(' ', end);
      const ids = this.ids(text.slice(0, space > end / 2 ? space : end), true);
      if (ids.length >= this.maxLength + cutMargin) return ids;
    }
    return this.ids(text, true);
  }

  /** Ids of as much of a text as can matter, without special tokens. */
  private bare(text: string): number[] {
    const ids = this.withoutEnd(text);
    const isWhole = this.suffix.every((id, index) => ids[ids.length - this.suffix.length + index] === id);
    return ids.slice(this.prefix.length, isWhole ? ids.length - this.suffix.length : undefined);
  }

  /** Special tokens around two texts; `closing` of the middle ones belong to the first. */
  private pairFrame(): PairFrame {
    this.frame ??= readPairFrame(this.tokenizer, this.ids('a', false));
    return this.frame;
  }

  private ids(text: string, hasSpecialTokens: boolean): number[] {
    return this.tokenizer.encode(text, { add_special_tokens: hasSpecialTokens });
  }
}

interface PairFrame {
  readonly start: readonly number[];
  readonly middle: readonly number[];
  readonly end: readonly number[];
  readonly closing: number;
}

/** What a tokenizer puts around two texts, seen on two that are `inner` each. */
function readPairFrame(tokenizer: PreTrainedTokenizer, inner: readonly number[]): PairFrame {
  const encoded: unknown = tokenizer('a', { text_pair: 'a', return_tensor: false, return_token_type_ids: true });
  const [ids, types] = isObject(encoded) ? [encoded['input_ids'], encoded['token_type_ids']] : [];
  if (!isNumbers(ids)) throw new FlowError('invalid_argument', 'the tokenizer of this model joins no two texts');
  const find = (from: number): number =>
    ids.findIndex((_id, at) => at >= from && inner.every((id, offset) => ids[at + offset] === id));
  const first = find(0);
  const second = find(first + inner.length);
  if (first < 0 || second < 0) {
    throw new FlowError('invalid_argument', 'the tokenizer of this model joins no two texts');
  }
  const middle = ids.slice(first + inner.length, second);
  const ofFirst = isNumbers(types) ? types.indexOf(1) : second;
  return {
    start: ids.slice(0, first),
    middle,
    end: ids.slice(second + inner.length),
    closing: (ofFirst < 0 ? second : ofFirst) - first - inner.length,
  };
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number');
}

/** How many tokens a model takes: `usual` is what it was made for, `most` what it has positions for. */
function lengthLimit(folder: ModelFolder): { usual: number; most: number } {
  const config = folder.json('config.json');
  const textConfig = isObject(config['text_config']) ? config['text_config'] : config;
  const positions = finite(textConfig['max_position_embeddings']);
  const ofTokenizer = finite(folder.json('tokenizer_config.json')['model_max_length']);
  // Some tokenizers say "no limit" with a number of 30 digits.
  const said = ofTokenizer !== undefined && ofTokenizer < 1e6 ? ofTokenizer : undefined;
  const most = said ?? positions ?? 512;
  const usual = finite(folder.optionalJson('sentence_bert_config.json')['max_seq_length']) ?? most;
  return { usual: Math.min(usual, most), most: Math.min(most, positions ?? most) };
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
