import type { Automaton, Edge } from '../compile/automaton.ts';

/**
 * The most events that a run may still bind, by the structure of the pattern and the run's loop counters alone; Infinity where a loop has no
 * upper bound. `match longest` holds a match back as long as an open run might bind more.
 */
export class Potential {
  readonly #automaton: Automaton;
  readonly #memo = new Map<string, number>();

  constructor(automaton: Automaton) { this.#automaton = automaton; }

  /** By way of one edge; `counterOf` gives the run's counter by its id. */
  of(edge: Edge, counterOf: (id: number) => number): number {
    return this.#via(edge, this.#automaton.counters.map((counter) => counterOf(counter.id)), new Set());
  }

  #via(edge: Edge, counters: readonly number[], path: Set<string>): number {
    const next = [...counters];
    for (const c of edge.leaves) next[c.id] = 0;
    for (const c of edge.repeats) next[c.id] = Math.min(next[c.id]! + 1, c.cap);
    for (const c of edge.enters) next[c.id] = 1;
    return (this.#automaton.positions[edge.to]!.stage === undefined ? 0 : 1) + this.#from(edge.to, next, path);
  }

  #from(position: number, counters: readonly number[], path: Set<string>): number {
    const key = `${position}|${counters.join()}`;
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    if (path.has(key)) return Infinity;
    path.add(key);
    let best = 0;
    for (const edge of this.#automaton.positions[position]!.out) {
      if (edge.leaves.some((c) => counters[c.id]! < c.min) || edge.repeats.some((c) => counters[c.id]! >= c.max)) continue;
      best = Math.max(best, this.#via(edge, counters, path));
      if (best === Infinity) break;
    }
    path.delete(key);
    if (path.size === 0 || best === Infinity) this.#memo.set(key, best);
    return best;
  }
}
