import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import type { Plan } from '../../../flows/index.ts';
import { faultsIn, planOf } from './flow-text.ts';

function flowWith(...executors: string[]): string {
  return `jtype: Flow\nexecutors:\n${executors.map((item) => `  - ${item}\n`).join('')}`;
}

function shapeOf(plan: Plan): string[] {
  return plan.executors.map(
    ({ name, needs, isFloating }) => `${name}(${needs.join()})${isFloating ? ' floating' : ''}`,
  );
}

function shape(...executors: string[]): string[] {
  return shapeOf(planOf(flowWith(...executors)));
}

function faults(...executors: string[]): string[] {
  return faultsIn(flowWith(...executors));
}

describe('names', () => {
  it('are executor<N> by position when they are missing', () => {
    assert.deepEqual(shape('{}', '{ name: a }', '{}'), ['executor0()', 'a(executor0)', 'executor2(a)']);
  });

  it('get their position behind them when they are taken', () => {
    assert.deepEqual(shape('{ name: a }', '{ name: a }', '{ name: a }'), ['a()', 'a1(a)', 'a2(a1)']);
    assert.deepEqual(shape('{ name: a2 }', '{ name: a }', '{ name: a }'), ['a2()', 'a(a2)', 'a22(a)']);
  });

  it('must be identifiers, and not gateway', () => {
    for (const name of ['my-executor', '1st', 'a b', '""']) {
      assert.match(faults(`{ name: ${name} }`).join(), /3:13 name: expected a name of letters, digits and _/);
    }
    assert.deepEqual(shape('{ name: größe_2 }'), ['größe_2()']);
    assert.match(faults('{ name: gateway }').join(), /3:13 name: gateway is the name of the gateway/);
  });

  it('that are wrong are not told again where they are needed', () => {
    assert.equal(faults('{ name: my-executor }', '{ needs: my-executor }').length, 1);
  });
});

describe('needs', () => {
  it('that are missing follow the last executor that is not floating', () => {
    assert.deepEqual(shape('{ name: a }', '{ name: f, floating: true }', '{ name: b }'), [
      'a()',
      'f(a) floating',
      'b(a)',
    ]);
  });

  it('of gateway, or of nothing, start at the request', () => {
    assert.deepEqual(
      shape('{ name: a }', '{ name: b, needs: gateway }', '{ name: c, needs: [] }', '{ needs: [a, b, c] }'),
      ['a()', 'b()', 'c()', 'executor3(a,b,c)'],
    );
  });

  it('may name executors that come later in the file', () => {
    const plan = planOf(flowWith('{ name: c, needs: b }', '{ name: b, needs: a }', '{ name: a, needs: gateway }'));
    assert.deepEqual(shapeOf(plan), ['a()', 'b(a)', 'c(b)']);
    assert.equal(plan.last, 'c');
  });

  it('make leaves beside the last one floating, with all that leads only to them', () => {
    const plan = planOf(
      flowWith('{ name: a }', '{ name: b, needs: a }', '{ name: c, needs: b }', '{ name: d, needs: a }'),
    );
    assert.deepEqual(shapeOf(plan), ['a()', 'b(a) floating', 'c(b) floating', 'd(a)']);
    assert.equal(plan.last, 'd');
  });

  it('of a floating executor do not take the answer away from the one it needs', () => {
    assert.equal(planOf(flowWith('{ name: a }', '{ name: f, floating: true }')).last, 'a');
  });

  it('of unknown names are faults at the name, with a suggestion', () => {
    assert.deepEqual(
      faults('{ name: encoder }', '{ name: b, needs: [encoder, encodr] }', '{ needs: nothing_like_it }'),
      [
        '4:33 needs: there is no executor "encodr"; did you mean "encoder"?',
        '5:14 needs: there is no executor "nothing_like_it"',
      ],
    );
  });

  it('in a circle are a fault that names it', () => {
    assert.deepEqual(
      faults('{ name: a, needs: c }', '{ name: b, needs: a }', '{ name: c, needs: b }', '{ name: d, needs: c }'),
      ['3:23 needs: the executors wait for each other: a needs c needs b needs a'],
    );
    assert.deepEqual(faults('{ name: a, needs: a }'), ['3:23 needs: the executors wait for each other: a needs a']);
  });

  it('tell each circle, and which part of it nobody wrote', () => {
    assert.deepEqual(faults('{ name: a, needs: b }', '{ name: b }', '{ name: c, needs: d }', '{ name: d, needs: c }'), [
      '3:23 needs: the executors wait for each other: a needs b needs a (b without needs: it comes after the one above it)',
      '5:23 needs: the executors wait for each other: c needs d needs c',
    ]);
  });

  it('must not name one twice, nor gateway beside others, nor a floating one', () => {
    assert.match(faults('{ name: a }', '{ needs: [a, a] }').join(), /4:18 needs: a is named twice/);
    assert.match(
      faults('{ name: a }', '{ needs: [a, gateway] }').join(),
      /4:18 needs: gateway beside other names is not/,
    );
    assert.match(faults('{ name: a, floating: true }', '{ name: b, needs: a }').join(), /4:23 needs: a is floating/);
    assert.match(faults('{ floating: true }').join(), /3:5 expected at least one executor that is not floating/);
    assert.match(faults('{ method: needs }').join(), /3:15 method: needs expects needs/);
  });
});

describe('a plan', () => {
  it('is frozen, all the way down', () => {
    const plan = planOf(flowWith('{ uses_with: { list: [{ a: 1 }] } }'));
    const check = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      assert.ok(Object.isFrozen(value));
      Object.values(value).forEach(check);
    };
    check(plan);
  });

  it('puts each executor after all it needs, for any graph without a circle', () => {
    const graph = fc
      .integer({ min: 1, max: 12 })
      .chain((count) =>
        fc.tuple(
          fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: count, maxLength: count }),
          fc.shuffledSubarray([...Array(count).keys()], { minLength: count }),
        ),
      );
    fc.assert(
      fc.property(graph, ([edges, order]) => {
        const items = edges.map((targets, index) => ({
          name: `n${index}`,
          needs: index === 0 ? ['gateway'] : [...new Set(targets.map((target) => `n${target % index}`))],
        }));
        const written = order.map((index) => items[index]);
        const plan = planOf(stringify({ jtype: 'Flow', executors: written }));
        assert.equal(plan.executors.length, items.length);
        const done = new Set<string>();
        for (const { name, needs } of plan.executors) {
          assert.ok(needs.every((need) => done.has(need)));
          done.add(name);
        }
        assert.ok(plan.executors.some(({ name, isFloating }) => name === plan.last && !isFloating));
      }),
      { numRuns: 60 },
    );
  });
});
