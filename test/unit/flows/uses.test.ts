import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import type { ExecutorPlan } from '../../../flows/index.ts';
import { faultListOf, faultsIn, fixtures, planOf } from './flow-text.ts';

function executor(...lines: string[]): ExecutorPlan {
  const [first] = planOf(flowWith(...lines)).executors;
  assert.ok(first);
  return first;
}

function flowWith(...lines: string[]): string {
  return `jtype: Flow\nexecutors:\n  - ${lines.join('\n    ')}\n`;
}

const upper = { kind: 'module', path: resolve(fixtures, 'executors/upper.ts') };

describe('uses', () => {
  it('names a module beside the flow file, with or without a class', () => {
    assert.deepEqual(executor('uses: executors/upper.ts').source, upper);
    assert.equal(executor('uses: executors/upper.ts').className, undefined);
    assert.equal(executor('uses: ./executors/upper.ts#Lower').className, 'Lower');
  });

  it('names what ships with Sluice; nothing and BaseExecutor are Echo', () => {
    assert.deepEqual(executor('uses: Indexer').source, { kind: 'builtin', name: 'Indexer' });
    for (const uses of ['uses: BaseExecutor', 'uses: ""', 'uses:', 'name: a', 'uses: {jtype: BaseExecutor}']) {
      assert.deepEqual(executor(uses).source, { kind: 'builtin', name: 'Echo' });
    }
  });

  it('names an installed package, whose class may follow', () => {
    const plan = executor('uses: zod#Thing');
    assert.deepEqual(plan.source, { kind: 'package', specifier: 'zod', resolveFrom: fixtures.replace(/\/$/, '') });
    assert.equal(plan.className, 'Thing');
    assert.equal(executor('uses: "@types/node"').source.kind, 'package');
  });

  it('names an executor YAML, whose files are beside it', () => {
    const plan = executor('uses: executors/config.yml', 'name: a');
    assert.deepEqual(plan.source, upper);
    assert.equal(plan.className, 'Upper');
  });

  it('is an executor YAML itself, as an object and as text', () => {
    assert.equal(executor('uses: { jtype: Lower, py_modules: executors/upper.ts }').className, 'Lower');
    assert.equal(executor('uses: "!Lower {py_modules: [executors/upper.ts]}"').className, 'Lower');
    assert.deepEqual(executor(`uses: '{"jtype": "Encoder", "with": {"a": 1}}'`).with, { a: 1 });
    assert.deepEqual(executor('uses: |', '  jtype: Encoder', '  with: {a: 1}').with, { a: 1 });
  });

  it('names a class of py_modules', () => {
    const plan = executor('uses: Lower', 'py_modules: executors/upper.ts');
    assert.deepEqual([plan.source, plan.className], [upper, 'Lower']);
  });

  it('is searched in extra_search_paths too', () => {
    assert.deepEqual(executor('uses: upper.ts', 'extra_search_paths: [executors]').source, upper);
  });

  it('of the YAML gives way to uses_with, uses_metas, uses_requests and, setting by setting, uses_dynamic_batching', () => {
    const plan = executor(
      'uses: executors/config.yml',
      'uses_with: { layers: 3, more: [1] }',
      'uses_metas: { name: other }',
      'uses_requests: { /upper: shout }',
      'uses_dynamic_batching: { /encode: { timeout: 5s, flush_all: yes }, /new: { preferred_batch_size: 2 } }',
    );
    assert.deepEqual(plan.with, { model: 'small', layers: 3, more: [1] });
    assert.deepEqual(plan.metas, { name: 'other', description: 'Makes texts upper case' });
    assert.deepEqual(plan.requests, { '/encode': 'encode', '/upper': 'shout' });
    assert.deepEqual(plan.dynamicBatching, {
      '/encode': { preferredBatchSize: 16, timeoutMs: 5000, flushAll: true },
      encode: { preferredBatchSize: 4 },
      '/new': { preferredBatchSize: 2 },
    });
  });

  it('is a fault at its line when the file is not there', () => {
    assert.deepEqual(faultsIn(flowWith('name: a', 'uses: nowhere.ts')), ['4:11 there is no file nowhere.ts']);
    assert.deepEqual(faultsIn(flowWith('uses: executors')).length, 1);
  });

  it('shows faults of the executor YAML at their place in that file', () => {
    const faults = faultListOf(flowWith('uses: executors/broken.yml', 'replicas: 0'));
    assert.deepEqual(
      faults.map(({ file, line, column, message }) => [file.split('flows/')[1], line, column, message]),
      [
        ['executors/broken.yml', 2, 1, 'unknown key "wiht"; did you mean "with"?'],
        ['executors/broken.yml', 3, 14, 'there is no file nowhere.ts'],
        ['flow.yml', 4, 15, 'replicas: expected a whole number of at least 1, got the number 0'],
      ].sort((a, b) => String(b[0]).localeCompare(String(a[0]))),
    );
  });

  it('suggests a name that is near', () => {
    assert.match(
      faultsIn(flowWith('uses: Encodr')).join(),
      /3:11 uses: expected .* got "Encodr"; did you mean "Encoder"\?/,
    );
    assert.match(
      faultsIn(flowWith('uses: { jtype: Rankr }')).join(),
      /jtype: Rankr does not ship with Sluice.*"Ranker"/,
    );
    assert.deepEqual(faultsIn(flowWith('uses: { with: {} }')), [
      '3:11 expected jtype (a class name), py_modules (the file of the class), or both',
    ]);
  });

  it('refuses containers, the hub and other hosts by name', () => {
    for (const uses of ['docker://image', 'jinaai://user/encoder', 'jinahub+docker://x', 'https://host/e.yml']) {
      assert.match(faultsIn(flowWith(`uses: ${uses}`)).join(), /^3:11 uses .* does not serve yet$/);
    }
  });

  it('refuses Python, more than one module, and a module beside a file', () => {
    assert.match(
      faultsIn(flowWith('uses: executor.py')).join(),
      /3:11 expected a \.ts, \.js or \.mjs file, got a Python module/,
    );
    assert.deepEqual(
      faultsIn(
        flowWith(
          'uses:',
          '  jtype: CLIPEncoder',
          '  metas:',
          '    py_modules:',
          '      - clip_server.executors.clip_torch',
        ),
      ),
      ['7:13 expected a .ts, .js or .mjs file, got a Python module: clip_server.executors.clip_torch'],
    );
    assert.match(
      faultsIn(flowWith('uses: A', 'py_modules: [a.ts, b.ts]')).join(),
      /4:17 py_modules: expected one file.*got 2/,
    );
    assert.match(
      faultsIn(flowWith('uses: executors/upper.ts', 'py_modules: a.ts')).join(),
      /4:5 py_modules says where/,
    );
  });

  it('shows faults of YAML inside a text at the place of the text', () => {
    assert.deepEqual(faultsIn(flowWith('uses: "!Encoder {wiht: 5}"')), [
      '3:11 line 1 of the text: unknown key "wiht"; did you mean "with"?',
    ]);
  });
});
