import type { Random } from './random.ts';
import type { Arrow, Banned, Item, Node, Sequence } from './tree.ts';

/** How a stage stands in the pattern, for the conditions that may name it. */
export interface Role {
  readonly name: string;
  /** Repeated by its own quantifier. */
  readonly loop: boolean;
  /** The repeated groups it stands in, outermost first. */
  readonly groups: readonly number[];
  readonly banned: boolean;
  readonly inSilence: boolean;
  /** Number of positive stages written before it. */
  readonly position: number;
}

/** Makes a random pattern: every arrow, quantifier, modifier and ban, groups in groups, silences and absences. */
export class PatternMaker {
  readonly roles: Role[] = [];
  readonly #random: Random;
  #left: number;
  #positions = 0;
  #groups = 0;
  /** Some step can only be ended by a bound (an absence at the end). */
  needsBound = false;

  constructor(random: Random) {
    this.#random = random;
    this.#left = random.weighted([[1, 1], [3, 2], [4, 3], [2, 4], [1, 5]]);
  }

  make(): Sequence {
    const random = this.#random;
    const items: Item[] = [];
    if (random.chance(0.07)) items.push({ arrow: '->', not: this.#bannedStages(true, []), silence: this.#span() });
    else if (random.chance(0.05)) {
      items.push({ arrow: '->', not: this.#banned([]) });
      this.needsBound = true; // it looks back into `within`
    }
    items.push(...this.#items(0, [], random.int(1, 4), items.length === 0));
    const end = random.next();
    if (end < 0.13) {
      items.push({ arrow: '->', not: this.#banned([]) });
      this.needsBound = true;
    } else if (end < 0.18) items.push({ arrow: '=>', not: this.#bannedStages(false, []) });
    else if (end < 0.22) items.push({ arrow: '->', not: this.#bannedStages(true, []), silence: this.#span() });
    return { kind: 'sequence', items };
  }

  #items(depth: number, groups: readonly number[], count: number, begins: boolean): Item[] {
    const random = this.#random;
    const items: Item[] = [];
    for (let i = 0; i < count && (i === 0 || this.#left > 0); i++) {
      const inner = i > 0 || (!begins && depth > 0);
      let arrow = this.#arrow();
      if (inner && random.chance(0.17)) {
        items.push({ arrow: random.chance(0.7) ? '->' : '=>', not: this.#banned(groups) });
      } else if (i > 0 && random.chance(0.06)) {
        items.push({ arrow: '->', not: this.#bannedStages(true, groups), silence: this.#span() });
        arrow = random.pick(['->', '->>', '=>']);
      }
      items.push({ arrow, node: this.#node(depth, groups) });
    }
    return items;
  }

  #node(depth: number, groups: readonly number[]): Node {
    const random = this.#random;
    const group = depth < 2 && this.#left > 1;
    switch (random.weighted([[50, 'stage'], [30, 'loop'], [group ? 14 : 0, 'group'], [group ? 7 : 0, 'or'], [group ? 4 : 0, 'and']] as const)) {
      case 'stage': return this.#stage(false, groups);
      case 'loop': return this.#loop(groups);
      case 'and': return { kind: 'and', operands: Array.from({ length: this.#left > 2 && random.chance(0.2) ? 3 : 2 }, () => this.#stage(false, groups)) };
      case 'or': return {
        kind: 'or', operands: Array.from({ length: random.chance(0.8) ? 2 : 3 }, (): Node => {
          if (random.chance(0.65)) return this.#stage(false, groups);
          return random.chance(0.6) ? this.#quantified(false, groups)
            : { kind: 'sequence', items: [{ arrow: '->', node: this.#stage(false, groups) }, { arrow: this.#arrow(), node: this.#stage(false, groups) }] };
        }),
      };
      case 'group': return this.#group(depth, groups);
    }
  }

  #group(depth: number, groups: readonly number[]): Node {
    const random = this.#random;
    const quantifier = random.weighted([[2, ''], [2, '?'], [2, '*'], [4, '+'], [2, '{2}'], [2, '{1,2}'], [1, '{2,}']]);
    const repeated = quantifier !== '' && quantifier !== '?';
    const inside = repeated ? [...groups, ++this.#groups] : groups;
    const items = this.#items(depth + 1, inside, random.int(2, 3), false);
    if (random.chance(0.08)) items.push({ arrow: '->', not: this.#bannedStages(false, inside) });
    const inner: Sequence = { kind: 'sequence', items };
    if (quantifier === '') return inner;
    return { kind: 'loop', inner, quantifier, iteration: repeated ? this.#iteration() : '', taking: '' };
  }

  #loop(groups: readonly number[]): Node {
    const inner = this.#quantified(true, groups);
    // A quantified step may be quantified again.
    return this.#random.chance(0.06) ? { kind: 'loop', inner, quantifier: '?', iteration: '', taking: '' } : inner;
  }

  #quantified(zero: boolean, groups: readonly number[]): Node {
    const random = this.#random;
    const quantifier = random.weighted([
      [zero ? 5 : 0, '?'], [zero ? 5 : 0, '*'], [7, '+'], [2, '{2}'], [2, '{1,2}'], [2, '{2,}'], [1, '{2,3}'], [1, '{n}'], [1, '{n,}'], [zero ? 1 : 0, '{0,2}'],
    ]);
    const iteration = quantifier === '?' ? '' : this.#iteration();
    const taking = quantifier === '?' || iteration === 'any' && random.chance(0.7) ? ''
      : random.weighted([[12, ''], [iteration === 'any' ? 0 : 5, 'greedy'], [4, 'lazy']] as const);
    return { kind: 'loop', inner: this.#stage(quantifier !== '?', groups), quantifier, iteration, taking };
  }

  #stage(loop: boolean, groups: readonly number[]): Node {
    this.#left--;
    const name = `s${this.#positions}`;
    this.roles.push({ name, loop, groups, banned: false, inSilence: false, position: this.#positions++ });
    return { kind: 'stage', name };
  }

  #banned(groups: readonly number[]): Banned {
    const random = this.#random;
    if (random.chance(0.12)) {
      return { kind: 'sequence', stages: [this.#bannedStage(false, groups), this.#bannedStage(false, groups)], arrow: random.pick(['->', '=>']) };
    }
    return this.#bannedStages(false, groups);
  }

  #bannedStages(silence: boolean, groups: readonly number[]): Banned {
    const count = this.#random.chance(0.15) ? 2 : 1;
    return { kind: 'stages', stages: Array.from({ length: count }, () => this.#bannedStage(silence, groups)) };
  }

  #bannedStage(silence: boolean, groups: readonly number[]): string {
    const name = `n${this.roles.length}`;
    this.roles.push({ name, loop: false, groups, banned: true, inSilence: silence, position: this.#positions });
    return name;
  }

  #arrow(): Arrow {
    return this.#random.weighted([[6, '->'], [2, '->>'], [2, '=>']] as const);
  }

  #iteration(): '' | 'strict' | 'any' {
    return this.#random.weighted([[6, ''], [2, 'strict'], [2, 'any']] as const);
  }

  #span(): string {
    return this.#random.pick(['2s', '3s', '5s']);
  }
}
