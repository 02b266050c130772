import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DocumentArray, Tensor } from '../../core/index.ts';
import { Indexer } from '../../executors/indexer/index.ts';
import { executorContext, RecordedCall } from '../fixtures/contexts/executor-context.ts';
import { numberedVector } from '../fixtures/vectors.ts';

const writer = fileURLToPath(new URL('../fixtures/executors/index-writer.ts', import.meta.url));
const kills = 50;
/** The writer closes the index, and so saves its graph, after every few batches, so that kills fall into that too. */
const settings = { rows: 60, batches: 4, rounds: 1000 };

describe('An index that is killed 50 times while it writes documents and saves its graph', () => {
  let workspace: string;
  before(() => {
    workspace = mkdtempSync(path.join(tmpdir(), 'sluice-killed-index-'));
  });
  after(() => {
    rmSync(workspace, { recursive: true });
  });

  /** Runs the writer until it has acknowledged some batches, kills it, and answers how many documents those made. */
  async function writeAndKill(batches: number): Promise<number> {
    const child = spawn(process.execPath, ['--import', 'tsx', writer, workspace, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    let [acknowledged, seen] = [0, 0];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (++seen === batches) child.kill('SIGKILL');
    }
    const [, signal] = (await exited) as [number | null, string | null];
    assert.equal(signal, 'SIGKILL', 'the writer must not end, or abort, by itself');
    return acknowledged;
  }

  async function open(): Promise<Indexer> {
    const indexer = new Indexer(Indexer.options.parse({}), executorContext({ workspace }));
    await indexer.init();
    return indexer;
  }

  function assertHas(indexer: Indexer, documents: number): void {
    for (let offset = 0; offset < documents; offset += 1000) {
      const none = new DocumentArray();
      const page = indexer.fetch(
        none,
        new RecordedCall('/fetch', none, [{ rows: 0, parameters: { offset, limit: 1000 } }]),
      );
      page.forEach(({ id, text }, place) => {
        assert.equal(id, String(offset + place));
        assert.equal(text, `text ${id}`);
      });
      assert.equal(page.length, Math.min(1000, documents - offset));
    }
  }

  /** How many of the documents are the nearest to their own vectors. */
  function found(indexer: Indexer, ids: readonly number[], exact: boolean): number {
    const queries = DocumentArray.fromInputs(ids.map((id) => ({ embedding: Tensor.vector(numberedVector(id)) })));
    indexer.search(
      queries,
      new RecordedCall('/search', queries, [{ rows: ids.length, parameters: { limit: 1, exact } }]),
    );
    return queries.filter(({ matches }, place) => matches?.[0]?.id === String(ids[place])).length;
  }

  it('opens each time, with every acknowledged document whole and found', async () => {
    let documents = 0;
    for (let kill = 0; kill < kills; kill++) {
      const acknowledged = await writeAndKill(1 + (kill % 9));
      const indexer = await open();
      documents = Number(indexer.status()['documents']);
      assert.ok(documents >= acknowledged, `${acknowledged} acknowledged, ${documents} found`);
      assert.equal(documents % settings.rows, 0, 'a batch is there as a whole or not at all');
      assertHas(indexer, documents);
      const newest = Array.from({ length: Math.min(documents, 500) }, (_, place) => documents - 1 - place);
      assert.equal(found(indexer, newest, true), newest.length);
      indexer.close();
    }
    const indexer = await open();
    assert.equal(indexer.status()['search'], 'graph');
    const all = Array.from({ length: documents }, (_, id) => id);
    assert.ok(found(indexer, all, false) >= 0.99 * documents);
    indexer.close();
  });
});
