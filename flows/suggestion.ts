import { distance } from 'fastest-levenshtein';

/** The known word that somebody probably meant, or undefined when none is near. Case does not count. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  // Short words are near to everything.
  let least = Math.max(0, Math.min(2, word.length - 2), Math.floor(word.length / 3)) + 1;
  for (const item of known) {
    const steps = stepsBetween(word.toLowerCase(), item.toLowerCase());
    if (steps < least) {
      nearest = item;
      least = steps;
    }
  }
  return nearest;
}

/** `; did you mean "encode"?`, or nothing. */
export function suggestionText(word: string, known: readonly string[]): string {
  const found = suggest(word, known);
  return found === undefined ? '' : `; did you mean "${found}"?`;
}

/** Letters to change; letters in another order count as one. */
function stepsBetween(a: string, b: string): number {
  const steps = distance(a, b);
  return steps > 1 && sortLetters(a) === sortLetters(b) ? 1 : steps;
}

function sortLetters(word: string): string {
  return Array.from(word).sort().join('');
}
