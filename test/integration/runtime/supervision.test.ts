import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startRuntime } from '../../fixtures/running-runtime.ts';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // One that has ended may stay in the table until the first process of the machine collects it.
  return !existsSync('/proc') || !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

describe('workers that are killed', () => {
  it('loses no read request while replicas are killed under load, and mixes up no answers', async () => {
    const running = await startRuntime([{ file: 'echo.ts', name: 'echo', replicas: 2 }]);
    try {
      const kills = 5;
      let sent = 0;
      let killed = 0;
      const callers = Array.from({ length: 32 }, async () => {
        while (killed < kills) {
          const text = `request ${sent++}`;
          const { error, docs } = await running.post('/hash', [text]);
          assert.equal(error, undefined);
          assert.equal(docs[0]?.tags?.['sha256'], createHash('sha256').update(text).digest('hex'));
        }
      });
      const killer = async (): Promise<void> => {
        for (; killed < kills; killed++) {
          await running.until(() => running.pids().length === 2 && allReady());
          const pid = running.pids()[killed % 2];
          assert.ok(pid !== undefined);
          process.kill(pid, 'SIGKILL');
          await running.until(() => !running.pids().includes(pid));
        }
      };
      const allReady = (): boolean =>
        running.runtime.status().executors[0]?.workers.every(({ state }) => state === 'ready' || state === 'busy') ??
        false;
      await Promise.all([...callers, killer()]);
      assert.ok(sent > 0);
    } finally {
      await running.stop();
    }
  });

  it('says why, and fails what waits, when an executor is given up', async () => {
    const running = await startRuntime([{ file: 'echo.ts', name: 'echo' }]);
    try {
      // Idle, and never having answered: nothing but the worker itself explains these ends.
      for (let end = 0; end < 5; end++) {
        await running.until(() => running.runtime.status().isReady);
        const [pid] = running.pids();
        assert.ok(pid !== undefined);
        process.kill(pid, 'SIGKILL');
        await running.until(() => !running.pids().includes(pid));
      }
      const { error } = await running.post('/x', ['a']);
      assert.equal(error?.reason, 'executor_unavailable');
      assert.match(error.message, /SIGKILL/);
    } finally {
      await running.stop();
    }
  });
});

describe('stopping', () => {
  it('answers every accepted request, refuses new ones, and leaves no process', async () => {
    const running = await startRuntime([{ file: 'faults.ts', name: 'faults' }]);
    const pids = running.pids();
    const accepted = Array.from({ length: 5 }, async () => running.post('/slow', ['x'], { parameters: { ms: 50 } }));
    const stopped = running.stop();
    const refused = await running.post('/ok', ['x']);
    assert.equal(refused.error?.reason, 'draining');
    for (const { error } of await Promise.all(accepted)) assert.equal(error, undefined);
    await stopped;
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it('ends with what is in flight when the time is up', async () => {
    const running = await startRuntime([{ file: 'faults.ts', name: 'faults' }]);
    const endless = running.post('/hang', ['x']);
    await running.until(() => running.runtime.status().executors[0]?.workers[0]?.state === 'busy');
    await running.runtime.stop(50);
    assert.equal((await endless).error?.reason, 'draining');
    await running.stop();
  });
});

describe('a parent that is killed', () => {
  it('leaves no worker behind, not even one that blocks its event loop', async () => {
    const script = fileURLToPath(new URL('../../fixtures/parent.ts', import.meta.url));
    const parent = spawn(process.execPath, ['--import', 'tsx', '--conditions=sluice-source', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const pids = JSON.parse(line) as number[];
    assert.equal(pids.filter(isAlive).length, 3);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    const deadline = Date.now() + 2_000;
    while (pids.some(isAlive) && Date.now() < deadline) await sleep(50);
    assert.deepEqual(pids.filter(isAlive), []);
  });
});
