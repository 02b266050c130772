import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openSession, runHalved } from '../../../../executors/kit/index.ts';
import { executorContext } from '../../../fixtures/contexts/executor-context.ts';
import { writeTinyClip } from '../../../fixtures/models/tiny-clip.ts';

describe('openSession', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'sluice-session-'));
  const file = path.join(root, 'onnx', 'text_model.onnx');
  before(() => {
    writeTinyClip(root, 'clip');
  });
  after(() => {
    rmSync(root, { recursive: true });
  });

  it('says what a device is that nobody knows, and which there are', async () => {
    await assert.rejects(openSession(file, executorContext({ device: 'abacus' })), {
      reason: 'device_unavailable',
      message: /cannot be loaded on the device abacus: ONNX Runtime here knows .*cpu.*write device: cpu/,
    });
  });

  it('says that a file is no model', async () => {
    await assert.rejects(openSession(path.join(root, 'config.json'), executorContext()), {
      reason: 'model_unavailable',
      message: /cannot load .*config\.json/,
    });
  });
});

describe('runHalved', () => {
  /** Runs rows on a device that has room for `most`. */
  async function run(rows: number, most: number): Promise<{ calls: number[]; halved: number[] }> {
    const halved: number[] = [];
    const calls = await runHalved(
      Array.from({ length: rows }, (_item, row) => row),
      (batch) =>
        batch.length > most
          ? Promise.reject(new Error('BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer'))
          : Promise.resolve(batch),
      (count) => halved.push(count),
    );
    assert.deepEqual(
      calls.flat(),
      Array.from({ length: rows }, (_item, row) => row),
    );
    return { calls: calls.map(({ length }) => length), halved };
  }

  it('makes one call when memory is enough', async () => {
    assert.deepEqual(await run(8, 8), { calls: [8], halved: [] });
  });

  it('halves a batch until it fits, and keeps the order', async () => {
    assert.deepEqual(await run(9, 3), { calls: [3, 2, 2, 2], halved: [9, 5, 4] });
  });

  it('says that one row is too much', async () => {
    await assert.rejects(run(2, 0), { reason: 'out_of_memory', message: /one row alone/ });
  });

  it('leaves other errors as they are', async () => {
    const fault = new Error('wrong shape');
    await assert.rejects(
      runHalved(
        [1, 2],
        () => Promise.reject(fault),
        () => undefined,
      ),
      fault,
    );
  });
});
