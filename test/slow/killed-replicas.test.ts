import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, FlowError } from '../../client/index.ts';
import { Flow } from '../../flows/index.ts';
import { type RunningFlow, startFlow } from '../../running-flow.ts';
import { executorPath } from '../fixtures/running-runtime.ts';

const kills = 20;
const requests = 100_000;
const callers = 64;

interface Counts {
  reads: number;
  failedReads: number;
  writes: number;
  failedWrites: number;
  documents: number;
  wrongHashes: number;
}

describe('replicas killed under load', () => {
  it(`lose no read among ${requests} mixed requests over HTTP, and every answer is that of its own input`, async (t) => {
    const workspace = mkdtempSync(path.join(tmpdir(), 'sluice-kills-'));
    const flow = await startFlow(
      Flow.create({ name: 'kills', port: 0, workspace }).add({
        name: 'echo',
        uses: executorPath('echo.ts'),
        replicas: 2,
      }),
    );
    try {
      const counts = { reads: 0, failedReads: 0, writes: 0, failedWrites: 0, documents: 0, wrongHashes: 0 };
      const [host = ''] = flow.urls;
      const client = new Client({ host });
      let killed = 0;
      let sent = 0;
      const callOn = async (): Promise<void> => {
        while (sent < requests || killed < kills) await mixedRequest(client, sent++, counts);
      };
      const killOn = async (): Promise<void> => {
        for (; killed < kills; killed++) {
          await killOne(flow, killed);
          // Spread over the run, not bunched at its start.
          while (sent < ((killed + 1) * requests) / (kills + 1)) await sleep(10);
        }
      };
      await Promise.all([killOn(), ...Array.from({ length: callers }, callOn)]);
      await client.close();
      const restarts = flow.status().executors.flatMap(({ workers }) => workers.map((worker) => worker.restarts));
      t.diagnostic(JSON.stringify({ kills: killed, ...counts, restarts }));
      assert.equal(counts.failedReads, 0);
      assert.equal(counts.wrongHashes, 0);
      assert.ok(counts.reads + counts.writes >= requests);
      assert.ok(killed >= kills);
    } finally {
      await flow.stop();
      rmSync(workspace, { recursive: true, force: true });
    }
  });
});

/** Single and many documents, small and large, joined and not; each tenth a write. */
async function mixedRequest(client: Client, number: number, counts: Counts): Promise<void> {
  if (number % 10 === 9) {
    counts.writes++;
    try {
      await client.post('/write', [`write ${number}`]);
    } catch (error) {
      assert.ok(error instanceof FlowError && error.reason === 'worker_crashed', String(error));
      counts.failedWrites++;
    }
    return;
  }
  const size = number % 50 === 3 ? 40 : 1;
  const text = number % 500 === 7 ? 'x'.repeat(100_000) : '';
  const texts = Array.from({ length: size }, (_item, row) => `${number} ${row} ${text}`);
  counts.reads++;
  try {
    const docs = await client.post('/hash', texts);
    counts.documents += docs.length;
    docs.forEach((doc, row) => {
      const expected = createHash('sha256')
        .update(texts[row] ?? '')
        .digest('hex');
      if (doc.tags?.['sha256'] !== expected) counts.wrongHashes++;
    });
    if (docs.length !== size) counts.wrongHashes++;
  } catch {
    counts.failedReads++;
  }
}

/** Kills one of the two workers once both are there, so that no request can lose both of its tries to us. */
async function killOne(flow: RunningFlow, turn: number): Promise<void> {
  for (;;) {
    const workers = flow.status().executors.flatMap((executor) => executor.workers);
    const pid = workers[turn % workers.length]?.pid;
    if (pid !== undefined && workers.every(({ state }) => state === 'ready' || state === 'busy')) {
      process.kill(pid, 'SIGKILL');
      return;
    }
    await sleep(5);
  }
}
