/**
 * All partial matches of a rule over the events of one key, with what became of each: for telling an author how far a rule got. It follows
 * the automaton edge by edge and is meant for the few events of a test; the engine does not use it.
 */
import type { Ban, Expr } from '../../dsl/typed.ts';
import type { Automaton, Counter, Edge } from '../compile/automaton.ts';
import type { RulePlan } from '../compile/plan.ts';
import { evaluate, holds } from '../compile/interpret.ts';
import { makeEnv, NOTHING_BOUND, satisfies, type Bindings, type KeyedEvents, type Params, type SeenEvent } from './world.ts';

/** Why an edge can no longer be taken. */
export type End =
  | { readonly kind: 'taken'; readonly event: SeenEvent }
  | { readonly kind: 'ban'; readonly stage: string; readonly event: SeenEvent }
  | { readonly kind: 'next'; readonly event: SeenEvent }
  | { readonly kind: 'greedy'; readonly stage: string; readonly event: SeenEvent }
  | { readonly kind: 'until'; readonly stage: string; readonly event: SeenEvent }
  | { readonly kind: 'bound'; readonly text: string; readonly at: number };

/** A partial match: what it has bound, and what became of each way on. */
export interface SearchRun {
  /** Index of the position last bound; -1 is no run. */
  readonly position: number;
  readonly bound: readonly { readonly stage: string; readonly event: SeenEvent; readonly index: number }[];
  readonly bindings: Bindings;
  readonly counters: readonly number[];
  /** Event time at which the run came here: that of its last event, or when a silence completed. */
  readonly since: number;
  /** Per edge out of the position: why it is over, or undefined while it is open. */
  readonly ends: (End | undefined)[];
  /** When the pattern ended here: at once, or when an absence was over; undefined: it did not. */
  completed: number | undefined;
  /** What ended a waiting absence. */
  absenceEnd: End | undefined;
}

/** More runs than this are not followed: a test that makes so many needs no nearest one. */
const MOST_RUNS = 5000;

/** All runs over the key's events up to the watermark `end`, in the order in which they came to be. */
export function searchRuns(plan: RulePlan, params: Params, keyed: KeyedEvents, end: number): readonly SearchRun[] {
  return new Search(plan, params, keyed).run(end);
}

/** Whether the counters allow the edge (or the end of the pattern). */
export function isOpen(counters: readonly number[], step: { readonly leaves: readonly Counter[]; readonly repeats?: readonly Counter[] }): boolean {
  return step.leaves.every((counter) => (counters[counter.id] ?? 0) >= counter.min)
    && (step.repeats ?? []).every((counter) => (counters[counter.id] ?? 0) < counter.max);
}

class Search {
  readonly #plan: RulePlan;
  readonly #params: Params;
  readonly #keyed: KeyedEvents;
  readonly #automaton: Automaton;
  readonly #runs: SearchRun[] = [];
  #open: SearchRun[] = [];

  constructor(plan: RulePlan, params: Params, keyed: KeyedEvents) {
    this.#plan = plan;
    this.#params = params;
    this.#keyed = keyed;
    this.#automaton = plan.automaton;
  }

  run(end: number): readonly SearchRun[] {
    let last: SeenEvent | undefined;
    const session = this.#plan.rule.match.session;
    this.#keyed.events.forEach((event, index) => {
      if (session !== undefined && last !== undefined) {
        const ends = last.time + this.#duration(session, NOTHING_BOUND);
        if (event.time >= ends) this.#open.forEach((run) => { this.#endAll(run, { kind: 'bound', text: 'within session', at: ends }); });
      }
      const before = this.#open;
      this.#open = [];
      for (const run of before) {
        this.#advance(run, event.time);
        this.#step(run, event, index);
      }
      for (const edge of this.#automaton.starts) this.#start(edge, event, index);
      this.#open = [...before.filter((run) => this.#isAlive(run)), ...this.#open];
      last = event;
    });
    for (const run of this.#open) this.#advance(run, end);
    return this.#runs;
  }

  #isAlive(run: SearchRun): boolean {
    return run.ends.some((end) => end === undefined) || (this.#absenceOf(run) !== undefined && run.completed === undefined && run.absenceEnd === undefined);
  }

  #start(edge: Edge, event: SeenEvent, index: number): void {
    const position = this.#automaton.positions[edge.to]!;
    if (position.stage === undefined) {
      // A silence at the start: each event of its own starts the clock.
      const starts = position.silence!.stages.find((stage) => this.#fits(stage, NOTHING_BOUND, event));
      if (starts !== undefined) this.#add(this.#silenceRun(edge, undefined, event, index, starts));
      return;
    }
    if (!this.#fits(position.stage, NOTHING_BOUND, event) || this.#isBannedBefore(edge, index)) return;
    this.#add(this.#bind(edge, undefined, event, index, position.stage));
  }

  /** A ban at the very start looks back over the `within` span that ends with the first event. */
  #isBannedBefore(edge: Edge, index: number): boolean {
    const { within } = this.#plan.rule.match;
    if (within === undefined || edge.bans.length === 0) return false;
    const { events } = this.#keyed;
    const begin = events[index]!.time - this.#duration(within, NOTHING_BOUND);
    return events.slice(0, index).some((before) => before.time > begin && edge.bans.some(({ ban }) => this.#bannedBy(ban, NOTHING_BOUND, before) !== undefined));
  }

  /** What time alone does to a run before `now`: bounds end, silences and absences complete. */
  #advance(run: SearchRun, now: number): void {
    const out = this.#automaton.positions[run.position]!.out;
    let soonest: { readonly text: string; readonly at: number } | undefined;
    out.forEach((edge, slot) => {
      if (run.ends[slot] !== undefined) return;
      const bound = this.#firstBound(run, this.#automaton.positions[edge.to]!.stage);
      const silence = this.#automaton.positions[edge.to]!.silence;
      if (silence !== undefined && isOpen(run.counters, edge)) {
        const completes = run.since + this.#duration(silence.duration, run.bindings);
        if (completes <= now && completes < Infinity && (bound === undefined || completes <= bound.at)) {
          run.ends[slot] = { kind: 'bound', text: 'silence', at: completes };
          this.#add(this.#silenceRun(edge, run, undefined, -1, undefined, completes));
          return;
        }
      }
      if (bound !== undefined && bound.at <= now) run.ends[slot] = { kind: 'bound', ...bound };
    });
    if (this.#absenceOf(run) !== undefined && run.completed === undefined && run.absenceEnd === undefined) {
      for (const stage of [undefined, ...this.#absenceStages(run)]) {
        const bound = this.#firstBound(run, stage);
        if (bound !== undefined && (soonest === undefined || bound.at < soonest.at)) soonest = bound;
      }
      if (soonest !== undefined && soonest.at <= now) run.completed = soonest.at;
    }
  }

  #step(run: SearchRun, event: SeenEvent, index: number): void {
    const out = this.#automaton.positions[run.position]!.out;
    const couldTake = out.map((edge) => {
      const { stage } = this.#automaton.positions[edge.to]!;
      return stage !== undefined && isOpen(run.counters, edge) && this.#fits(stage, run.bindings, event);
    });
    out.forEach((edge, slot) => {
      if (run.ends[slot] !== undefined) return;
      const target = this.#automaton.positions[edge.to]!;
      const loop = edge.loop?.loop;
      const until = loop === undefined ? undefined : this.#plan.rule.match.stages.get(loop.stage)?.until;
      if (until !== undefined && holds(until, makeEnv(this.#params, this.#keyed.key, run.bindings, event))) {
        run.ends[slot] = { kind: 'until', stage: loop!.stage, event };
        return;
      }
      const greedy = edge.greedy.find(({ loop: left, fresh }) =>
        (fresh || left.counter === undefined || (run.counters[left.counter.id] ?? 0) < left.max) && left.max > (fresh ? 0 : 1)
        && this.#fits(left.stage, run.bindings, event));
      if (greedy !== undefined) {
        run.ends[slot] = { kind: 'greedy', stage: greedy.loop.stage, event };
        return;
      }
      // `=> not b` looks at the very next event even if the step takes it; `-> not b` only at the events between.
      const nextBan = run.bound.at(-1)?.index === index - 1
        ? edge.bans.filter(({ ban }) => ban.kind === 'next').map(({ ban }) => this.#bannedBy(ban, run.bindings, event)).find((stage) => stage !== undefined) : undefined;
      if (nextBan !== undefined) {
        run.ends[slot] = { kind: 'ban', stage: nextBan, event };
        return;
      }
      const isLazy = loop?.lazy === true && edge.loop?.enter === false
        && out.some((other, at) => other !== edge && other.loop?.loop !== loop && couldTake[at]!);
      if (couldTake[slot]! && !isLazy) {
        this.#add(this.#bind(edge, run, event, index, target.stage!));
        if (edge.arrow !== 'any') run.ends[slot] = { kind: 'taken', event };
        return;
      }
      const silent = target.silence?.stages.find((stage) => this.#fits(stage, run.bindings, event));
      const banned = silent ?? edge.bans.filter(({ ban }) => ban.kind === 'between')
        .map(({ ban }) => this.#bannedBy(ban, run.bindings, event)).find((stage) => stage !== undefined);
      if (banned !== undefined) run.ends[slot] = { kind: 'ban', stage: banned, event };
      else if (edge.arrow === 'next' && target.stage !== undefined) run.ends[slot] = { kind: 'next', event };
    });
    const absence = this.#absenceOf(run);
    if (absence !== undefined && run.completed === undefined && run.absenceEnd === undefined) {
      const stage = absence.map((ban) => this.#bannedBy(ban, run.bindings, event)).find((name) => name !== undefined);
      if (stage !== undefined) run.absenceEnd = { kind: 'ban', stage, event };
      else if (absence.every((ban) => ban.kind === 'next')) run.completed = event.time;
    }
  }

  #bind(edge: Edge, before: SearchRun | undefined, event: SeenEvent, index: number, stage: string): SearchRun {
    const all = new Map(before?.bindings.all);
    const turn = new Map(before?.bindings.turn);
    for (const { stages } of edge.resets) for (const reset of stages) turn.delete(reset);
    all.set(stage, [...(all.get(stage) ?? []), event]);
    turn.set(stage, event);
    return this.#arrive(edge, before, [...(before?.bound ?? []), { stage, event, index }], { all, turn, prev: event }, event.time);
  }

  #silenceRun(edge: Edge, before: SearchRun | undefined, event: SeenEvent | undefined, index: number, stage?: string, at?: number): SearchRun {
    if (event === undefined || stage === undefined) return this.#arrive(edge, before, before?.bound ?? [], before?.bindings ?? NOTHING_BOUND, at ?? 0);
    const bindings: Bindings = { all: new Map([[stage, [event]]]), turn: new Map([[stage, event]]), prev: event };
    const silence = this.#automaton.positions[edge.to]!.silence!;
    const completes = event.time + this.#duration(silence.duration, bindings);
    // The clock is wound up again by each event of its own: only the last one before a long enough pause lets it run out.
    const again = this.#keyed.events.slice(index + 1).some((later) => later.time < completes && silence.stages.some((name) => this.#fits(name, bindings, later)));
    const run = this.#arrive(edge, undefined, [{ stage, event, index }], bindings, completes);
    if (again) {
      run.completed = undefined;
      this.#endAll(run, { kind: 'ban', stage, event: this.#keyed.events.slice(index + 1).find((later) => silence.stages.some((name) => this.#fits(name, bindings, later)))! });
    }
    return run;
  }

  #arrive(edge: Edge, before: SearchRun | undefined, bound: SearchRun['bound'], bindings: Bindings, since: number): SearchRun {
    const counters = [...(before?.counters ?? this.#automaton.counters.map(() => 0))];
    for (const counter of edge.leaves) counters[counter.id] = 0;
    for (const counter of edge.repeats) counters[counter.id] = (counters[counter.id] ?? 0) + 1;
    for (const counter of edge.enters) counters[counter.id] = 1;
    const position = this.#automaton.positions[edge.to]!;
    const atOnce = position.accepts.some((accept) => accept.absence.length === 0 && isOpen(counters, accept));
    return { position: edge.to, bound, bindings, counters, since, ends: position.out.map(() => undefined), completed: atOnce ? since : undefined, absenceEnd: undefined };
  }

  #add(run: SearchRun): void {
    if (this.#runs.length >= MOST_RUNS) return;
    this.#runs.push(run);
    this.#open.push(run);
  }

  #endAll(run: SearchRun, end: End): void {
    run.ends.forEach((known, slot) => { run.ends[slot] = known ?? end; });
    if (run.completed === undefined) run.absenceEnd ??= end;
  }

  #absenceOf(run: SearchRun): readonly Ban[] | undefined {
    return this.#automaton.positions[run.position]!.accepts.find((accept) => accept.absence.length > 0 && isOpen(run.counters, accept))?.absence;
  }

  #absenceStages(run: SearchRun): string[] {
    return (this.#absenceOf(run) ?? []).flatMap((ban) => (ban.what.kind === 'stages' ? ban.what.stages : []));
  }

  /** The first bound to end for a step to `stage` (undefined: for any step), with its end. */
  #firstBound(run: SearchRun, stage: string | undefined): { readonly text: string; readonly at: number } | undefined {
    const { match } = this.#plan.rule;
    const bounds: { text: string; at: number }[] = [];
    const first = run.bound[0]?.event.time ?? run.since;
    if (match.within !== undefined) bounds.push({ text: 'within', at: first + this.#duration(match.within, run.bindings) });
    if (match.gap !== undefined && run.bound.length > 0) bounds.push({ text: 'gap', at: run.bound.at(-1)!.event.time + this.#duration(match.gap, run.bindings) });
    const own = stage === undefined ? undefined : match.stages.get(stage)?.within;
    const base = own === undefined ? undefined : run.bindings.all.get(own.of)?.at(-1);
    if (own !== undefined && base !== undefined) bounds.push({ text: `within of ${own.of}`, at: base.time + this.#duration(own.duration, run.bindings) });
    if (match.session !== undefined) {
      const latest = this.#keyed.events.findLast((event) => event.time <= run.since);
      if (stage === undefined && latest !== undefined) bounds.push({ text: 'within session', at: this.#sessionEnd(latest) });
    }
    return bounds.reduce<{ text: string; at: number } | undefined>((least, bound) => (least === undefined || bound.at < least.at ? bound : least), undefined);
  }

  #sessionEnd(from: SeenEvent): number {
    const length = this.#duration(this.#plan.rule.match.session!, NOTHING_BOUND);
    let end = from.time + length;
    for (const event of this.#keyed.events) if (event.time >= from.time && event.time < end) end = Math.max(end, event.time + length);
    return end;
  }

  #duration(expr: Expr, bindings: Bindings): number {
    const value = evaluate(expr, makeEnv(this.#params, this.#keyed.key, bindings, undefined));
    return typeof value === 'number' ? value : Infinity;
  }

  #fits(stage: string, bindings: Bindings, event: SeenEvent): boolean {
    return satisfies(this.#plan.rule, this.#params, this.#keyed.key, this.#plan.rule.match.stages.get(stage)!, bindings, event);
  }

  /** The banned stage that the event is. Banned sequences are not followed: a run that one ended counts as open. */
  #bannedBy(ban: Ban, bindings: Bindings, event: SeenEvent): string | undefined {
    if (ban.what.kind === 'stages') return ban.what.stages.find((stage) => this.#fits(stage, bindings, event));
    return undefined;
  }
}
