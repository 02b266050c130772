import type { DocumentStore, StoreFile } from '../kit/index.ts';
import { type QueryTerm, queryTermsOf, termsOf } from './words.ts';

/** A row that a query found. */
export interface WordMatch {
  readonly row: number;
  /** BM25; the larger, the better. */
  readonly score: number;
}

/**
 * Terms by row, in SQLite's full-text index FTS5. It keeps no text, only where each term stands. Terms come cut and in
 * lower case, so that its tokenizer has only spaces to find.
 */
export const wordFile: StoreFile = {
  name: 'words.sqlite',
  schema: `CREATE VIRTUAL TABLE words USING fts5(
    terms, content='', contentless_delete=1, prefix='1',
    tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
  );`,
};

/** Terms of a query that are looked at; a longer one is a document, and costs as much as all its words. */
const mostTerms = 512;

const findSql = `
  SELECT rowid AS row, rank AS score FROM words
  WHERE words MATCH ?1 AND (?2 IS NULL OR +rowid IN (SELECT value FROM json_each(?2)))
  ORDER BY rank, rowid LIMIT ?3`;

/** The full-text index beside the documents of a store, written in the store's transactions. */
export class WordIndex {
  private readonly store: DocumentStore;

  /** @param store opened with {@link wordFile} */
  constructor(store: DocumentStore) {
    this.store = store;
  }

  /** Sets by which words a row is found; none when the text has none. */
  set(row: number, text: string): void {
    this.delete(row);
    const terms = termsOf(text);
    if (terms.length > 0)
      this.store.prepare('INSERT INTO words (rowid, terms) VALUES (?, ?)').run(row, terms.join(' '));
  }

  delete(row: number): void {
    this.store.prepare('DELETE FROM words WHERE rowid = ?').run(row);
  }

  /** The `count` rows with the highest BM25 (k1 1.2, b 0.75) that have any term of the query, best first. */
  find(query: string, count: number, allowed?: ReadonlySet<number>): WordMatch[] {
    const terms = queryTermsOf(query).slice(0, mostTerms);
    if (terms.length === 0) return [];
    const rows = this.store
      .prepare(findSql)
      .all(terms.map(expressionOf).join(' OR '), allowed === undefined ? null : JSON.stringify([...allowed]), count);
    // SQLite gives the negative, so that the best comes first.
    return (rows as { row: number; score: number }[]).map(({ row, score }) => ({ row, score: -score }));
  }
}

/** Terms hold letters, digits and marks only, so that quoting them is enough. */
function expressionOf({ term, isPrefix }: QueryTerm): string {
  return isPrefix ? `"${term}"*` : `"${term}"`;
}
