import { createHash } from 'node:crypto';
import type { DocumentFields } from '../core/index.ts';

/** One row of an input: a document, or why it cannot be read. Both kinds count. */
export type Row = { readonly place: RowPlace } & (
  { readonly doc: DocumentFields & { readonly id: string } } | { readonly fault: string }
);

/** Where a row comes from: its 1-based line of a text, or its path in a folder. */
export type RowPlace = { readonly line: number } | { readonly path: string };

/** An input that can be read from any of its rows on; the same input always gives the same rows in the same order. */
export interface RowSource {
  /** Changes when the input does; undefined for one that cannot be read again. */
  readonly identity: string | undefined;
  /** @param skipped rows at the beginning that are not wanted */
  rows(skipped: number): AsyncIterable<Row>;
  /** Number of rows: exact for folders, estimated from what was read for texts; undefined while nothing is known. */
  total(): number | undefined;
}

/** An id that a row without one always gets: 32 hexadecimal digits of what names it. */
export function stableId(...names: readonly (string | number)[]): string {
  return createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 32);
}

/** Text that changes when any of `parts` does. */
export function identityOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
