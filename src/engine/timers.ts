/** A binary heap of timers in typed arrays, ordered by time, then number of the run's first event, then rule. */
export interface Timer { time: number; start: number; rule: number; kind: number; a: number; b: number }

export class Timers {
  size = 0;
  #time = new Float64Array(64);
  #start = new Float64Array(64);
  #cells = new Int32Array(64 * 4); // rule, kind, a, b
  /** Time of the earliest timer; Infinity when there is none. */
  next = Infinity;

  push(time: number, start: number, rule: number, kind: number, a: number, b: number): void {
    if (this.size === this.#time.length) this.#grow();
    let i = this.size++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(time, start, rule, parent)) break;
      this.#move(parent, i);
      i = parent;
    }
    this.#put(i, time, start, rule, kind, a, b);
    this.next = this.#time[0]!;
  }

  /** Takes the earliest timer into `into`. */
  pop(into: Timer): void {
    this.#get(0, into);
    const last = --this.size;
    if (last > 0) {
      const time = this.#time[last]!;
      const start = this.#start[last]!;
      const rule = this.#cells[4 * last]!;
      const kind = this.#cells[4 * last + 1]!;
      const a = this.#cells[4 * last + 2]!;
      const b = this.#cells[4 * last + 3]!;
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= last) break;
        if (child + 1 < last && this.#before(this.#time[child + 1]!, this.#start[child + 1]!, this.#cells[4 * (child + 1)]!, child)) child++;
        if (this.#before(time, start, rule, child)) break;
        this.#move(child, i);
        i = child;
      }
      this.#put(i, time, start, rule, kind, a, b);
    }
    this.next = this.size === 0 ? Infinity : this.#time[0]!;
  }

  serialize(): { time: number[]; start: number[]; cells: number[] } {
    return {
      time: Array.from(this.#time.subarray(0, this.size)), start: Array.from(this.#start.subarray(0, this.size)),
      cells: Array.from(this.#cells.subarray(0, 4 * this.size)),
    };
  }

  restore(state: { time: number[]; start: number[]; cells: number[] }): void {
    this.size = 0;
    this.next = Infinity;
    state.time.forEach((time, i) => {
      const c = state.cells;
      this.push(time, state.start[i]!, c[4 * i]!, c[4 * i + 1]!, c[4 * i + 2]!, c[4 * i + 3]!);
    });
  }

  #before(time: number, start: number, rule: number, i: number): boolean {
    const t = this.#time[i]!;
    if (time !== t) return time < t;
    const s = this.#start[i]!;
    return start !== s ? start < s : rule < this.#cells[4 * i]!;
  }

  #move(from: number, to: number): void {
    this.#time[to] = this.#time[from]!;
    this.#start[to] = this.#start[from]!;
    this.#cells.copyWithin(4 * to, 4 * from, 4 * from + 4);
  }

  #put(i: number, time: number, start: number, rule: number, kind: number, a: number, b: number): void {
    this.#time[i] = time;
    this.#start[i] = start;
    this.#cells[4 * i] = rule;
    this.#cells[4 * i + 1] = kind;
    this.#cells[4 * i + 2] = a;
    this.#cells[4 * i + 3] = b;
  }

  #get(i: number, into: Timer): void {
    into.time = this.#time[i]!;
    into.start = this.#start[i]!;
    into.rule = this.#cells[4 * i]!;
    into.kind = this.#cells[4 * i + 1]!;
    into.a = this.#cells[4 * i + 2]!;
    into.b = this.#cells[4 * i + 3]!;
  }

  #grow(): void {
    const bigger = <T extends Float64Array | Int32Array>(old: T, make: (n: number) => T): T => { const next = make(old.length * 2); next.set(old); return next; };
    this.#time = bigger(this.#time, (n) => new Float64Array(n));
    this.#start = bigger(this.#start, (n) => new Float64Array(n));
    this.#cells = bigger(this.#cells, (n) => new Int32Array(n));
  }
}
