/**
 * A cache keyed by text that never grows without bound: two generations, each of at most `entries` entries and about `weight` characters
 * of keys. When the young one is full the old one is dropped and the young one becomes old; a hit in the old one moves up. So an entry
 * in use stays, and one that is not is gone after two turns.
 */
export class BoundedCache<V extends {} | null> {
  readonly #make: (key: string) => V;
  readonly #entries: number;
  readonly #weight: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #load = 0;

  /** `make` computes what is not cached. */
  constructor(make: (key: string) => V, entries = 1024, weight = 1 << 20) {
    this.#make = make;
    this.#entries = entries;
    this.#weight = weight;
  }

  get(key: string): V {
    const hit = this.#young.get(key);
    if (hit !== undefined) return hit;
    return this.#miss(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#load = 0;
  }

  /** Entries held now, in both generations. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #miss(key: string): V {
    let value = this.#old.get(key);
    if (value === undefined) value = this.#make(key);
    else this.#old.delete(key);
    if (this.#young.size >= this.#entries || this.#load + key.length > this.#weight) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#load = 0;
    }
    this.#young.set(key, value);
    this.#load += key.length;
    return value;
  }
}
