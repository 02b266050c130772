import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FlowError } from '../../../core/index.ts';
import { faultsOf, formatFaults, loadFlow, parseFlow } from '../../../flows/index.ts';
import { fixtures } from './flow-text.ts';

const twoFaults =
  'jtype: Flow\nexecutors:\n  - name: a\n\treplicas: 0\n'.replace('\t', '    ') + '    uses: nowhere.ts\n';

function errorOf(text: string, path = 'flow.yml'): FlowError {
  try {
    parseFlow(text, { path, env: {} });
  } catch (error) {
    assert.ok(error instanceof FlowError);
    return error;
  }
  return assert.fail('the flow was accepted');
}

describe('loadFlow', () => {
  it('gives the plan and the text of a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-flow-'));
    try {
      const path = join(folder, 'My flow.v2.yml');
      await writeFile(path, 'jtype: Flow\nexecutors: [{}]\n');
      const { plan, text } = await loadFlow(path);
      assert.equal(plan.name, 'My_flow.v2');
      assert.equal(plan.executors[0]?.workspace, join(folder, '.sluice', 'My_flow.v2'));
      assert.equal(text, 'jtype: Flow\nexecutors: [{}]\n');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says that there is no such file', async () => {
    await assert.rejects(loadFlow(join(fixtures, 'none.yml')), (error: unknown) => {
      assert.ok(error instanceof FlowError);
      assert.equal(error.reason, 'file_not_found');
      assert.match(error.message, /cannot read the flow file .*none\.yml/);
      return true;
    });
  });

  it('reads variables from the environment of the process unless it is given another', () => {
    process.env['SLUICE_TEST_TITLE'] = 'from outside';
    try {
      const text = 'jtype: Flow\nwith: { title: $SLUICE_TEST_TITLE }\nexecutors: [{}]\n';
      assert.equal(parseFlow(text, { path: 'flow.yml' }).gateway.title, 'from outside');
      assert.match(errorOf(text).message, /the environment has no SLUICE_TEST_TITLE/);
    } finally {
      delete process.env['SLUICE_TEST_TITLE'];
    }
  });
});

describe('faults of a flow', () => {
  it('come all at once, each with file, line, column and path', () => {
    const error = errorOf(twoFaults, 'some/flow.yml');
    assert.equal(error.reason, 'invalid_flow');
    assert.equal(
      error.message,
      'some/flow.yml:4:15: replicas: expected a whole number of at least 1, got the number 0\n' +
        'some/flow.yml:5:11: there is no file nowhere.ts',
    );
    assert.deepEqual(error.details['faults'], [
      {
        file: 'some/flow.yml',
        line: 4,
        column: 15,
        path: 'executors[0].replicas',
        message: 'replicas: expected a whole number of at least 1, got the number 0',
      },
      { file: 'some/flow.yml', line: 5, column: 11, path: 'executors[0].uses', message: 'there is no file nowhere.ts' },
    ]);
    assert.deepEqual(faultsOf(error), error.details['faults']);
    assert.deepEqual(faultsOf(new Error('other')), []);
    assert.deepEqual(faultsOf(new FlowError('internal', 'other')), []);
  });

  it('are shown with their line and a caret, or without where there is no text', () => {
    const faults = faultsOf(errorOf(twoFaults));
    assert.equal(
      formatFaults(faults, () => twoFaults),
      [
        'flow.yml:4:15: replicas: expected a whole number of at least 1, got the number 0',
        '  4 |     replicas: 0',
        '    |               ^',
        'flow.yml:5:11: there is no file nowhere.ts',
        '  5 |     uses: nowhere.ts',
        '    |           ^',
      ].join('\n'),
    );
    assert.equal(
      formatFaults(faults, () => undefined),
      errorOf(twoFaults).message,
    );
  });

  it('keep the caret below its character behind tabs', () => {
    const text = 'jtype: Flow\nexecutors: [{\t"replicas": 0 }]\n';
    assert.equal(
      formatFaults(faultsOf(errorOf(text)), () => text)
        .split('\n')
        .slice(1)
        .join('\n'),
      '  2 | executors: [{\t"replicas": 0 }]\n    |              \t            ^',
    );
  });
});
