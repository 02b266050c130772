import { z } from 'zod';
import { Document, FlowError, type JsonObject } from '../../core/index.ts';
import {
  DocumentStore,
  mostMatches,
  readParameters,
  readRequests,
  searchParameters,
  withChanges,
} from '../kit/index.ts';
import { type Call, DocumentArray, dynamicBatching, Executor, requests } from '../sdk/index.ts';
import { wordFile, WordIndex, type WordMatch } from './word-index.ts';

const options = z.strictObject({
  /** Matches of a search that names no `limit`. */
  limit: z.int().min(1).max(mostMatches).default(10),
  /**
   * Least matches of a search, counted from the first whatever its `limit` and `offset` say: for a Ranker after it that
   * fuses several lists and cuts the whole.
   */
  candidates: z.int().min(1).max(mostMatches).optional(),
});

const searchSchema = z.object({
  limit: z.int().min(1).max(mostMatches).optional(),
  offset: z.int().min(0).default(0),
  filter: z.record(z.string(), z.unknown()).nullish(),
});

/** Documents found by words have no vector. */
const noVector = new Float32Array(0);

/**
 * Keeps documents and finds them by their words (BM25), the best first.
 *
 * Words are lower-cased; of Chinese, Japanese and Korean it takes pairs of characters. Documents and words lie in one
 * SQLite file of the workspace and are on the disk before their request is answered; nothing is held in memory.
 * Documents without text are kept and found by nothing. Vectors, tensors, blobs, chunks, matches and scores of
 * documents are not kept.
 */
export class TextMatcher extends Executor<z.infer<typeof options>> {
  static override readonly options = options;
  static override readonly state = 'exclusive';
  private opened: { store: DocumentStore; words: WordIndex } | undefined;

  override init(): void {
    this.context.progress({ state: 'loading', message: 'words' });
    const store = DocumentStore.open(this.context.workspace(), wordFile);
    this.opened = { store, words: new WordIndex(store) };
    this.context.logger.info({ documents: store.count() }, 'words loaded');
  }

  override close(): void {
    this.opened?.store.close();
  }

  /** Adds documents; one with an id that is there already replaces it. A request is kept as a whole or not at all. */
  @requests('/index', { effect: 'upsert' })
  @dynamicBatching({ preferredBatchSize: 128 })
  index(docs: DocumentArray, call: Call): void {
    this.write(call, docs);
  }

  /** Changes the fields that are sent of documents that are there; tags are merged. */
  @requests('/update', { effect: 'upsert' })
  update(docs: DocumentArray, call: Call): void {
    const changed = docs.map((sent) => {
      const stored = this.files.store.byId(sent.id);
      if (stored === undefined) throw new FlowError('document_not_found', `the index has no document ${sent.id}`);
      return withChanges(stored.doc, sent);
    });
    this.write(call, changed);
  }

  /** Removes the documents with the ids that are sent; ids that are not there are no error. */
  @requests('/delete', { effect: 'upsert' })
  delete(docs: DocumentArray, call: Call): JsonObject {
    const { store, words } = this.files;
    const deleted = call.phase('commit', () =>
      store.transaction(() => {
        const rows = docs.flatMap(({ id }) => store.remove(id) ?? []);
        for (const row of rows) words.delete(row);
        return rows.length;
      }),
    );
    return { deleted, documents: store.count() };
  }

  /**
   * Gives each document with text the ones that share words with it as `matches`, best first, with the score `bm25`.
   *
   * Parameters, each caller's own: `limit`, `offset`, `filter` (see `filterCondition`).
   */
  @requests('/search', { effect: 'read', perRequest: searchParameters })
  @dynamicBatching({ preferredBatchSize: 32 })
  search(docs: DocumentArray, call: Call): void {
    const searches = readRequests(call, ({ parameters }) => {
      const { limit = this.options.limit, offset, filter } = readParameters(searchSchema, parameters);
      const { candidates } = this.options;
      const end = offset + limit;
      return {
        start: candidates === undefined ? offset : 0,
        end: Math.max(end, candidates ?? end),
        allowed: filter === undefined || filter === null ? undefined : this.files.store.matching(filter),
      };
    });
    for (const { request, value } of searches) {
      for (const doc of docs.slice(...request.rows)) {
        const found = this.files.words.find(doc.text ?? '', value.end, value.allowed).slice(value.start);
        doc.matches = DocumentArray.fromInputs(found.flatMap((match) => this.matchOf(match) ?? []));
      }
    }
  }

  @requests('/status', { effect: 'read' })
  status(): JsonObject {
    return { documents: this.files.store.count() };
  }

  private write(call: Call, docs: readonly Document[]): void {
    const { store, words } = this.files;
    call.phase('commit', () => {
      store.transaction(() => {
        for (const doc of docs) {
          const kept = new Document(doc);
          delete kept.blob;
          words.set(store.put({ doc: kept, vector: noVector }), doc.text ?? '');
        }
      });
    });
  }

  private matchOf({ row, score }: WordMatch): Document | undefined {
    const match = this.files.store.byRow(row)?.doc;
    if (match !== undefined) match.scores = { bm25: { value: score, opName: 'bm25' } };
    return match;
  }

  private get files(): { store: DocumentStore; words: WordIndex } {
    if (this.opened === undefined) {
      throw new FlowError('internal', 'the text matcher is used before init; this is a bug');
    }
    return this.opened;
  }
}
