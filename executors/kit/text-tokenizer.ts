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

  /** Token ids of a text with special tokens; one that is too long loses its end, never its closing special token. */
  encode(text: string): Int32Array {
    const ids = this.withoutEnd(text);
    if (ids.length <= this.maxLength) return Int32Array.from(ids);
    const { prefix, suffix } = this;
    const room = Math.max(0, this.maxLength - prefix.length - suffix.length);
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

  private ids(text: string, hasSpecialTokens: boolean): number[] {
    return this.tokenizer.encode(text, { add_special_tokens: hasSpecialTokens });
  }
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
