/** Things to come, taken out by their time; those of equal time in the order they were put in. A binary heap. */
export class Timeline<T> {
  private readonly heap: { readonly time: number; readonly order: number; readonly item: T }[] = [];
  private count = 0;

  get size(): number {
    return this.heap.length;
  }

  /** The time of the next item; `Infinity` when there is none. */
  get nextTime(): number {
    return this.heap[0]?.time ?? Infinity;
  }

  put(time: number, item: T): void {
    const entry = { time, order: this.count++, item };
    let at = this.heap.length;
    this.heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, this.heap[parent]!)) break;
      this.heap[at] = this.heap[parent]!;
      at = parent;
    }
    this.heap[at] = entry;
  }

  /** The next item, taken out; undefined when there is none. */
  take(): T | undefined {
    const first = this.heap[0];
    const last = this.heap.pop();
    if (first === undefined || last === undefined) return undefined;
    const size = this.heap.length;
    if (size === 0) return first.item;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && before(this.heap[child + 1]!, this.heap[child]!)) child++;
      if (!before(this.heap[child]!, last)) break;
      this.heap[at] = this.heap[child]!;
      at = child;
    }
    this.heap[at] = last;
    return first.item;
  }
}

function before(a: { time: number; order: number }, b: { time: number; order: number }): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
