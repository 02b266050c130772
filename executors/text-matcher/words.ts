/** Letters and digits of scripts that are written without spaces between words; as Lucene's CJK analyzer takes them. */
const unspaced = String.raw`(?:(?=[\p{L}\p{N}])[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}])`;
const runs = new RegExp(String.raw`(?<unspaced>${unspaced}+)|(?:(?!${unspaced})[\p{L}\p{N}\p{M}])+`, 'gu');

/**
 * What a text is found by: its words in lower case; of runs of Chinese, Japanese and Korean every two characters that
 * stand together, and the last one alone.
 *
 * So each character of a run either begins a pair or stands alone, and a query of one character finds it everywhere
 * as the beginning of a term.
 */
export function termsOf(text: string): string[] {
  return runsOf(text).flatMap(({ run, isUnspaced }) => {
    if (!isUnspaced) return [run];
    const characters = Array.from(run);
    return characters.map((character, place) => character + (characters[place + 1] ?? ''));
  });
}

/** What a query looks for; `isPrefix` for one character alone, which any term may begin with. */
export interface QueryTerm {
  readonly term: string;
  readonly isPrefix: boolean;
}

/** The words and pairs of characters of a query, in its order, each as often as it comes. */
export function queryTermsOf(text: string): QueryTerm[] {
  return runsOf(text).flatMap(({ run, isUnspaced }): QueryTerm[] => {
    if (!isUnspaced) return [{ term: run, isPrefix: false }];
    const characters = Array.from(run);
    if (characters.length === 1) return [{ term: run, isPrefix: true }];
    return characters
      .slice(1)
      .map((character, place) => ({ term: (characters[place] ?? '') + character, isPrefix: false }));
  });
}

function runsOf(text: string): { run: string; isUnspaced: boolean }[] {
  // NFKC makes one of full-width and half-width forms.
  return [...text.normalize('NFKC').toLowerCase().matchAll(runs)].map(([run, isUnspaced]) => ({
    run,
    isUnspaced: isUnspaced !== undefined,
  }));
}
