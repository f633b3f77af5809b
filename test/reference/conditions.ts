import type { Expr, Literal, PatternRule, Repeat, Stage } from '../../dsl/typed.ts';
import { evaluateIn, type View } from './view.ts';
import type { Bound, RefEvent, RefOptions, Turns } from './types.ts';

/** Reads conditions, durations and counts of one rule for one key, given what is bound. */
export class Conditions {
  readonly #rule: PatternRule;
  readonly #key: readonly Literal[];
  readonly #params: ReadonlyMap<string, Literal>;

  constructor(rule: PatternRule, options: RefOptions) {
    this.#rule = rule;
    this.#key = options.key ?? [];
    this.#params = options.params ?? new Map();
  }

  stage(name: string): Stage {
    const stage = this.#rule.match.stages.get(name);
    if (stage === undefined) throw new Error(`no stage ${name}`);
    return stage;
  }

  /** The event could be one of the stage's: type, key and condition, given the events bound before. */
  satisfies(name: string, event: RefEvent, bound: readonly Bound[], turns: Turns): boolean {
    const stage = this.stage(name);
    if (!this.#isOf(stage, event)) return false;
    return stage.where === undefined || this.#read(stage.where, event, name, bound, turns) === true;
  }

  /** The event closes the stage's loop. */
  closes(name: string, event: RefEvent, bound: readonly Bound[], turns: Turns): boolean {
    const stage = this.stage(name);
    return stage.until !== undefined && this.#isOf(stage, event) && this.#read(stage.until, event, name, bound, turns) === true;
  }

  having(bound: readonly Bound[], from: number, to: number): boolean {
    const having = this.#rule.having;
    if (having === undefined) return true;
    return evaluateIn(having, {
      event: undefined, prev: bound.at(-1)?.event, key: this.#key, params: this.#params, match: { from, to },
      events: (stage) => bound.filter((b) => b.stage === stage).map((b) => b.event),
    }) === true;
  }

  /** A duration in ms, read when its span starts, which is at the last event of `bound`; null never ends. `reader`: the stage it bounds. */
  duration(expr: Expr, bound: readonly Bound[], turns: Turns, reader?: string): number {
    const value = this.#read(expr, undefined, reader, bound, turns);
    return typeof value === 'number' && !Number.isNaN(value) ? value : Infinity;
  }

  counts(repeat: Repeat): { min: number; max: number } {
    const count = (expr: Expr) => Number(this.#read(expr, undefined, undefined, [], []));
    return { min: count(repeat.min), max: repeat.max === undefined ? Infinity : count(repeat.max) };
  }

  /**
   * The events bound to a stage as another sees them: of a stage that shares a repeated group with the reader those of the same turn; by its
   * own name, or from outside the group, those of all turns.
   */
  visible(stage: string, reader: string | undefined, bound: readonly Bound[], turns: Turns): readonly Bound[] {
    return bound.filter((b) => b.stage === stage && (stage === reader
      || b.turns.every((theirs) => turns.every((mine) => mine.repeat !== theirs.repeat || mine === theirs))));
  }

  #isOf(stage: Stage, event: RefEvent): boolean {
    if (!stage.accepts.includes(event.type)) return false;
    return this.#rule.key.every((part, i) => {
      const key = part.stages.get(stage.name) ?? part.valueOf.get(event.type);
      return key === undefined ? false
        : (part.stages.size === 0 || this.#read(key, event, undefined, [], []) === this.#key[i]);
    });
  }

  #read(expr: Expr, event: RefEvent | undefined, reader: string | undefined, bound: readonly Bound[], turns: Turns): unknown {
    const view: View = {
      event, prev: bound.at(-1)?.event, key: this.#key, params: this.#params, match: undefined,
      events: (stage) => this.visible(stage, reader, bound, turns).map((b) => b.event),
    };
    return evaluateIn(expr, view);
  }
}
