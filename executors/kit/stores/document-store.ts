import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite';
import {
  Document,
  documentFromJson,
  documentToJson,
  FlowError,
  isObject,
  type JsonObject,
  Tensor,
} from '../../../core/index.ts';
import { filterCondition, tagField } from './tag-filter.ts';

/** What {@link DocumentStore} writes for one document. */
export interface StoredDocument {
  readonly doc: Document;
  /** As it was sent, not normalised; empty where the store's executor finds without vectors. */
  readonly vector: Float32Array;
}

/** A stored document and the number of its row. */
export interface StoredRow extends StoredDocument {
  readonly row: number;
}

interface DocumentRow {
  readonly row: number;
  readonly id: string;
  readonly vector: Uint8Array;
  readonly tags: string | null;
  readonly content: string;
  readonly blob: Uint8Array | null;
}

/** The file of a store, where an executor keeps more than documents in it. */
export interface StoreFile {
  /** Default `index.sqlite`. */
  readonly name?: string;
  /** SQL of the executor's own tables, run once when the file is made. */
  readonly schema?: string;
}

const schemaVersion = 2;
/** Vectors lie apart, so that a filter over tags does not read them. */
const vectorTables = `
  CREATE TABLE vectors (row INTEGER PRIMARY KEY, vector BLOB NOT NULL);
  CREATE TABLE changes (sequence INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER NOT NULL);
`;
const schema = `
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE documents (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    tags TEXT,
    content TEXT NOT NULL,
    blob BLOB
  );
  ${vectorTables}
`;
/** From the version that had vectors among the documents. */
const fromVersion1 = `
  ${vectorTables}
  INSERT INTO vectors SELECT row, vector FROM documents;
  ALTER TABLE documents DROP COLUMN vector;
`;
const selectRows =
  'SELECT documents.row AS row, id, vector, tags, content, blob FROM documents JOIN vectors USING (row)';

/** Documents and their vectors in one SQLite file. What a method has written when it returns survives a crash. */
export class DocumentStore {
  private readonly database: DatabaseSyncInstance;
  private readonly statements = new Map<string, StatementSyncInstance>();

  private constructor(database: DatabaseSyncInstance) {
    this.database = database;
  }

  /**
   * Opens the store of a folder, or makes it.
   *
   * @throws `workspace_in_use` when another process has it open; `version_mismatch` when a newer Sluice wrote it;
   *   `executor_load_failed` when the file cannot be read.
   */
  static open(folder: string, { name = 'index.sqlite', schema: ownSchema = '' }: StoreFile = {}): DocumentStore {
    const path = join(folder, name);
    let database: DatabaseSyncInstance | undefined;
    try {
      database = new DatabaseSync(path);
      // One process for good: no shared-memory file, and a second opener is told so.
      database.exec('PRAGMA locking_mode = EXCLUSIVE');
      database.exec('PRAGMA journal_mode = WAL');
      // FULL: a commit returns when its log is on the disk.
      database.exec('PRAGMA synchronous = FULL');
      const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
      if (version > schemaVersion) {
        throw new FlowError(
          'version_mismatch',
          `the index in ${folder} has version ${version}; this build reads up to ${schemaVersion}: take a newer one or another workspace`,
        );
      }
      if (version < schemaVersion) {
        database.exec(
          `BEGIN IMMEDIATE; ${version === 0 ? `${schema} ${ownSchema}` : fromVersion1} PRAGMA user_version = ${schemaVersion};
           INSERT INTO facts VALUES ('identity', '${randomUUID()}'); COMMIT;`,
        );
      }
    } catch (error) {
      database?.close();
      const isLocked = error instanceof Error && /locked|busy/i.test(error.message);
      throw isLocked
        ? new FlowError('workspace_in_use', `the index in ${folder} is open in another process`, { cause: error })
        : FlowError.from(error, 'executor_load_failed', `cannot open the index in ${folder}`);
    }
    return new DocumentStore(database);
  }

  /** Runs `work` as one transaction: all of it is on the disk when this returns, or nothing is. */
  transaction<T>(work: () => T): T {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      // A failed COMMIT may have ended the transaction itself.
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw FlowError.from(error, 'executor_error', 'the index could not be written');
    }
  }

  /** A fact about the whole store, such as its dimension. */
  fact(name: string): string | undefined {
    const found = this.prepare('SELECT value FROM facts WHERE name = ?').get(name) as { value: string } | undefined;
    return found?.value;
  }

  setFact(name: string, value: string): void {
    this.prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)').run(name, value);
  }

  /** Adds a document or replaces the one with its id; returns the number of its row. */
  put({ doc, vector }: StoredDocument): number {
    const { row } = this.prepare(
      `INSERT INTO documents (id, tags, content, blob) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET tags = excluded.tags, content = excluded.content, blob = excluded.blob
       RETURNING row`,
    ).get(
      doc.id,
      doc.tags === undefined ? null : JSON.stringify(doc.tags),
      JSON.stringify(contentOf(doc)),
      doc.blob ?? null,
    ) as { row: number };
    const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
    this.prepare('INSERT OR REPLACE INTO vectors VALUES (?, ?)').run(row, bytes);
    this.noteChange(row);
    return row;
  }

  /** Removes the document with an id; returns the number of its row, undefined when there was none. */
  remove(id: string): number | undefined {
    const found = this.prepare('DELETE FROM documents WHERE id = ? RETURNING row').get(id) as
      { row: number } | undefined;
    if (found === undefined) return undefined;
    this.prepare('DELETE FROM vectors WHERE row = ?').run(found.row);
    this.noteChange(found.row);
    return found.row;
  }

  byId(id: string): StoredRow | undefined {
    const found = this.prepare(`${selectRows} WHERE id = ?`).get(id) as DocumentRow | undefined;
    return found === undefined ? undefined : readRow(found);
  }

  byRow(row: number): StoredRow | undefined {
    const found = this.prepare(`${selectRows} WHERE documents.row = ?`).get(row) as DocumentRow | undefined;
    return found === undefined ? undefined : readRow(found);
  }

  /** Documents in the order in which they were first added. */
  page(offset: number, limit: number): StoredRow[] {
    const rows = this.prepare(`${selectRows} ORDER BY documents.row LIMIT ? OFFSET ?`).all(limit, offset);
    return (rows as DocumentRow[]).map(readRow);
  }

  /** Makes database indexes for these tags, and drops those of others. */
  indexTags(tags: readonly string[]): void {
    const wanted = new Map(tags.map((tag) => [`tag:${tag}`, tagField(tag)]));
    const found = this.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'tag:%'").all();
    for (const { name } of found as { name: string }[])
      if (!wanted.delete(name)) this.database.exec(`DROP INDEX "${name}"`);
    for (const [name, field] of wanted) this.database.exec(`CREATE INDEX "${name}" ON documents (${field})`);
  }

  /** Numbers of the rows whose tags a filter accepts; see `filterCondition`. */
  matching(filter: unknown): Set<number> {
    const { sql, values } = filterCondition(filter);
    // Not kept like the others: filters are of the callers' making and without number.
    const rows = this.database.prepare(`SELECT row FROM documents WHERE ${sql}`).all(...values) as { row: number }[];
    return new Set(rows.map(({ row }) => row));
  }

  count(): number {
    return (this.prepare('SELECT count(*) AS count FROM documents').get() as { count: number }).count;
  }

  /** All vectors, for filling a search structure. */
  *vectors(): Generator<{ row: number; vector: Float32Array }> {
    const rows = this.database.prepare('SELECT row, vector FROM vectors').iterate();
    for (const { row, vector } of rows as IterableIterator<{ row: number; vector: Uint8Array }>) {
      yield { row, vector: floats(vector) };
    }
  }

  /** Names this store; made with it. */
  get identity(): string {
    return this.fact('identity') ?? '';
  }

  /** Number of the last change, also of those that are forgotten. */
  get sequence(): number {
    const found = this.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").get() as
      { seq: number } | undefined;
    return found?.seq ?? 0;
  }

  /** Rows that were put or removed after a change; undefined when some of those are forgotten, or it is to come. */
  changedAfter(sequence: number): number[] | undefined {
    const { first } = this.prepare('SELECT min(sequence) AS first FROM changes').get() as { first: number | null };
    const known = (first ?? this.sequence + 1) - 1;
    if (sequence < known || sequence > this.sequence) return undefined;
    const rows = this.prepare('SELECT DISTINCT row FROM changes WHERE sequence > ?').all(sequence);
    return (rows as { row: number }[]).map(({ row }) => row);
  }

  forget(sequence: number): void {
    this.prepare('DELETE FROM changes WHERE sequence <= ?').run(sequence);
  }

  /** Leaves one whole file behind, which another process can open at once. */
  close(): void {
    if (!this.database.isOpen) return;
    // Closing alone would not release the lock: it waits until every statement is collected as garbage. The log has to
    // go first, since a log that was opened exclusively cannot be shared any more; reading makes the change take effect.
    this.database.exec('PRAGMA journal_mode = DELETE');
    this.database.exec('PRAGMA locking_mode = NORMAL');
    this.count();
    this.statements.clear();
    this.database.close();
  }

  private noteChange(row: number): void {
    this.prepare('INSERT INTO changes (row) VALUES (?)').run(row);
  }

  /** A statement that is kept as long as the store, for {@link StoreFile.schema}; no text of callers in it. */
  prepare(sql: string): StatementSyncInstance {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }
}

/** A stored document with the fields that are sent in their place; tags are merged. */
export function withChanges(stored: Document, sent: Document): Document {
  const tags = { ...stored.tags, ...sent.tags };
  // The fields that a document has not are properties too, without value.
  const fields = Object.entries(sent).filter(([, value]) => value !== undefined);
  const changed = Object.assign(stored, Object.fromEntries(fields));
  if (Object.keys(tags).length > 0) changed.tags = tags;
  return changed;
}

/** What goes into the column `content`: the fields that have no column of their own and are kept. */
function contentOf(doc: Document): JsonObject {
  const kept = Object.assign(new Document({ id: doc.id }), doc);
  delete kept.tags;
  delete kept.tensor;
  delete kept.embedding;
  delete kept.blob;
  delete kept.matches;
  delete kept.chunks;
  delete kept.scores;
  const fields = Object.entries(documentToJson(kept)).filter(([name, value]) => value !== null && name !== 'id');
  return Object.fromEntries(fields);
}

function readRow({ row, id, vector, tags, content, blob }: DocumentRow): StoredRow {
  const fields: unknown = JSON.parse(content);
  const doc = documentFromJson({ ...(isObject(fields) ? fields : {}), id }, ['document']);
  if (tags !== null) doc.tags = JSON.parse(tags) as JsonObject;
  if (blob !== null) doc.blob = new Uint8Array(blob);
  return { row, doc, vector: floats(vector) };
}

function floats(bytes: Uint8Array): Float32Array {
  return Tensor.fromBytes('float32', [bytes.byteLength / 4], bytes).data as Float32Array;
}
