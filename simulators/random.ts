/**
 * A seeded source of random numbers (sfc32: 128 bits of state, period about 2^127). The same seed gives the same sequence on every
 * machine: the simulators draw from nothing else, never from Math.random or a clock.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;
  /** The second of each pair of normal deviates, kept for the next call; NaN: none. */
  private spare = NaN;

  /** @param seed any text or number. Different seeds give unrelated sequences, also when they differ in one digit. */
  constructor(seed: string | number) {
    [this.a, this.b, this.c] = spread(String(seed));
    for (let i = 0; i < 16; i++) this.next(); // let the seed reach every bit of the state
  }

  /** An independent source for one purpose, so that drawing more for one does not shift the numbers of another. */
  static forPurpose(seed: string | number, purpose: string): Random {
    return new Random(`${seed}/${purpose}`);
  }

  /** Uniform over [0, 1). */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum | 0;
    return (sum >>> 0) / 4294967296;
  }

  /** Uniform over [lo, hi). */
  between(lo: number, hi: number): number {
    return lo + (hi - lo) * this.next();
  }

  /** A whole number, uniform over lo..hi, both included. */
  int(lo: number, hi: number): number {
    return lo + Math.floor(this.next() * (hi - lo + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, each as likely. The list must not be empty. */
  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new RangeError('cannot pick from an empty list');
    return item;
  }

  /** The index of one of the weights, each as likely as its share of their sum. */
  weighted(weights: readonly number[]): number {
    let left = this.next() * weights.reduce((sum, weight) => sum + weight, 0);
    for (const [index, weight] of weights.entries()) {
      left -= weight;
      if (left < 0) return index;
    }
    return weights.length - 1; // rounding
  }

  /** Exponential with this mean: the time between two arrivals of a Poisson process. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** Normal (Marsaglia's polar method). */
  normal(mean = 0, deviation = 1): number {
    if (!Number.isNaN(this.spare)) {
      const value = mean + deviation * this.spare;
      this.spare = NaN;
      return value;
    }
    for (;;) {
      const x = this.between(-1, 1);
      const y = this.between(-1, 1);
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.spare = y * factor;
      return mean + deviation * x * factor;
    }
  }

  /** Log-normal with this median; `sigma` is the deviation of the logarithm. */
  logNormal(median: number, sigma: number): number {
    return median * Math.exp(this.normal(0, sigma));
  }
}

/** Three words of state from a text (FNV-1a with three offsets, then a finaliser). */
function spread(text: string): [number, number, number] {
  const words = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b].map((offset) => {
    let hash = offset;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 16;
    hash = Math.imul(hash, 0x7feb352d);
    hash ^= hash >>> 15;
    return hash | 0;
  });
  return [words[0]!, words[1]!, words[2]!];
}
