import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';

import { DeadlineHeap } from '../../../../runtime/batching/deadline-heap.ts';

describe('the heap of deadlines', () => {
  const operation = fc.oneof(
    fc.record({ type: fc.constant('add' as const), deadline: fc.integer({ min: 0, max: 100 }) }),
    fc.record({ type: fc.constant('remove' as const), pick: fc.nat() }),
  );

  it('knows the earliest deadline after any adding and removing', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200, size: 'max' }), (operations) => {
        const heap = new DeadlineHeap<{ deadline: number; heapIndex: number }>();
        const items: { deadline: number; heapIndex: number }[] = [];
        for (const each of operations) {
          if (each.type === 'add') {
            const item = { deadline: each.deadline, heapIndex: -1 };
            items.push(item);
            heap.add(item);
          } else if (items.length > 0) {
            for (const item of items.splice(each.pick % items.length, 1)) heap.remove(item);
          }
          const earliest = items.length === 0 ? undefined : Math.min(...items.map((item) => item.deadline));
          assert.equal(heap.earliest?.deadline, earliest);
        }
      }),
    );
  });

  it('finds what took the place of something removed further down', () => {
    const heap = new DeadlineHeap<{ deadline: number; heapIndex: number }>();
    const add = (deadline: number) => {
      const item = { deadline, heapIndex: -1 };
      heap.add(item);
      return item;
    };
    const [, , , sixty] = [1, 50, 2, 60, 70, 3, 4].map(add);
    assert.ok(sixty !== undefined);
    heap.remove(sixty);
    add(80);
    add(90);
    assert.deepEqual(drain(heap), [1, 2, 3, 4, 50, 70, 80, 90]);
  });

  it('gives back everything in the order of deadlines', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 100, size: 'max' }), (deadlines) => {
        const heap = new DeadlineHeap<{ deadline: number; heapIndex: number }>();
        for (const deadline of deadlines) heap.add({ deadline, heapIndex: -1 });
        const found: number[] = [];
        for (let next = heap.earliest; next !== undefined; next = heap.earliest) {
          heap.remove(next);
          heap.remove(next);
          found.push(next.deadline);
        }
        assert.deepEqual(
          found,
          deadlines.toSorted((a, b) => a - b),
        );
      }),
    );
  });
});

function drain(heap: DeadlineHeap<{ deadline: number; heapIndex: number }>): number[] {
  const found: number[] = [];
  for (let next = heap.earliest; next !== undefined; next = heap.earliest) {
    heap.remove(next);
    heap.remove(next);
    found.push(next.deadline);
  }
  return found;
}
