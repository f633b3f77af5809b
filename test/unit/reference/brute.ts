import type { Arrow } from '../../../dsl/ast.ts';
import type { Ban, Pattern, PatternRule, Repeat } from '../../../dsl/typed.ts';
import { Conditions } from '../../reference/conditions.ts';
import type { Bound, RefEvent, RefOptions, TurnFrame } from '../../reference/types.ts';

/*
 * The definition once more, as bluntly as it can be put: write out every plain list of steps, give its steps every rising list of events, and only
 * then ask each rule of the complete list. For patterns of stages, groups, `or`, loops and bans of stages; no silence, no absence, no sequence bans.
 */

/** What a plain list of steps is made of. */
type Token =
  | { readonly kind: 'step'; readonly stage: string; readonly turns: readonly Turn[]; readonly loop: { readonly repeat: Repeat; readonly pass: object; readonly count: number } | undefined }
  | { readonly kind: 'arrow'; readonly arrow: Arrow }
  | { readonly kind: 'ban'; readonly ban: Ban; readonly turns: readonly Turn[] }
  /** The loop ends here, after `count` iterations. */
  | { readonly kind: 'left'; readonly repeat: Repeat; readonly stage: string; readonly count: number; readonly pass: object; readonly turns: readonly Turn[] };

type Turn = Pick<TurnFrame, 'repeat'>;
type Step = Extract<Token, { kind: 'step' }>;
interface Placed { readonly step: Step; readonly event: RefEvent; readonly at: number; readonly between: readonly Token[] }

/** The lists of (stage, event) of `match all`, as text, in no order; undefined when the pattern has parts that are not covered or lists too many. */
export function bruteMatches(rule: PatternRule, events: readonly RefEvent[], options: RefOptions): string[] | undefined {
  const conditions = new Conditions(rule, options);
  if (!covered(rule.match.pattern, true)) return undefined;
  const plain = new PlainLists(conditions, events.length);
  const lists = plain.of(rule.match.pattern, []);
  if (lists.length > 3000) return undefined;
  const found = new Set<string>();
  for (const list of lists) {
    const steps = list.filter((token): token is Step => token.kind === 'step');
    if (steps.length === 0) continue;
    for (const places of rising(events.length, steps.length)) {
      const placed = place(list, places, events);
      if (isMatch(rule, conditions, placed, events)) found.add(placed.map((p) => `${p.step.stage}:${p.event.index}`).join(' '));
    }
  }
  return [...found].sort();
}

function covered(pattern: Pattern, outermost = false): boolean {
  const stagesOnly = (bans: readonly Ban[]) => bans.every((ban) => ban.what.kind === 'stages');
  switch (pattern.kind) {
    case 'stage': return true;
    case 'silence': return false;
    case 'or': return pattern.alternatives.every((p) => covered(p));
    case 'repeat': return covered(pattern.inner) && stagesOnly(pattern.iterationBans);
    case 'sequence': return pattern.items.every((item, i) => covered(item.pattern) && stagesOnly(item.bans) && (i > 0 || item.bans.length === 0))
      && stagesOnly(pattern.trailing) && (!outermost || pattern.trailing.length === 0);
  }
}

/** Every choice of how often each part repeats and which alternative is taken, up to `most` steps. */
class PlainLists {
  readonly #conditions: Conditions;
  readonly #most: number;

  constructor(conditions: Conditions, most: number) {
    this.#conditions = conditions;
    this.#most = most;
  }

  of(pattern: Pattern, turns: readonly Turn[]): Token[][] {
    switch (pattern.kind) {
      case 'stage': return [[{ kind: 'step', stage: pattern.stage, turns, loop: undefined }]];
      case 'or': return pattern.alternatives.flatMap((alternative) => this.of(alternative, turns));
      case 'silence': throw new Error('not covered');
      case 'sequence': {
        let lists: Token[][] = [[]];
        for (const [i, item] of pattern.items.entries()) {
          const before: Token[] = [...(i > 0 ? [{ kind: 'arrow', arrow: item.arrow } as const] : []), ...asTokens(item.bans, turns)];
          lists = this.#join(lists, this.of(item.pattern, turns).map((list) => [...before, ...list]));
        }
        return lists.map((list) => [...list, ...asTokens(pattern.trailing, turns)]);
      }
      case 'repeat': return this.#repeat(pattern, turns);
    }
  }

  #repeat(repeat: Repeat, turns: readonly Turn[]): Token[][] {
    const { min, max } = this.#conditions.counts(repeat);
    const all: Token[][] = [];
    let lists: Token[][] = [[]];
    const pass = {};
    for (let count = 0; count <= Math.min(max, Math.max(min, this.#most)); count++) {
      if (count > 0) {
        const turn: readonly Turn[] = [{ repeat }, ...turns];
        const next = this.of(repeat.inner, turn).filter((list) => count <= min || size(list) > 0)
          .map((list) => list.map((token) => (token.kind === 'step' && repeat.inner.kind === 'stage' ? { ...token, loop: { repeat, pass, count } } : token)));
        const iteration: Token[] = [{ kind: 'arrow', arrow: repeat.iteration }, ...asTokens(repeat.iterationBans, turns)];
        lists = lists.flatMap((list) => next.map((more) => (size(list) > 0 ? [...list, ...iteration, ...more] : [...list, ...more])))
          .filter((list) => size(list) <= this.#most);
      }
      if (count >= min) {
        const { inner } = repeat;
        const left: Token[] = inner.kind === 'stage' ? [{ kind: 'left', repeat, stage: inner.stage, count, pass, turns: [{ repeat }, ...turns] }] : [];
        all.push(...lists.map((list) => [...list, ...left]));
      }
    }
    return all;
  }

  #join(heads: readonly Token[][], tails: readonly Token[][]): Token[][] {
    return heads.flatMap((head) => tails.map((tail) => [...head, ...tail])).filter((list) => size(list) <= this.#most);
  }
}

function asTokens(bans: readonly Ban[], turns: readonly Turn[]): Token[] {
  return bans.map((ban) => ({ kind: 'ban', ban, turns }));
}

function size(list: readonly Token[]): number {
  return list.filter((token) => token.kind === 'step').length;
}

/** All rising lists of `length` numbers below `count`. */
function* rising(count: number, length: number, from = 0): Generator<number[]> {
  if (length === 0) yield [];
  else for (let i = from; i <= count - length; i++) for (const rest of rising(count, length - 1, i + 1)) yield [i, ...rest];
}

function place(list: readonly Token[], places: readonly number[], events: readonly RefEvent[]): Placed[] {
  const placed: Placed[] = [];
  let between: Token[] = [];
  for (const token of list) {
    if (token.kind !== 'step') {
      between.push(token);
      continue;
    }
    const at = places[placed.length] as number;
    placed.push({ step: token, event: events[at] as RefEvent, at, between });
    between = [];
  }
  return placed;
}

function isMatch(rule: PatternRule, conditions: Conditions, placed: readonly Placed[], events: readonly RefEvent[]): boolean {
  const bound = placed.map(({ step, event }): Bound => ({ stage: step.stage, event, turns: step.turns as readonly TurnFrame[], loop: undefined }));
  const before = (i: number) => bound.slice(0, i);
  const satisfies = (stage: string, at: number, i: number, turns: readonly Turn[]) =>
    conditions.satisfies(stage, events[at] as RefEvent, before(i), turns as readonly TurnFrame[]);
  const closes = (stage: string, at: number, i: number, turns: readonly Turn[]) =>
    conditions.closes(stage, events[at] as RefEvent, before(i), turns as readonly TurnFrame[]);
  const ownBound = (stage: string, i: number, turns: readonly Turn[]): number => {
    const within = conditions.stage(stage).within;
    const seen = within && conditions.visible(within.of, stage, before(i), turns as readonly TurnFrame[]).at(-1);
    return within === undefined || seen === undefined ? Infinity
      : seen.event.time + conditions.duration(within.duration, bound.slice(0, bound.indexOf(seen) + 1), turns as readonly TurnFrame[]);
  };
  const first = placed[0] as Placed;
  const last = placed.at(-1) as Placed;

  // each event is of its stage
  if (!placed.every((p, i) => satisfies(p.step.stage, p.at, i, p.step.turns) && p.event.time < ownBound(p.step.stage, i, p.step.turns))) return false;

  for (const [i, p] of placed.entries()) {
    const previous = placed[i - 1];
    const between = previous === undefined ? [] : range(previous.at + 1, p.at - 1);
    // arrows
    const arrow = p.between.findLast((token) => token.kind === 'arrow')?.arrow;
    if (previous !== undefined && arrow === 'next' && p.at !== previous.at + 1) return false;
    if (arrow === 'followed' && between.some((at) => satisfies(p.step.stage, at, i, p.step.turns))) return false;
    for (const token of p.between) {
      // bans
      if (token.kind === 'ban' && previous !== undefined) {
        const where = token.ban.kind === 'between' ? between : [previous.at + 1];
        const stages = token.ban.what.kind === 'stages' ? token.ban.what.stages : [];
        const banned = (at: number) => stages.some((stage) => satisfies(stage, at, i, token.turns)
          && (events[at] as RefEvent).time < ownBound(stage, i, token.turns));
        if (where.some(banned)) return false;
      }
      if (token.kind === 'left') {
        const { min, max } = conditions.counts(token.repeat);
        // greedy
        if (token.repeat.greedy && token.count < max) {
          const since = range(previous === undefined ? p.at : previous.at + 1, p.at);
          const closed = since.findIndex((at) => closes(token.stage, at, i, token.turns));
          if (since.slice(0, closed < 0 ? undefined : closed).some((at) => satisfies(token.stage, at, i, token.turns))) return false;
        }
        // lazy
        if (token.repeat.lazy && placed.some((q, j) => q.step.loop !== undefined && q.step.loop.pass === token.pass && q.step.loop.repeat === token.repeat
          && j < i && sameTurns(q.step.turns, token.turns) && q.step.loop.count > min && satisfies(p.step.stage, q.at, j, p.step.turns))) return false;
      }
    }
    // until
    if (p.step.loop !== undefined) {
      const since = range(previous === undefined ? p.at : previous.at + 1, p.at);
      if (since.some((at) => closes(p.step.stage, at, i, p.step.turns))) return false;
    }
  }

  // time bounds and having
  const { within, gap, session } = rule.match;
  const firstTurns = first.step.turns as readonly TurnFrame[];
  if (within !== undefined && last.event.time >= first.event.time + conditions.duration(within, bound.slice(0, 1), firstTurns)) return false;
  if (gap !== undefined && placed.some((p, i) => i > 0
    && p.event.time >= (placed[i - 1] as Placed).event.time + conditions.duration(gap, before(i), (placed[i - 1] as Placed).step.turns as readonly TurnFrame[]))) return false;
  if (session !== undefined) {
    const pause = conditions.duration(session, [], []);
    if (range(first.at + 1, last.at).some((at) => (events[at] as RefEvent).time >= (events[at - 1] as RefEvent).time + pause)) return false;
  }
  return conditions.having(bound, first.event.time, last.event.time);
}

/** The same turn of every group around the loop; the loop's own turns differ. */
function sameTurns(a: readonly Turn[], b: readonly Turn[]): boolean {
  return a.length === b.length && a.every((turn, i) => i === 0 || turn === b[i]);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
