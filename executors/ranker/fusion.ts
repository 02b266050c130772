import type { Document } from '../../core/index.ts';
import { similarityOf } from './similarity.ts';

export const fusionMethods = ['rrf', 'z_score', 'min_max'] as const;

/** How several result lists become one. */
export interface FusionSettings {
  /**
   * `rrf`: by places, weight / (k + place) summed, places counted from 1. `z_score` and `min_max`: by scores, brought to
   * one scale for each query and list, times weight, summed.
   */
  readonly method: (typeof fusionMethods)[number];
  /** Weight by score name: these scores are the lists. Default: every score that a match has, each 1. */
  readonly weights?: Readonly<Record<string, number>> | undefined;
  /** Of `rrf`: the larger, the less the first places count. */
  readonly k: number;
}

/**
 * One number for each match of a query, from the scores that several branches gave; the larger, the better.
 *
 * A list is a score name: the matches that have the score were found by the branch that gives it. What a list lacks
 * counts in `rrf` as nothing, in the others as the worst of the list.
 */
export function fuse(matches: readonly Document[], { method, weights, k }: FusionSettings): number[] {
  const sums = matches.map(() => 0);
  for (const [name, weight] of Object.entries(weights ?? equalWeights(matches))) {
    const similarities = matches.map((match) => similarityOf(match, name));
    const parts = method === 'rrf' ? reciprocalPlaces(similarities, k) : scaled(similarities, method);
    parts.forEach((part, place) => (sums[place] = (sums[place] ?? 0) + weight * part));
  }
  return sums;
}

function equalWeights(matches: readonly Document[]): Record<string, number> {
  const names = new Set(matches.flatMap(({ scores }) => Object.keys(scores ?? {})));
  return Object.fromEntries([...names].map((name) => [name, 1]));
}

function reciprocalPlaces(similarities: readonly (number | undefined)[], k: number): number[] {
  const found = similarities.flatMap((value, index) => (value === undefined ? [] : { value, index }));
  found.sort((a, b) => b.value - a.value || a.index - b.index);
  const parts = similarities.map(() => 0);
  found.forEach(({ index }, place) => (parts[index] = 1 / (k + place + 1)));
  return parts;
}

function scaled(similarities: readonly (number | undefined)[], method: 'z_score' | 'min_max'): number[] {
  const found = similarities.filter((value) => value !== undefined);
  const lowest = found.reduce((least, value) => Math.min(least, value), Infinity);
  const highest = found.reduce((most, value) => Math.max(most, value), -Infinity);
  const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
  const deviation = Math.sqrt(found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / found.length);
  // Where all scores of a list are equal they only say who was found.
  const isFlat = !(highest > lowest && deviation > 0);
  return similarities.map((value) => {
    if (isFlat) return value === undefined ? 0 : 1;
    const known = value ?? lowest;
    return method === 'min_max' ? (known - lowest) / (highest - lowest) : (known - mean) / deviation;
  });
}
