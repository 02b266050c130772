import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Deadlines } from '../../../core/index.ts';
import { FakeClock } from '../client/fake-clock.ts';

class Item {
  readonly deadline: number;
  expired = 0;
  onExpire: () => void = () => undefined;

  constructor(deadline: number) {
    this.deadline = deadline;
  }

  expire(): void {
    this.expired++;
    this.onExpire();
  }
}

describe('Deadlines', () => {
  it('expires each when its time has come, in any order of adding, and once', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const items = [50, 10, 30, 10, Infinity].map((deadline) => new Item(deadline));
    for (const item of items) deadlines.add(item);
    const expired = () => items.map((item) => item.expired);
    clock.advance(9);
    assert.deepEqual(expired(), [0, 0, 0, 0, 0]);
    clock.advance(1);
    assert.deepEqual(expired(), [0, 1, 0, 1, 0]);
    clock.advance(20);
    assert.deepEqual(expired(), [0, 1, 1, 1, 0]);
    clock.advance(1e9);
    assert.deepEqual(expired(), [1, 1, 1, 1, 0]);
    assert.equal(clock.timerCount, 0);
  });

  it('forgets what is removed, also while others expire', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const [first, second, later] = [new Item(10), new Item(20), new Item(40)];
    for (const item of [first, second, later]) deadlines.add(item);
    first.onExpire = () => deadlines.remove(second);
    clock.advance(15);
    clock.advance(30);
    assert.deepEqual([first.expired, second.expired, later.expired], [1, 0, 1]);
  });

  it('takes new ones while others expire', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const [first, sooner, later] = [new Item(10), new Item(12), new Item(40)];
    deadlines.add(first);
    deadlines.add(later);
    first.onExpire = () => deadlines.add(sooner);
    clock.advance(10);
    clock.advance(2);
    assert.deepEqual([sooner.expired, later.expired], [1, 0]);
    clock.advance(28);
    assert.equal(later.expired, 1);
  });

  it('has one timer, however many there are, and none once it is closed', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    for (let index = 0; index < 100; index++) {
      const item = new Item(1000 - index);
      deadlines.add(item);
      if (index % 2 === 0) deadlines.remove(item);
      assert.equal(clock.timerCount, 1);
    }
    deadlines.close();
    assert.equal(clock.timerCount, 0);
  });

  it('waits longer than the longest timer of the platform', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const item = new Item(2 ** 32);
    deadlines.add(item);
    clock.advance(2 ** 31);
    assert.equal(item.expired, 0);
    clock.advance(2 ** 31);
    assert.equal(item.expired, 1);
  });
});
