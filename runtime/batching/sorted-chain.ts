/** A value's place in a chain. */
export interface ChainLink<T> {
  readonly value: T;
  readonly order: number;
  previous: ChainLink<T> | undefined;
  next: ChainLink<T> | undefined;
}

/**
 * A linked list in ascending `order`; equal ones stay in the order they came.
 *
 * Adding looks from the end, so what comes in order is added in O(1); removing is O(1).
 */
export class SortedChain<T> implements Iterable<T> {
  private first: ChainLink<T> | undefined;
  private last: ChainLink<T> | undefined;

  get isEmpty(): boolean {
    return this.first === undefined;
  }

  add(value: T, order: number): ChainLink<T> {
    let previous = this.last;
    while (previous !== undefined && previous.order > order) previous = previous.previous;
    const next = previous === undefined ? this.first : previous.next;
    const link: ChainLink<T> = { value, order, previous, next };
    if (previous === undefined) this.first = link;
    else previous.next = link;
    if (next === undefined) this.last = link;
    else next.previous = link;
    return link;
  }

  /** `link` must be in this chain. */
  remove(link: ChainLink<T>): void {
    if (link.previous === undefined) this.first = link.next;
    else link.previous.next = link.next;
    if (link.next === undefined) this.last = link.previous;
    else link.next.previous = link.previous;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let link = this.first; link !== undefined; link = link.next) yield link.value;
  }
}
