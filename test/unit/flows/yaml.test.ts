import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultsIn, planOf } from './flow-text.ts';

function optionsOf(text: string): unknown {
  return planOf(`jtype: Flow\nexecutors:\n  - uses_with: { ${text} }\n`).executors[0]?.with;
}

describe('YAML of a flow', () => {
  it('reads yes, no and off as booleans, but on as text', () => {
    assert.deepEqual(optionsOf('a: yes, b: No, c: OFF, d: on, e: On, on: 1, f: "yes"'), {
      a: true,
      b: false,
      c: false,
      d: 'on',
      e: 'On',
      on: 1,
      f: 'yes',
    });
  });

  it('follows anchors and merge keys, and finds the place of what came through them', () => {
    const text = [
      'jtype: Flow',
      'executors:',
      '  - &first',
      '    uses: Echo',
      '    replicas: 2',
      '    uses_with: { a: 1 }',
      '  - <<: *first',
      '    replicas: 3',
    ].join('\n');
    assert.deepEqual(
      planOf(text).executors.map(({ replicas, with: options }) => [replicas, options]),
      [
        [2, { a: 1 }],
        [3, { a: 1 }],
      ],
    );
    const broken = text.replace('replicas: 2', 'device: 2');
    assert.deepEqual(
      faultsIn(broken).map((fault) => fault.split(' ')[0]),
      ['5:13', '5:13'],
    );
  });

  it('tells every fault of the syntax, with its place', () => {
    const faults = faultsIn('jtype: Flow\nexecutors: [\n  - uses: Echo\n   name: a\n"open\n');
    assert.ok(faults.length >= 2, faults.join('\n'));
    assert.ok(faults.every((fault) => /^\d+:\d+ /.test(fault)));
  });

  it('refuses a key that is written twice, and still checks the rest', () => {
    assert.deepEqual(faultsIn('jtype: Flow\nexecutors:\n  - name: a\n    replicas: 0\n    name: b\n'), [
      '4:15 replicas: expected a whole number of at least 1, got the number 0',
      '5:5 the key name is written twice',
    ]);
  });

  it('refuses tags that are no class name', () => {
    assert.deepEqual(faultsIn('jtype: Flow\nexecutors:\n  - uses_with: { a: !!python/none x }\n'), [
      '3:35 unknown tag tag:yaml.org,2002:python/none; only a class name, as in !Flow, is known',
    ]);
  });

  it('refuses numbers that JSON cannot carry', () => {
    assert.deepEqual(faultsIn('jtype: Flow\nexecutors:\n  - uses_with: { a: .inf }\n'), [
      '3:21 expected a JSON value, got the number Infinity',
    ]);
  });

  it('refuses aliases that grow without bound', () => {
    const levels = ['a: &l0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level++) {
      levels.push(
        `l${level}: &l${level} [${Array(10)
          .fill(`*l${level - 1}`)
          .join(', ')}]`,
      );
    }
    assert.match(faultsIn(`jtype: Flow\n${levels.join('\n')}\n`).join('\n'), /alias/i);
  });

  it('reads a key without a value as a key that is not written', () => {
    const plan = planOf('jtype: Flow\nwith:\ngateway:\n  host:\nexecutors:\n  - name:\n    needs:\n    uses:\n');
    assert.equal(plan.gateway.host, '127.0.0.1');
    assert.equal(plan.executors[0]?.name, 'executor0');
  });

  it('says what came where a flow was expected', () => {
    assert.deepEqual(faultsIn('- a\n'), ['1:1 expected a flow: an object with jtype: Flow, got a list of 1']);
    assert.deepEqual(faultsIn(''), ['1:1 expected a flow: an object with jtype: Flow, got null']);
    assert.deepEqual(faultsIn('executors: [{}]'), ['1:1 expected jtype: Flow, got no jtype']);
    assert.deepEqual(faultsIn('jtype: Deployment\nexecutors: [{}]'), [
      '1:8 jtype: expected Flow, got the text "Deployment"',
    ]);
    assert.deepEqual(faultsIn('jtype: Flow\nversion: 2\nexecutors: [{}]'), [
      '2:10 version: expected version 1, got the number 2',
    ]);
    assert.deepEqual(faultsIn('jtype: Flow\nexecutors: 5'), [
      '2:12 executors: expected a list of executors, got the number 5',
    ]);
    assert.deepEqual(faultsIn('jtype: Flow\n'), ['1:1 executors: expected at least one executor']);
  });
});
