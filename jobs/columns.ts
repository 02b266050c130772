import {
  describeValue,
  type DocumentFields,
  documentFromJson,
  FlowError,
  isObject,
  type JsonObject,
} from '../core/index.ts';

/** Which columns (keys of JSON lines) become which fields of a document. */
export interface Columns {
  /** Default `id`. */
  readonly id?: string;
  /** Default `text`. */
  readonly text?: string;
  /** Default `uri`. */
  readonly uri?: string;
  /** Columns that become tags; default: all that are nothing else. */
  readonly tags?: readonly string[];
}

/** Fields of a document in JSON that are taken as they are, beside those that have a column. */
const documentKeys: readonly string[] = ['blob', 'tensor', 'embedding', 'mime_type', 'modality', 'weight', 'chunks'];

/**
 * The document of a row.
 *
 * @param fallbackId where the row has no id of its own
 * @throws `invalid_argument` naming the column, what was expected and what came
 */
export function documentOf(row: unknown, columns: Columns, fallbackId: string): DocumentFields & { id: string } {
  if (!isObject(row)) throw new FlowError('invalid_argument', `expected an object, got ${describeValue(row)}`);
  const names = { id: columns.id ?? 'id', text: columns.text ?? 'text', uri: columns.uri ?? 'uri' };
  const fields: Record<string, unknown> = {};
  for (const key of documentKeys) if (row[key] !== undefined) fields[key] = row[key];
  const content = documentFromJson({ ...fields, id: fallbackId }, []);
  const id = textOf(row, names.id) ?? fallbackId;
  const text = textOf(row, names.text);
  const uri = textOf(row, names.uri);
  const tags = tagsOf(row, columns, [...Object.values(names), ...documentKeys]);
  const { blob, tensor, embedding, chunks } = content;
  if (text === undefined && [uri, blob, tensor, embedding, chunks].every((value) => value === undefined)) {
    const got = Object.keys(row).join(', ');
    throw new FlowError('invalid_argument', `expected a text in the column ${names.text}, got none (columns: ${got})`);
  }
  return Object.assign(content, {
    id,
    ...(text === undefined ? {} : { text }),
    ...(uri === undefined ? {} : { uri }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  });
}

/** Text of a column; numbers are written out, an empty text is none. */
function textOf(row: Record<string, unknown>, column: string): string | undefined {
  const value = row[column];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return value;
  throw new FlowError('invalid_argument', `${column}: expected text, got ${describeValue(value)}`);
}

function tagsOf(row: Record<string, unknown>, { tags: wanted }: Columns, taken: readonly string[]): JsonObject {
  const tags: Record<string, unknown> = wanted === undefined && isObject(row['tags']) ? { ...row['tags'] } : {};
  const names = wanted ?? Object.keys(row).filter((key) => key !== 'tags' && !taken.includes(key));
  for (const name of names) if (row[name] !== undefined && row[name] !== null) tags[name] = row[name];
  // Rows come out of JSON or CSV: their values are nothing else.
  return tags as JsonObject;
}
