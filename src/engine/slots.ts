/**
 * Open addressing over whole hashes: a slot holds a hash and the record that has it, so that a look-up touches a record only where the hash agrees. No part
 * of an image: made anew from the records.
 */
export class Slots {
  /** Pairs of (hash, record); record 0: an empty slot. Good until something is added. */
  cells = new Int32Array(2 * 16);
  /** Slots less one; a power of two less one. */
  mask = 15;
  #used = 0;

  /** Slots in use. */
  get used(): number { return this.#used; }

  /** The first slot of a hash, or the empty one where it would be. Further records of that hash, if any, are in slots behind it, up to the next empty one. */
  slotOf(hash: number): number {
    const { cells, mask } = this;
    let slot = hash & mask;
    while (cells[2 * slot + 1] !== 0 && cells[2 * slot] !== hash) slot = (slot + 1) & mask;
    return slot;
  }

  /** Puts a record into an empty slot, behind those of the same hash. */
  add(hash: number, record: number): void {
    if (4 * this.#used > 3 * this.mask) this.#grow();
    this.#used++;
    this.#put(hash, record);
  }

  /** Empties a slot; records behind it that could not be where they belong move up (Knuth 6.4, algorithm R). */
  empty(slot: number): void {
    const { cells, mask } = this;
    this.#used--;
    let hole = slot;
    for (let at = (slot + 1) & mask; cells[2 * at + 1] !== 0; at = (at + 1) & mask) {
      const home = cells[2 * at]! & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      cells[2 * hole] = cells[2 * at]!;
      cells[2 * hole + 1] = cells[2 * at + 1]!;
      hole = at;
    }
    cells[2 * hole + 1] = 0;
  }

  clear(): void {
    this.cells = new Int32Array(2 * 16);
    this.mask = 15;
    this.#used = 0;
  }

  #put(hash: number, record: number): void {
    const { cells, mask } = this;
    let slot = hash & mask;
    while (cells[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
    cells[2 * slot] = hash;
    cells[2 * slot + 1] = record;
  }

  #grow(): void {
    const old = this.cells;
    this.cells = new Int32Array(old.length * 2);
    this.mask = (this.cells.length >> 1) - 1;
    for (let i = 0; i < old.length; i += 2) if (old[i + 1] !== 0) this.#put(old[i]!, old[i + 1]!);
  }
}
