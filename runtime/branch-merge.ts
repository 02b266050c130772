import { Document, DocumentArray } from '../core/index.ts';

/**
 * Merges the answers of branches that meet, by document id.
 *
 * Documents of the first branch lead; a field that is empty there is filled whole from the later ones; ids that only
 * later branches have are appended. Chunks and matches are merged the same way, and scores by their names, so that a
 * match which several branches found keeps what each said of it. The order of branches is that of `needs`, not of
 * arrival, so that the same request always gives the same answer.
 */
export function mergeBranches(branches: readonly DocumentArray[]): DocumentArray {
  const [first] = branches;
  if (branches.length === 1 && first !== undefined) return first;
  const merged = new Map<string, Document>();
  for (const branch of branches) {
    for (const doc of branch) {
      const known = merged.get(doc.id);
      if (known === undefined) merged.set(doc.id, new Document(doc));
      else fill(known, doc);
    }
  }
  return DocumentArray.fromInputs(merged.values());
}

function fill(target: Document, source: Document): void {
  for (const key of Object.keys(source) as (keyof Document)[]) {
    if (key === 'matches' || key === 'chunks') continue;
    if (target[key] === undefined) Object.assign(target, { [key]: source[key] });
  }
  // A new object: the one at hand may still belong to the branch's own documents.
  if (source.scores !== undefined) target.scores = { ...source.scores, ...target.scores };
  for (const key of ['chunks', 'matches'] as const) {
    const [mine, theirs] = [target[key], source[key]];
    if (theirs !== undefined) target[key] = mine === undefined ? theirs : mergeBranches([mine, theirs]);
  }
}
