import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import type { ExecutorPlan } from '../../../flows/index.ts';
import { faultListOf, faultsIn, fixtures, planOf } from './flow-text.ts';

function executor(text: string, shared = '{}'): ExecutorPlan {
  const [first] = planOf(`jtype: Flow\nwith: ${shared}\nexecutors:\n  - ${text}\n`).executors;
  assert.ok(first);
  return first;
}

function faults(text: string, shared = '{}'): string[] {
  return faultsIn(`jtype: Flow\nwith: ${shared}\nexecutors:\n  - ${text}\n`);
}

describe('an executor of a plan', () => {
  it('has every default filled in', () => {
    assert.deepEqual(executor('{}'), {
      name: 'executor0',
      source: { kind: 'builtin', name: 'Echo' },
      with: {},
      metas: {},
      requests: {},
      dynamicBatching: {},
      needs: [],
      isFloating: false,
      noReduce: false,
      replicas: 1,
      devices: ['cpu'],
      env: {},
      workspace: resolve(fixtures, '.sluice/flow'),
      queue: { requests: 1024, bytes: 256 * 2 ** 20 },
    });
  });

  it('takes our keys: concurrency, device, queue', () => {
    const plan = executor('{ concurrency: 4, device: [cuda:0, cuda:1], queue: { requests: 8, bytes: 1.5MiB } }');
    assert.equal(plan.concurrency, 4);
    assert.deepEqual(plan.devices, ['cuda:0', 'cuda:1']);
    assert.deepEqual(plan.queue, { requests: 8, bytes: 1.5 * 2 ** 20 });
    assert.deepEqual(executor('{ device: auto, queue: { bytes: 10KB } }').queue, { requests: 1024, bytes: 10_000 });
  });

  it('reads whole numbers under keys of Jina as milliseconds, durations as what they say, -1 as no limit', () => {
    assert.equal(executor('{ timeout_ready: 5000, timeout_send: 2s }').timeoutReadyMs, 5000);
    assert.equal(executor('{ timeout_ready: 5000, timeout_send: 2s }').timeoutSendMs, 2000);
    const unlimited = executor('{ timeout_ready: -1, timeout_send: -1 }', '{ timeout_ready: 1, timeout_send: 1 }');
    assert.equal('timeoutReadyMs' in unlimited, false);
    assert.equal('timeoutSendMs' in unlimited, false);
  });

  it('is handed what with says, unless it says so itself', () => {
    const shared =
      '{ replicas: 3, env: { A: 1 }, timeout_ready: 7, timeout_send: 9, device: cuda, disable_reduce: yes }';
    const plan = executor('{ env: { B: 2 } }', shared);
    assert.deepEqual(plan.env, { B: '2' });
    assert.deepEqual([plan.replicas, plan.timeoutReadyMs, plan.timeoutSendMs, plan.noReduce], [3, 7, 9, true]);
    assert.deepEqual(plan.devices, ['cuda']);
    assert.equal(executor('{ no_reduce: false }', shared).noReduce, false);
  });

  it('gets timeout_send of the gateway, which wins over with', () => {
    const text =
      'jtype: Flow\nwith: { timeout_send: 1 }\ngateway: { timeout_send: 2 }\nexecutors: [{}, { timeout_send: 3 }]';
    assert.deepEqual(
      planOf(text).executors.map((item) => item.timeoutSendMs),
      [2, 3],
    );
  });

  it('works in a folder beside the flow file', () => {
    assert.equal(executor('{}', '{ name: shop }').workspace, resolve(fixtures, '.sluice/shop'));
    assert.equal(executor('{}', '{ workspace: ./data }').workspace, resolve(fixtures, 'data'));
    assert.equal(executor('{ workspace: /tmp/x }', '{ workspace: ./data }').workspace, '/tmp/x');
    assert.equal(
      executor('{ uses: { jtype: Echo, metas: { workspace: meta } } }').workspace,
      resolve(fixtures, 'meta'),
    );
  });

  it('refuses wrong values with what was expected and what came', () => {
    assert.deepEqual(faults('{ replicas: two }'), [
      '4:17 replicas: expected a whole number of at least 1, got the text "two"',
    ]);
    assert.match(faults('{ device: CUDA! }').join(), /device: expected a device such as cpu, cuda or cuda:1/);
    assert.deepEqual(faults('{ queue: { bytes: 64 } }'), [
      '4:23 bytes: expected a size such as "64MiB", got the number 64',
    ]);
    assert.deepEqual(faults('{ queue: { bytes: 0B } }'), ['4:23 bytes: expected a size above zero, got the number 0']);
    assert.match(faults('{ timeout_send: 0 }').join(), /expected a whole number of milliseconds above zero/);
    assert.match(faults('{ timeout_send: 5 s, timeout_ready: fast }').join(), /^4:41 timeout_ready: expected/);
    assert.deepEqual(faults('{ env: { A: [1] } }'), [
      '4:17 A: expected text, a number, true or false, got a list of 1',
    ]);
    assert.match(
      faults('{ uses_dynamic_batching: { /e: { preferred_batch_size: 0 } } }').join(),
      /at least 1, got the number 0/,
    );
    assert.match(faults('5').join(), /4:5 executors\[0\]: expected an object/);
    assert.match(faults('no-such.yml').join(), /there is no file no-such.yml/);
  });

  it('refuses devices dealt out by CUDA_VISIBLE_DEVICES', () => {
    assert.match(
      faults('{ env: { CUDA_VISIBLE_DEVICES: RR0:2 } }').join(),
      /RR0:2 .* does not serve yet; write device/,
    );
    assert.deepEqual(executor('{ env: { CUDA_VISIBLE_DEVICES: 1 } }').env, { CUDA_VISIBLE_DEVICES: '1' });
  });

  it('refuses two names of one key', () => {
    assert.deepEqual(faults('{ no_reduce: yes, disable_reduce: no }'), [
      '4:23 disable_reduce is another name of no_reduce; write one of them',
    ]);
  });

  it('refuses a Deployment without with', () => {
    assert.deepEqual(faults('{ jtype: Deployment }'), ['4:5 expected with: an object with the keys of the executor']);
    assert.match(faults('{ jtype: Deployment, with: {}, name: a }').join(), /unknown key "name" here; it is a key of/);
  });

  it('tells where in a list a fault is', () => {
    const [fault] = faultListOf('jtype: Flow\nexecutors:\n  - {}\n  - device: [cpu, 5]\n');
    assert.deepEqual([fault?.line, fault?.column, fault?.path], [4, 19, 'executors[1].device[1]']);
  });
});
