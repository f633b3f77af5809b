import type { MatchClause, QuantifiedPattern, RuleDecl, StageDef } from '../ast.ts';
import type { Expr, Pattern, Repeat } from '../typed.ts';
import type { Counts } from './counts.ts';
import { acceptedBy, looseViewOf, type EventInfo, type EventView } from './event-types.ts';
import { flowOf, START, type Flow } from './flow.ts';
import { isLeftOut, isLoop, placesOf, relate, type Place } from './places.ts';
import type { StageView } from './scope.ts';

/** A stage as defined, with where the pattern names it. */
export interface StageInfo {
  readonly name: string;
  readonly span: StageDef['span'];
  readonly def: StageDef;
  readonly types: readonly EventInfo[];
  /** What `types` have in common. */
  readonly event: EventView;
  /** All types accepted, subtypes spelled out. */
  readonly accepts: readonly string[];
  readonly places: readonly Place[];
  /** Named in `without`. */
  readonly without: boolean;
}

/** What is known of a rule's pattern while its expressions are checked. */
export interface Shape {
  readonly rule: RuleDecl;
  readonly match: MatchClause;
  readonly stages: ReadonlyMap<string, StageInfo>;
  readonly counts: ReadonlyMap<QuantifiedPattern, Counts>;
  /** The pattern was read to its end, and its counts are known: else nothing is said of it as a whole. Costs something where it is asked first. */
  readonly isWhole: () => boolean;
  /** Undefined where the pattern is too wrong to be read. */
  readonly pattern: Pattern | undefined;
  readonly flow: Flow | undefined;
  readonly events: ReadonlyMap<string, EventInfo>;
}

const UNKNOWN: Counts = { min: undefined as unknown as Expr, max: undefined, least: 0, most: Infinity, ever: { least: 0, most: Infinity }, broken: true, fixed: false };

export class ShapeReader {
  readonly shape: Shape;
  /** Stages that the pattern names and nobody defines. */
  readonly undefinedStages: ReadonlySet<string>;

  constructor(shape: Shape) {
    this.shape = shape;
    this.stageNames = [...shape.stages.keys()];
    const named = [...placesOf(shape.match.pattern).map((place) => place.stage), ...shape.match.without.map((name) => name.text)];
    this.undefinedStages = new Set(named.filter((name) => !shape.stages.has(name)));
  }

  readonly countsOf = (node: QuantifiedPattern): Counts => this.shape.counts.get(node) ?? UNKNOWN;

  readonly stageNames: readonly string[];

  /** Where the stage takes its events; undefined: it is only ever banned. */
  boundPlace(stage: StageInfo): Place | undefined {
    return stage.places.find((place) => place.role === 'bound')
      ?? (this.shape.flow?.clocks.has(stage.name) === true ? stage.places.find((place) => place.role === 'silent') : undefined);
  }

  isLoop(stage: StageInfo): boolean {
    const place = this.boundPlace(stage);
    return place !== undefined && isLoop(place, this.countsOf);
  }

  /** Every match has an event of the stage. */
  isAlwaysBound(stage: StageInfo): boolean {
    const place = this.boundPlace(stage);
    if (place === undefined || isLeftOut(place, this.countsOf)) return false;
    // Of several stages of a silence, one begins the match.
    return place.role === 'bound' || this.isOnlyFirst(stage);
  }

  /** The first event of every match is the stage's. */
  isOnlyFirst(stage: StageInfo): boolean {
    const firsts = this.shape.flow?.firsts;
    return firsts?.size === 1 && firsts.has(stage.name);
  }

  private view(stage: StageInfo, as: StageView['as'], maybeUnbound: boolean): StageView {
    return { name: stage.name, span: stage.span, event: stage.event, as, maybeUnbound };
  }

  /** A stage as seen from the condition of another (or of itself). */
  fromStage(reader: StageInfo, name: string): StageView | undefined {
    const target = this.shape.stages.get(name);
    if (target === undefined) return undefined;
    if (isUnused(target) || isUnused(reader)) return this.view(target, 'unused', true);
    const place = this.boundPlace(target);
    if (target === reader) {
      // In a repeated group also a banned stage is a loop by its own name; it takes nothing, so the list is empty.
      const loop = place === undefined ? reader.places.length > 0 && reader.places.every((at) => isLoop(at, this.countsOf)) : isLoop(place, this.countsOf);
      return loop ? this.view(target, 'list', true) : this.view(target, 'tested', false);
    }
    // Inside a banned sequence the later stages see the earlier ones.
    const beside = (at: Place): Place | undefined => target.places.find((other) => other.path.some(({ node }) => node.kind === 'not' && at.path.some((step) => step.node === node)));
    if (place === undefined && !reader.places.some(beside)) return this.view(target, 'banned', true);
    const views = reader.places.map((at) => {
      const seen = place ?? beside(at);
      return seen === undefined ? this.view(target, 'banned', true) : this.fromPlace(target, seen, at);
    });
    if (reader.without) views.push(this.fromAnyArrow(target));
    return views.reduce<StageView | undefined>((worst, one) => (worst === undefined ? one : both(worst, one)), undefined) ?? this.view(target, 'later', true);
  }

  private unbound(target: StageInfo): StageView {
    return this.view(target, isUnused(target) || this.shape.pattern === undefined ? 'unused' : 'banned', true);
  }

  private fromPlace(target: StageInfo, place: Place, at: Place): StageView {
    const { order, list, optional } = relate(place, at, this.countsOf);
    if (order === 'after') return this.view(target, 'later', true);
    return this.view(target, list ? 'list' : 'one', optional || order !== 'before' || (place.role === 'silent' && !this.isOnlyFirst(target)));
  }

  /** A stage as seen from every arrow of the pattern, or from where a bound of the whole match starts: only the first one is bound there. */
  fromAnyArrow(target: StageInfo): StageView {
    const place = this.boundPlace(target);
    if (place === undefined) return this.unbound(target);
    const as = isLoop(place, this.countsOf) ? 'list' : 'one';
    if (this.isOnlyFirst(target)) return this.view(target, as, false);
    const canBeFirst = this.shape.flow?.firsts.has(target.name) === true;
    return this.view(target, canBeFirst ? as : 'later', true);
  }

  /** A stage as seen right after `of` took its event: where `within … of` is read. */
  fromAfter(of: StageInfo, name: string): StageView | undefined {
    const target = this.shape.stages.get(name);
    if (target === undefined) return undefined;
    const place = this.boundPlace(target);
    if (place === undefined) return this.unbound(target);
    if (target === of) return this.view(target, isLoop(place, this.countsOf) ? 'list' : 'one', false);
    const at = this.boundPlace(of);
    return at === undefined ? this.view(target, 'later', true) : this.fromPlace(target, place, at);
  }

  /** A stage as seen by what is read when the match is complete, or, with `timeout`, when its time has run out. */
  fromReport(name: string, timeout: boolean): StageView | undefined {
    const target = this.shape.stages.get(name);
    if (target === undefined) return undefined;
    const place = this.boundPlace(target);
    if (place === undefined) return this.unbound(target);
    const bound = timeout ? this.isOnlyFirst(target) : this.isAlwaysBound(target);
    return this.view(target, isLoop(place, this.countsOf) ? 'list' : 'one', !bound);
  }

  /** The most recently bound event as seen from a stage's condition. */
  previous(stage: StageInfo): { readonly event: EventView; readonly maybeUnbound: boolean } {
    return this.previousOf(this.shape.flow?.before.get(stage.name));
  }

  /** The most recently bound event at the end of a match, or, with `timeout`, at any time. */
  previousAtEnd(timeout: boolean): { readonly event: EventView; readonly maybeUnbound: boolean } {
    const { flow, stages } = this.shape;
    if (timeout) return this.previousOf(flow && new Set([...stages.values()].filter((stage) => this.boundPlace(stage) !== undefined).map((stage) => stage.name)));
    return this.previousOf(flow?.lasts);
  }

  private previousOf(before: ReadonlySet<string> | undefined): { readonly event: EventView; readonly maybeUnbound: boolean } {
    const stages = [...before ?? []].filter((name) => name !== START).flatMap((name) => this.shape.stages.get(name) ?? []);
    const names = new Set(stages.flatMap((stage) => stage.accepts));
    const types = [...names].flatMap((name) => this.shape.events.get(name) ?? []);
    const event = looseViewOf(types);
    // Where the pattern could not be read, or a type is not known, nothing can be told.
    const broken = before === undefined || stages.some((stage) => stage.event.broken) || (types.length === 0 && !this.shape.isWhole());
    return { event: broken ? { ...event, broken, types: types.length > 0 ? types : [...this.shape.events.values()] } : { ...event, broken: false }, maybeUnbound: before?.has(START) !== false };
  }
}

/** The pattern does not name it, which has been reported. */
function isUnused(stage: StageInfo): boolean {
  return stage.places.length === 0 && !stage.without;
}

/** What holds of a stage seen from two places. */
function both(a: StageView, b: StageView): StageView {
  const rank: Record<StageView['as'], number> = { tested: 0, one: 1, list: 2, banned: 3, later: 4, unused: 5 };
  return { ...a, as: rank[a.as] >= rank[b.as] ? a.as : b.as, maybeUnbound: a.maybeUnbound || b.maybeUnbound };
}

/** The counts of the repeats of a desugared pattern, found by their places in the text. */
export function countsOfRepeats(counts: ReadonlyMap<QuantifiedPattern, Counts>): (repeat: Repeat) => Counts {
  const bySpan = new Map([...counts].map(([node, made]) => [`${node.span.start} ${node.span.end}`, made]));
  return (repeat) => bySpan.get(`${repeat.span.start} ${repeat.span.end}`) ?? UNKNOWN;
}

export function shapeFlow(pattern: Pattern, counts: ReadonlyMap<QuantifiedPattern, Counts>): Flow {
  const countsAt = countsOfRepeats(counts);
  return flowOf(pattern, { mayBeZero: (repeat) => countsAt(repeat).least === 0, mayTurnAgain: (repeat) => countsAt(repeat).most > 1 });
}

/** All types that a stage of these types accepts. */
export function acceptedTypes(types: readonly EventInfo[], events: ReadonlyMap<string, EventInfo>): string[] {
  const names = new Set(types.flatMap((type) => acceptedBy(type, events.values())));
  return [...events.keys()].filter((name) => names.has(name));
}

