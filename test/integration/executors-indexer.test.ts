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
import { startRuntime } from '../fixtures/running-runtime.ts';

const writer = fileURLToPath(new URL('../fixtures/executors/index-writer.ts', import.meta.url));
const kills = 5;

describe('An index whose process is killed with SIGKILL while it writes', () => {
  let workspace: string;
  before(() => {
    workspace = mkdtempSync(path.join(tmpdir(), 'sluice-killed-index-'));
  });
  after(() => {
    rmSync(workspace, { recursive: true });
  });

  /** Runs the writer until it has acknowledged some batches more, kills it, and answers what it acknowledged. */
  async function writeAndKill(batches: number): Promise<number> {
    const child = spawn(process.execPath, ['--import', 'tsx', writer, workspace], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    let acknowledged = 0;
    let seen = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (++seen === batches) child.kill('SIGKILL');
    }
    const [, signal] = (await exited) as [number | null, string | null];
    assert.equal(signal, 'SIGKILL');
    return acknowledged;
  }

  it('has every acknowledged document after each restart, whole and searchable', async () => {
    for (let kill = 0; kill < kills; kill++) {
      const acknowledged = await writeAndKill(3 + kill * 7);
      const indexer = new Indexer(Indexer.options.parse({}), executorContext({ workspace }));
      await indexer.init();
      const documents = Number(indexer.status()['documents']);
      assert.ok(documents >= acknowledged, `${acknowledged} acknowledged, ${documents} found`);
      assert.equal(documents % 4, 0, 'a batch is there as a whole or not at all');
      const queries = DocumentArray.fromInputs(
        Array.from({ length: documents }, (_, id) => ({ embedding: Tensor.vector(numberedVector(id)) })),
      );
      indexer.search(queries, new RecordedCall('/search', queries));
      queries.forEach(({ matches }, id) => {
        assert.equal(matches?.[0]?.id, String(id));
        assert.equal(matches[0].text, `text ${id}`);
      });
      indexer.close();
    }
  });
});

describe('The indexer as a worker of a flow', () => {
  const embedding = Tensor.vector([1, 2, 3]);

  it('answers from what it acknowledged when its worker is killed right after', async () => {
    const running = await startRuntime([
      { file: 'echo.ts', name: 'indexer', source: { kind: 'builtin', name: 'Indexer' } },
    ]);
    try {
      const indexed = await running.post('/index', [{ id: 'kept', text: 'a kept text', embedding }]);
      assert.equal(indexed.error, undefined);
      const [pid] = running.pids();
      assert.ok(pid !== undefined);
      process.kill(pid, 'SIGKILL');
      await running.until(() => !running.pids().includes(pid));
      await running.until(() => running.runtime.status().isReady);
      const { docs, error } = await running.post('/search', [{ embedding }], { parameters: { limit: 1 } });
      assert.equal(error, undefined);
      assert.equal(docs[0]?.matches?.[0]?.text, 'a kept text');
    } finally {
      await running.stop();
    }
  });

  it('fails the caller whose documents are wrong and serves the others of the batch', async () => {
    const running = await startRuntime([
      { file: 'echo.ts', name: 'indexer', source: { kind: 'builtin', name: 'Indexer' } },
    ]);
    try {
      const answers = await Promise.all([
        running.post('/index', [{ id: 'a', embedding }]),
        running.post('/index', [{ id: 'b', embedding: Tensor.vector([1]) }]),
        running.post('/index', [{ id: 'c' }]),
        running.post('/index', [{ id: 'd', embedding }]),
      ]);
      assert.deepEqual(
        answers.map(({ error }) => error?.reason),
        [undefined, 'invalid_argument', 'invalid_argument', undefined],
      );
      const { parameters } = await running.post('/status', []);
      assert.deepEqual(parameters['__results__'], {
        'indexer/rep-0': { documents: 2, dimension: 3, metric: 'cosine', engine: 'usearch', search: 'scan' },
      });
    } finally {
      await running.stop();
    }
  });

  it('answers searches while documents are written, each with what was acknowledged before it', async () => {
    const running = await startRuntime([
      { file: 'echo.ts', name: 'indexer', source: { kind: 'builtin', name: 'Indexer' } },
    ]);
    const batch = (first: number) =>
      Array.from({ length: 50 }, (_, place) => ({
        id: String(first + place),
        embedding: Tensor.vector(numberedVector(first + place)),
      }));
    try {
      let acknowledged = 0;
      const writing = (async () => {
        for (let first = 0; first < 500; first += 50) {
          const { error } = await running.post('/index', batch(first));
          assert.equal(error, undefined);
          acknowledged = first + 50;
        }
      })();
      let searches = 0;
      while (acknowledged < 500) {
        const known = acknowledged;
        const id = Math.max(0, known - 1);
        const { docs, error } = await running.post('/search', [{ embedding: Tensor.vector(numberedVector(id)) }]);
        assert.equal(error, undefined);
        if (known > 0) assert.equal(docs[0]?.matches?.[0]?.id, String(id));
        searches++;
      }
      await writing;
      assert.ok(searches > 1);
    } finally {
      await running.stop();
    }
  });
});
