/** Something that must be done by a time, and knows its own place in a {@link DeadlineHeap}. */
export interface Timed {
  /** Monotonic ms. */
  readonly deadline: number;
  /** Kept by the heap; -1 outside of it. */
  heapIndex: number;
}

/** The earliest deadline first; adding and removing anywhere take O(log n), and adding in order O(1). */
export class DeadlineHeap<T extends Timed> {
  private readonly items: T[] = [];

  get earliest(): T | undefined {
    return this.items[0];
  }

  add(item: T): void {
    this.items.push(item);
    this.rise(item, this.items.length - 1);
  }

  /** Nothing happens for an item that is not in the heap. */
  remove(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.items.pop();
    if (last === undefined || last === item) return;
    this.rise(last, index);
    this.sink(last, last.heapIndex);
  }

  /** Puts `item` at `index` or above, whichever fits. */
  private rise(item: T, index: number): void {
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.items[above];
      if (parent === undefined || parent.deadline <= item.deadline) break;
      this.put(parent, index);
      index = above;
    }
    this.put(item, index);
  }

  /** Puts `item` at `index` or below, whichever fits. */
  private sink(item: T, index: number): void {
    for (;;) {
      const left = this.items[2 * index + 1];
      const right = this.items[2 * index + 2];
      const child = right !== undefined && left !== undefined && right.deadline < left.deadline ? right : left;
      if (child === undefined || child.deadline >= item.deadline) break;
      const below = child.heapIndex;
      this.put(child, index);
      index = below;
    }
    this.put(item, index);
  }

  private put(item: T, index: number): void {
    this.items[index] = item;
    item.heapIndex = index;
  }
}
