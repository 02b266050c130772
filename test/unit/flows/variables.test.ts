import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { escapeVariables, substituteVariables } from '../../../flows/variables.ts';
import { faultsIn } from './flow-text.ts';

const env = {
  NAME: 'Ada',
  PORT: '8080',
  YES: 'True',
  LIST: '[1, a, "2"]',
  QUOTED: '"5"',
  EMPTY: '',
  BIG: '12345678901234567890',
};

function read(value: unknown, context: Record<string, unknown> = {}): unknown {
  const { value: result, faults } = substituteVariables(value, { env, context });
  assert.deepEqual(faults, []);
  return result;
}

function faultsOf(value: unknown): string[] {
  return substituteVariables(value, { env, context: {} }).faults.map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );
}

describe('substituteVariables', () => {
  it('reads the environment, in all its forms', () => {
    assert.equal(read('${{ ENV.NAME }}'), 'Ada');
    assert.equal(read('${{ env.NAME }}'), 'Ada');
    assert.equal(read('${{ENV.NAME}}'), 'Ada');
    assert.equal(read('$NAME'), 'Ada');
    assert.equal(read('http://$NAME:${{ ENV.PORT }}/'), 'http://Ada:8080/');
  });

  it('types what a text has become', () => {
    assert.equal(read('$PORT'), 8080);
    assert.equal(read('-$PORT'), -8080);
    assert.equal(read('$YES'), true);
    assert.deepEqual(read('$LIST'), [1, 'a', '2']);
    assert.equal(read('$QUOTED'), '5');
    assert.equal(read('$EMPTY'), null);
    assert.equal(read('$BIG'), '12345678901234567890');
  });

  it('leaves texts without variables as they are', () => {
    for (const text of ['5', 'true', '', '$5', 'a $ b', '{x}']) assert.equal(read(text), text);
  });

  it('writes a dollar sign for two of them before a word', () => {
    assert.equal(read('$$NAME and $${{ ENV.NAME }}'), '$NAME and ${{ ENV.NAME }}');
  });

  it('reads the context, whose values keep their type', () => {
    const context = { size: 3, name: 'x', list: [1, { a: 2 }] };
    assert.equal(read('${{ CONTEXT.size }}', context), 3);
    assert.equal(read('${{ name }}', context), 'x');
    assert.deepEqual(read('${{ context.list }}', context), [1, { a: 2 }]);
    assert.equal(read('n${{ size }}', context), 'n3');
  });

  it('reads the file itself, through other variables and with types', () => {
    const file = { a: { b: [{ c: 'x' }, { c: '$PORT' }], d: '5' }, list: [{ name: 'n', copy: '${{this.name}}' }] };
    assert.equal(
      read({ ...file, e: '${{root.a.b[1].c}}' }) && (read({ ...file, e: '${{root.a.b[1].c}}' }) as { e: unknown }).e,
      8080,
    );
    assert.deepEqual((read({ ...file, e: '${{root.a.d}}' }) as { e: unknown }).e, '5');
    assert.deepEqual((read({ ...file, e: '${{root.a.b}}' }) as { e: unknown }).e, [{ c: 'x' }, { c: 8080 }]);
    assert.deepEqual((read(file) as { list: unknown }).list, [{ name: 'n', copy: 'n' }]);
  });

  it('tells each variable that stands for nothing, at its place', () => {
    assert.deepEqual(faultsOf({ a: ['$MISSING', '${{ CONTEXT.no }}'], b: '${{ no }} ${{ a.b }}', c: '${HOME}' }), [
      'a.0: the environment has no MISSING; write $$MISSING if the text is meant',
      'a.1: the context has no no',
      'b: the context has no no',
      'b: ${{ a.b }} is no variable; expected ${{ ENV.NAME }}, ${{ CONTEXT.name }}, ${{root.key}} or ${{this.key}}, or $$ for a dollar sign',
      'c: ${HOME} is no variable; expected ${{ ENV.NAME }}, ${{ CONTEXT.name }}, ${{root.key}} or ${{this.key}}, or $$ for a dollar sign',
    ]);
    assert.deepEqual(faultsOf({ a: '${{root.x.y}}', b: '${{this.a[2]}}', c: '${{root}}' }), [
      'a: ${{root.x.y}}: there is no x',
      'b: ${{this.a[2]}}: there is no 2',
      'c: ${{root}}: expected a key, as in ${{root.with.port}}',
    ]);
  });

  it('does not take what every object has for a variable', () => {
    assert.deepEqual(faultsOf(['${{ ENV.toString }}', '${{ constructor }}', '${{root.length}}']).length, 2);
    assert.match(faultsOf({ a: '${{root.toString}}' })[0] ?? '', /there is no toString/);
  });

  it('tells a circle instead of following it', () => {
    assert.match(faultsOf({ a: '${{root.b}}', b: '${{root.a}}' }).join('\n'), /a: \$\{\{root\.b\}\} refers to itself/);
    assert.match(faultsOf({ a: { b: '${{root.a}}' } }).join('\n'), /refers to itself/);
  });

  it('tells a fault once, where the text is, not where it is referred to', () => {
    assert.deepEqual(faultsOf({ a: '${{root.b}}', b: '$MISSING' }), [
      'b: the environment has no MISSING; write $$MISSING if the text is meant',
    ]);
  });

  it('gives the text itself back when it was escaped', () => {
    const piece = fc.constantFrom('$', '{', '}', '{{', 'ENV.', 'A', ' ', '5', '$$', 'root.');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        assert.equal(read(escapeVariables(text)), text);
      }),
    );
  });
});

describe('a variable in a flow file', () => {
  it('that stands for nothing is a fault at the place of the variable, and the only one there', () => {
    assert.deepEqual(
      faultsIn('jtype: Flow\nwith:\n  port: $PORT\n  title: "Flow of ${{ ENV.WHO }}"\nexecutors: [{}]\n'),
      ['3:9 the environment has no PORT; write $$PORT if the text is meant', '4:19 the environment has no WHO'],
    );
  });
});
