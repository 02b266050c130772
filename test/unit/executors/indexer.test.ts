import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DatabaseSync } from '@photostructure/sqlite';
import { Document, DocumentArray, type DocumentFields, type JsonObject, Tensor } from '../../../core/index.ts';
import { Indexer } from '../../../executors/indexer/index.ts';
import { executorContext, RecordedCall } from '../../fixtures/contexts/executor-context.ts';

const vectors: Record<string, number[]> = { a: [1, 0, 0], b: [0.8, 0.6, 0], c: [0, 1, 0], d: [-2, 0, 0] };

describe('Indexer', () => {
  let workspace: string;
  let open: Indexer[];

  beforeEach(() => {
    workspace = mkdtempSync(path.join(tmpdir(), 'sluice-indexer-'));
    open = [];
  });
  afterEach(() => {
    for (const indexer of open) indexer.close();
    rmSync(workspace, { recursive: true });
  });

  async function start(options: JsonObject = {}, folder = workspace): Promise<Indexer> {
    const indexer = new Indexer(Indexer.options.parse(options), executorContext({ workspace: folder }));
    open.push(indexer);
    await indexer.init();
    return indexer;
  }

  async function restart(options: JsonObject = {}): Promise<Indexer> {
    for (const indexer of open.splice(0)) indexer.close();
    return await start(options);
  }

  function list(inputs: readonly DocumentFields[], parts?: { rows: number; parameters?: JsonObject }[]) {
    const docs = DocumentArray.fromInputs(inputs);
    return { docs, call: new RecordedCall('/test', docs, parts) };
  }

  function document(id: string, fields: DocumentFields = {}): DocumentFields {
    return { id, text: `text of ${id}`, embedding: Tensor.vector(vectors[id] ?? [1, 1, 1]), ...fields };
  }

  function index(indexer: Indexer, inputs: readonly DocumentFields[], parts?: { rows: number }[]) {
    const { docs, call } = list(inputs, parts);
    indexer.index(docs, call);
    return call;
  }

  function search(indexer: Indexer, query: number[], parameters: JsonObject = {}): DocumentArray {
    const { docs, call } = list([{ embedding: Tensor.vector(query) }], [{ rows: 1, parameters }]);
    indexer.search(docs, call);
    for (const error of call.failures.values()) throw error;
    assert.ok(docs[0]?.matches);
    return docs[0].matches;
  }

  const ids = (docs: readonly Document[]): string[] => docs.map(({ id }) => id);
  const everything = Object.keys(vectors).map((id) => document(id));

  it('finds the nearest first, with the cosine as score and what was kept of each', async () => {
    const indexer = await start();
    index(indexer, [document('a', { tags: { n: 1 }, uri: 'a.txt' }), document('b'), document('c'), document('d')]);
    const matches = search(indexer, [3, 0, 0]);
    assert.deepEqual(ids(matches), ['a', 'b', 'c', 'd']);
    assert.deepEqual(
      matches.map(({ scores }) => Number(scores?.['cosine']?.value.toFixed(6))),
      [1, 0.8, 0, -1],
    );
    const [first] = matches;
    assert.equal(first?.text, 'text of a');
    assert.deepEqual(first.tags, { n: 1 });
    assert.equal(first.uri, 'a.txt');
    assert.equal(first.embedding, undefined);
  });

  it('orders by inner product and by distance when it is told to', async () => {
    const byProduct = await start({ metric: 'inner_product' });
    index(byProduct, everything);
    assert.deepEqual(ids(search(byProduct, [-1, 0, 0])), ['d', 'c', 'b', 'a']);
    const indexer = await start({ metric: 'euclidean' }, path.join(workspace, 'distance'));
    index(indexer, everything);
    const byDistance = search(indexer, [-1, 0, 0]);
    assert.deepEqual(ids(byDistance), ['d', 'c', 'b', 'a']);
    assert.equal(byDistance[0]?.scores?.['euclidean']?.value, 1);
  });

  it('gives every caller of a batch its own limit, offset and embeddings', async () => {
    const indexer = await start();
    index(indexer, everything);
    const query = { embedding: Tensor.vector([1, 0, 0]) };
    const { docs, call } = list(
      [query, query, query],
      [
        { rows: 1, parameters: { limit: 1 } },
        { rows: 1, parameters: { limit: 2, offset: 1, embeddings: true } },
        { rows: 1, parameters: { limit: 0 } },
      ],
    );
    indexer.search(docs, call);
    assert.deepEqual(ids(docs[0]?.matches ?? []), ['a']);
    assert.deepEqual(ids(docs[1]?.matches ?? []), ['b', 'c']);
    assert.deepEqual([...(docs[1]?.matches?.[1]?.embedding?.data ?? [])], [0, 1, 0]);
    assert.deepEqual([...call.failures.keys()], ['r2']);
    assert.match(call.failures.get('r2')?.message ?? '', /parameter limit: .*got the number 0/);
  });

  it('finds only what a filter over tags accepts', async () => {
    const indexer = await start();
    index(indexer, [
      document('a', { tags: { year: 2001, kind: 'x', words: ['red', 'blue'] } }),
      document('b', { tags: { year: 2005, kind: 'y', flag: true } }),
      document('c', { tags: { year: 2009, kind: 'x', words: ['blue'] } }),
      document('d'),
    ]);
    const found = (filter: JsonObject): string[] => ids(search(indexer, [1, 0, 0], { filter }));
    assert.deepEqual(found({ kind: 'x' }), ['a', 'c']);
    assert.deepEqual(found({ year: { $gt: 2001, $lte: 2009 } }), ['b', 'c']);
    assert.deepEqual(found({ year: { $gte: 2005 }, kind: { $ne: 'x' } }), ['b']);
    assert.deepEqual(found({ kind: { $in: ['y', 'z'] } }), ['b']);
    assert.deepEqual(found({ kind: { $nin: ['x'] } }), ['b', 'd']);
    assert.deepEqual(found({ words: { $contains: 'blue' } }), ['a', 'c']);
    assert.deepEqual(found({ flag: true }), ['b']);
    assert.deepEqual(found({ year: null }), ['d']);
    assert.deepEqual(found({}), ['a', 'b', 'c', 'd']);
    assert.deepEqual(found({ "kind'); DROP TABLE documents; --": 'x' }), []);
    assert.throws(() => found({ kind: { $like: 'x' } }), /filter: kind: expected one of \$eq .* got the text "\$like"/);
    assert.throws(() => found({ 'a"b': 1 }), /without quotation marks/);
    assert.throws(() => search(indexer, [1, 0, 0], { filter: 'x' }), /parameter filter/);
  });

  it('has no matches before anything is indexed', async () => {
    assert.deepEqual(ids(search(await start(), [1, 2])), []);
  });

  it('replaces a document with the same id, also within one request', async () => {
    const indexer = await start();
    index(indexer, everything);
    index(indexer, [
      document('a', { text: 'old' }),
      document('a', { text: 'new', embedding: Tensor.vector([0, 0, 1]) }),
    ]);
    const [nearest] = search(indexer, [0, 0, 1]);
    assert.equal(nearest?.id, 'a');
    assert.equal(nearest.text, 'new');
    assert.equal(indexer.status()['documents'], 4);
  });

  it('finds everything again after a restart', async () => {
    index(await start(), [
      ...everything,
      document('e', { blob: new Uint8Array([1, 2]), tags: { 'odd key.x': [1, { y: null }] } }),
    ]);
    const indexer = await restart();
    assert.deepEqual(ids(search(indexer, [1, 0, 0])), ['a', 'b', 'e', 'c', 'd']);
    const bytesOf = (parameters: JsonObject) => search(indexer, [1, 0, 0], parameters).map(({ blob }) => blob?.length);
    assert.deepEqual(bytesOf({ limit: 3 }), [undefined, undefined, undefined]);
    assert.deepEqual(bytesOf({ limit: 3, blobs: true }), [undefined, undefined, 2]);
    const { docs, call } = list([{ id: 'e' }]);
    const [fetched] = indexer.fetch(docs, call);
    assert.deepEqual(fetched?.tags, { 'odd key.x': [1, { y: null }] });
    assert.deepEqual([...(fetched.blob ?? [])], [1, 2]);
    assert.deepEqual(indexer.status(), {
      documents: 5,
      dimension: 3,
      metric: 'cosine',
      engine: 'usearch',
      search: 'scan',
    });
  });

  it('changes only the fields that an update sends', async () => {
    const indexer = await start();
    index(indexer, [document('a', { tags: { keep: 1, change: 1 } })]);
    const tagged = list([{ id: 'a', tags: { change: 2 } }]);
    indexer.update(tagged.docs, tagged.call);
    const [match] = search(indexer, [1, 0, 0]);
    assert.deepEqual(match?.tags, { keep: 1, change: 2 });
    assert.equal(match.text, 'text of a');
    const moved = list([{ id: 'a', text: 'moved', embedding: Tensor.vector([0, 0, 5]) }]);
    indexer.update(moved.docs, moved.call);
    assert.equal(search(indexer, [0, 0, 1])[0]?.scores?.['cosine']?.value, 1);
    assert.equal(search(indexer, [0, 0, 1])[0]?.text, 'moved');
  });

  it('refuses to update what is not there, and changes nothing then', async () => {
    const indexer = await start();
    index(indexer, [document('a')]);
    const { docs, call } = list([{ id: 'a', text: 'changed' }, { id: 'nobody' }]);
    assert.throws(() => indexer.update(docs, call), { reason: 'document_not_found', message: /no document nobody/ });
    assert.equal(search(indexer, [1, 0, 0])[0]?.text, 'text of a');
  });

  it('forgets deleted documents, also after a restart', async () => {
    const indexer = await start();
    index(indexer, everything);
    const { docs, call } = list([{ id: 'a' }, { id: 'c' }, { id: 'nobody' }]);
    assert.deepEqual(indexer.delete(docs, call), { deleted: 2, documents: 2 });
    assert.deepEqual(ids(search(indexer, [1, 0, 0])), ['b', 'd']);
    assert.deepEqual(ids(search(await restart(), [1, 0, 0])), ['b', 'd']);
  });

  it('fetches by id what is there, and page by page', async () => {
    const indexer = await start();
    index(indexer, everything);
    const some = list([{ id: 'c' }, { id: 'nobody' }, { id: 'a' }]);
    assert.deepEqual(ids(indexer.fetch(some.docs, some.call)), ['c', 'a']);
    const page = list([], [{ rows: 0, parameters: { limit: 2, offset: 1, embeddings: true } }]);
    const fetched = indexer.fetch(page.docs, page.call);
    assert.deepEqual(ids(fetched), ['b', 'c']);
    assert.deepEqual([...(fetched[1]?.embedding?.data ?? [])], [0, 1, 0]);
  });

  for (const { name, fields, message } of [
    { name: 'no embedding', fields: {}, message: /expected an embedding, got none/ },
    {
      name: 'another dimension',
      fields: { embedding: Tensor.vector([1]) },
      message: /of 3 numbers as the index has, got 1/,
    },
    { name: 'a matrix', fields: { embedding: Tensor.fromNested([[1, 2, 3]]) }, message: /shape \[1, 3\]/ },
    {
      name: 'integers',
      fields: { embedding: Tensor.fromNested([1, 2, 3], 'int32') },
      message: /float32 embedding.*int32/,
    },
    { name: 'NaN', fields: { embedding: Tensor.vector([1, NaN, 0]) }, message: /finite numbers.*NaN/ },
  ]) {
    it(`keeps nothing of a request with ${name}, and all of its neighbours in the batch`, async () => {
      const indexer = await start({ dimension: 3 });
      const odd = { id: 'odd', text: 'odd', ...fields };
      const call = index(
        indexer,
        [document('a'), document('b'), odd, document('c')],
        [{ rows: 1 }, { rows: 2 }, { rows: 1 }],
      );
      assert.deepEqual([...call.failures.keys()], ['r1']);
      assert.equal(call.failures.get('r1')?.reason, 'invalid_argument');
      assert.match(call.failures.get('r1')?.message ?? '', message);
      assert.deepEqual(ids(search(indexer, [1, 0, 0])), ['a', 'c']);
    });
  }

  it('lets the first document decide the dimension when the first batch disagrees', async () => {
    const indexer = await start();
    const call = index(
      indexer,
      [document('a'), { id: 'x', embedding: Tensor.vector([1, 2, 3, 4]) }],
      [{ rows: 1 }, { rows: 1 }],
    );
    assert.deepEqual([...call.failures.keys()], ['r1']);
    assert.deepEqual(ids(search(indexer, [1, 0, 0])), ['a']);
  });

  it('refuses a query of another dimension with both numbers', async () => {
    const indexer = await start();
    index(indexer, everything);
    assert.throws(() => search(indexer, [1, 0]), /of 3 numbers as the index has, got 2/);
  });

  it('answers an empty list', async () => {
    assert.equal(index(await start(), []).failures.size, 0);
  });

  it('is not opened twice', async () => {
    index(await start(), everything);
    await assert.rejects(start(), { reason: 'workspace_in_use', message: /open in another process/ });
  });

  it('refuses a workspace whose dimension is not the one that is declared', async () => {
    index(await start(), everything);
    await assert.rejects(restart({ dimension: 4 }), {
      reason: 'workspace_mismatch',
      message: /made with dimension 3, the flow says 4/,
    });
  });

  it('leaves out matches below a minimum score, or beyond a distance', async () => {
    const indexer = await start();
    index(indexer, everything);
    assert.deepEqual(ids(search(indexer, [1, 0, 0], { min_score: 0.5 })), ['a', 'b']);
    assert.deepEqual(ids(search(indexer, [1, 0, 0], { min_score: 0.5, offset: 1 })), ['b']);
    assert.deepEqual(ids(search(indexer, [1, 0, 0], { min_score: 2 })), []);
    assert.throws(() => search(indexer, [1, 0, 0], { max_distance: 1 }), /compares by cosine, which takes min_score/);
    const byDistance = await start({ metric: 'euclidean' }, path.join(workspace, 'distance'));
    index(byDistance, everything);
    assert.deepEqual(ids(search(byDistance, [1, 0, 0], { max_distance: 0.7 })), ['a', 'b']);
    assert.throws(() => search(byDistance, [1, 0, 0], { min_score: 1 }), /by euclidean, which takes max_distance/);
  });

  it('answers filters over tags with a database index as without one, also after more writes', async () => {
    const tagged = Array.from({ length: 50 }, (_, n) =>
      document(`d${n}`, { tags: { n, kind: n % 2 ? 'odd' : 'even' } }),
    );
    const plain = await start();
    index(plain, tagged);
    const filters: JsonObject[] = [
      { n: { $lt: 5 } },
      { kind: 'odd', n: { $gte: 40 } },
      { n: null },
      { kind: { $ne: 'odd' } },
    ];
    const found = (indexer: Indexer) => filters.map((filter) => ids(search(indexer, [1, 1, 1], { filter, limit: 50 })));
    const expected = found(plain);
    assert.deepEqual(
      expected.map((list) => list.length),
      [5, 5, 0, 25],
    );
    const indexed = await restart({ filter_by: ['n', "it's"] });
    assert.deepEqual(found(indexed), expected);
    index(indexed, [document('late', { tags: { n: 1 } })]);
    assert.equal(found(indexed)[0]?.length, 6);
    assert.deepEqual(
      found(await restart({ filter_by: ['kind'] })).map((list) => list.length),
      [6, 5, 0, 26],
    );
  });

  for (const { name, made, opened, message } of [
    {
      name: 'metric',
      made: {},
      opened: { metric: 'euclidean' },
      message: /metric cosine, the flow says euclidean; with normalization/,
    },
    {
      name: 'model',
      made: { model: 'org/one' },
      opened: { model: 'org/two' },
      message: /model org\/one, the flow says org\/two/,
    },
  ]) {
    it(`refuses a workspace that was made with another ${name}`, async () => {
      index(await start(made), everything);
      await assert.rejects(restart(opened), { reason: 'workspace_mismatch', message });
      assert.equal((await restart(made)).status()['documents'], 4);
    });
  }

  it('knows a model by what is in its folder, not by its path', async () => {
    const models = ['one', 'same', 'other'].map((name) => path.join(workspace, name));
    models.forEach((folder, place) => {
      mkdirSync(path.join(folder, 'onnx'), { recursive: true });
      writeFileSync(path.join(folder, 'onnx', 'model.onnx'), place === 2 ? 'other weights' : 'weights');
    });
    const [one = '', same = '', other = ''] = models;
    const folder = path.join(workspace, 'index');
    const first = await start({ model: one }, folder);
    index(first, everything);
    assert.match(JSON.stringify(first.status()['model']), /^"sha256:[0-9a-f]{64}"$/);
    first.close();
    (await start({ model: same }, folder)).close();
    await assert.rejects(start({ model: other }, folder), { reason: 'workspace_mismatch' });
  });

  it('takes over an index of the first version', async () => {
    const database = new DatabaseSync(path.join(workspace, 'index.sqlite'));
    database.exec(`
      CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE documents (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, vector BLOB NOT NULL, tags TEXT,
        content TEXT NOT NULL, blob BLOB);
      INSERT INTO facts VALUES ('dimension', '2');
      INSERT INTO documents VALUES (3, 'old', x'0000803f00000000', '{"n":1}', '{"text":"an old text"}', NULL);
      PRAGMA user_version = 1;
    `);
    database.close();
    const indexer = await start();
    index(indexer, [{ id: 'new', embedding: Tensor.vector([0, 1]) }]);
    assert.deepEqual(ids(search(await restart(), [1, 0])), ['old', 'new']);
    const [old] = search(await restart(), [1, 0], { filter: { n: 1 } });
    assert.equal(old?.text, 'an old text');
    await assert.rejects(restart({ metric: 'euclidean' }), { reason: 'workspace_mismatch' });
  });
});
