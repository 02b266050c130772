import type { Document } from '../../core/index.ts';

/** Scores that are distances: the smaller, the nearer. */
const distances = new Set(['euclidean']);

/** A score of a match so that larger is better; undefined when it has none by that name. */
export function similarityOf(match: Document, name: string): number | undefined {
  const value = match.scores?.[name]?.value;
  return value === undefined || !distances.has(name) ? value : -value;
}
