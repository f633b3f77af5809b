/** Whether the runs of a rule go on under a newer version of it, told from what both keep: the plan of a change, before it is done. */
import type { KeyIdentity, Shape } from '../../compile/identity.ts';
import type { PositionState, RuleState, StateDescription } from './describe.ts';

/** What becomes of a rule's state. */
export interface RuleChange {
  readonly rule: string;
  /** `dropped`: the rule is gone, and its state with it. `drains`: as `fresh` or `dropped`, but what is open goes on under the old rule. */
  readonly what: 'goes on' | 'drains' | 'fresh' | 'dropped' | 'new';
  /** Why it starts fresh, in the author's words. */
  readonly reason: string | undefined;
  /** Open runs (with the matches that are held back) or windows that go on, or that are lost. */
  readonly runs: number;
  /** What `runs` counts. */
  readonly of: 'run' | 'window';
  /** Keys with anything kept. */
  readonly keys: number;
}

/** From an old rule to the one that goes on with its state. */
export interface Mapping {
  readonly oldIndex: number;
  readonly index: number;
}

/** How the records of an old rule with a pattern become a new one's. */
export interface PatternMapping extends Mapping {
  readonly old: RuleState;
  /** By old position: the new one. */
  readonly positions: readonly number[];
  /** By old stage index: the new one. */
  readonly stages: readonly number[];
  /** By old position, per new edge slot: the old slot, -1 for an edge that is new. */
  readonly slots: readonly (readonly number[])[];
}

/** What an engine that has been through changes must remember of a rule: JSON. */
export interface Adopted {
  /** `Type.field` or `Type` (its bytes) that events bound before the change have not kept. */
  readonly lacks: readonly string[];
  /** Shared starts up to this number of an event are none of this rule's; 0: all are. */
  readonly since: number;
  /** Windows that ended up to here are forgotten (windows/runner.ts); absent: those that `late within` says. */
  readonly floor?: number;
}

const JOINT = ' and ';

/** @returns the mapping, or why there is none. `lacks`: of the old rule. */
export function comparePatterns(before: StateDescription, oldIndex: number, after: StateDescription, index: number, lacks: readonly string[]): PatternMapping | string {
  const old = before.rules[oldIndex] as RuleState;
  const rule = after.rules[index] as RuleState;
  const { pattern } = old.identity;
  if (old.version !== rule.version) return `version ${old.version} is now version ${rule.version}`;
  const reason = compareKeys(old.identity.key, rule.identity.key) ?? compareShapes(pattern, rule.identity.pattern, true) ?? compareStages(old, rule) ?? compareBounds(old, rule) ?? compareWays(old, rule)
    ?? compareReads(before, after, old, rule, lacks);
  if (reason !== undefined) return reason;
  const positions = mapPositions(old.positions, rule.positions);
  const stages = old.stages.map((name) => rule.stages.indexOf(name));
  const registers = compareRegisters(old, rule, positions);
  if (registers !== undefined) return registers;
  const slots = old.positions.map((position, p) => mapSlots(position, rule.positions[positions[p]!]!, positions));
  return { old, oldIndex, index, positions, stages, slots };
}

export function compareKeys(a: KeyIdentity, b: KeyIdentity): string | undefined {
  const by = (parts: typeof a): string => (parts.length === 0 ? 'no key' : parts.map(({ name }) => name).join(', '));
  if (a.length !== b.length || a.some((part, i) => part.name !== b[i]!.name || part.type !== b[i]!.type)) return `\`by\` was ${by(a)} and is ${by(b)}`;
  for (const [i, part] of a.entries()) {
    const other = b[i]!;
    const changed = Object.entries(part.valueOf).some(([type, text]) => other.valueOf[type] !== undefined && other.valueOf[type] !== text)
      || JSON.stringify(Object.entries(part.stages).sort()) !== JSON.stringify(Object.entries(other.stages).sort());
    if (changed) return `\`by ${part.name}\` is read from the events in another way`;
  }
  return undefined;
}

/** `outermost`: steps may follow. */
function compareShapes(a: Shape, b: Shape, outermost = false): string | undefined {
  if (outermost && a.kind !== 'sequence' && b.kind === 'sequence' && b.trailing.length === 0) return b.items[0]!.bans.length > 0 ? 'what is banned before its first step has changed' : compareShapes(a, b.items[0]!.pattern);
  if (a.kind !== b.kind) return `its pattern was ${words(a)} and is ${words(b)}`;
  switch (a.kind) {
    case 'stage': return a.stage === (b as typeof a).stage ? undefined : `a step was \`${a.stage}\` and is \`${(b as typeof a).stage}\``;
    case 'silence': return a.stages.join() === (b as typeof a).stages.join() ? undefined : `a silence was of ${a.stages.join(JOINT)} and is of ${(b as typeof a).stages.join(JOINT)}`;
    case 'or': {
      const other = b as typeof a;
      if (a.alternatives.length !== other.alternatives.length) return `its pattern was ${words(a)} and is ${words(b)}`;
      return firstOf(a.alternatives.map((one, i) => compareShapes(one, other.alternatives[i]!)));
    }
    case 'repeat': {
      const other = b as typeof a;
      const inner = compareShapes(a.inner, other.inner);
      if (inner !== undefined) return inner;
      if (a.quantifier !== other.quantifier) return `the quantifier of ${words(a.inner)} was ${a.quantifier} and is ${other.quantifier}`;
      if (a.arrow !== other.arrow) return `the arrow within the loop of ${words(a.inner)} was ${a.arrow} and is ${other.arrow}`;
      return same(a.bans, other.bans) ? undefined : `what is banned within the loop of ${words(a.inner)} has changed`;
    }
    case 'sequence': {
      const other = b as typeof a;
      if (other.items.length < a.items.length || (other.items.length > a.items.length && !outermost)) return `its pattern was ${words(a)} and is ${words(b)}`;
      for (const [i, item] of a.items.entries()) {
        const now = other.items[i]!;
        const step = compareShapes(item.pattern, now.pattern);
        if (step !== undefined) return step;
        if (item.arrow !== now.arrow) return `the arrow before ${words(item.pattern)} was ${item.arrow} and is ${now.arrow}`;
        if (!same(item.bans, now.bans)) return `what is banned before ${words(item.pattern)} was ${list(item.bans)} and is ${list(now.bans)}`;
      }
      const isLonger = other.items.length > a.items.length;
      if (isLonger ? a.trailing.length > 0 || other.trailing.length > 0 : !same(a.trailing, other.trailing)) return `what is banned at its end was ${list(a.trailing)} and is ${list(other.trailing)}`;
      return undefined;
    }
  }
}

const firstOf = (reasons: readonly (string | undefined)[]): string | undefined => reasons.find((reason) => reason !== undefined);
const same = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((text, i) => text === b[i]);
const list = (bans: readonly string[]): string => (bans.length === 0 ? 'nothing' : `\`${bans.join(', ')}\``);

function words(shape: Shape): string {
  const text = (s: Shape): string => {
    switch (s.kind) {
      case 'stage': return s.stage;
      case 'silence': return `not ${s.stages.join(' or ')} for …`;
      case 'or': return `(${s.alternatives.map(text).join(' or ')})`;
      case 'sequence': return `(${s.items.map((item) => `${item.arrow === '' ? '' : ` ${item.arrow} `}${text(item.pattern)}`).join('')})`;
      case 'repeat': return `${text(s.inner)}${s.quantifier}`;
    }
  };
  const whole = text(shape);
  return `\`${whole.length > 80 ? `${whole.slice(0, 77)}…` : whole}\``;
}

function compareStages(old: RuleState, rule: RuleState): string | undefined {
  for (const [name, stage] of Object.entries(old.identity.stages)) {
    const now = rule.identity.stages[name];
    if (now === undefined) return `the stage ${name} is gone`;
    if (!same(stage.types, now.types)) return `the stage ${name} was of ${stage.types.join(' | ')} and is of ${now.types.join(' | ')}`;
    if (stage.within?.of !== now.within?.of) {
      return now.within === undefined ? `the stage ${name} has lost its \`within\`` : stage.within === undefined ? `the stage ${name} has a \`within\` of its own now` : `the \`within\` of stage ${name} counts from another stage`;
    }
  }
  return undefined;
}

function compareBounds(old: RuleState, rule: RuleState): string | undefined {
  for (const kind of ['within', 'session', 'gap'] as const) {
    const a = old.identity[kind];
    const b = rule.identity[kind];
    if ((a === undefined) !== (b === undefined)) return a === undefined ? `it is bounded by a \`${kind}\` now` : `it is no longer bounded by its \`${kind}\``;
    if (a !== undefined && a.ms === undefined && a.text !== b!.text) return `its \`${kind}\` depended on the run, and is another now: which runs were over by the old one is not known`;
  }
  return undefined;
}

/** How its runs are followed. */
function compareWays(old: RuleState, rule: RuleState): string | undefined {
  if (old.hasTimeout !== rule.hasTimeout) return rule.hasTimeout ? 'it has an `on timeout` now, for which each start has to be followed from its first event on' : 'its `on timeout` is gone';
  const isLongest = (mode: string): boolean => mode === 'longest';
  if (isLongest(old.identity.mode) !== isLongest(rule.identity.mode)) return `it was \`match ${old.identity.mode}\` and is \`match ${rule.identity.mode}\``;
  if (old.tracked !== rule.tracked || old.split !== rule.split) return 'its runs are told apart in another way now (by a silence, a `then skip to next`, or a condition that looks through the events of a run)';
  if (old.cohort === undefined && rule.cohort !== undefined) return 'all runs of a key go through its loop in step now, and did not before';
  if (old.cohort !== undefined && rule.cohort !== undefined) {
    const kinds = new Map(old.positions[old.cohort.position]!.registers.map((register, i) => [register, old.cohort!.cells[i]]));
    for (const [i, register] of rule.positions[rule.cohort.position]!.registers.entries()) {
      if (kinds.has(register) && kinds.get(register) !== rule.cohort.cells[i]) return 'what its loop counts is kept in another way now';
    }
  }
  if (old.starts.length !== rule.starts.length || old.leading !== rule.leading) return 'it may begin in another way now';
  const sequence = ({ text, logged }: RuleState['sequences'][number]): string => `${text}|${logged}`;
  if (!same(old.sequences.map(sequence), rule.sequences.map(sequence))) return 'what it remembers for its banned sequences is not what it needs now';
  return undefined;
}

function compareReads(before: StateDescription, after: StateDescription, old: RuleState, rule: RuleState, lacks: readonly string[]): string | undefined {
  const held = heldStages(old);
  const accepts = (stage: string): readonly string[] => (held.has(stage) ? old.identity.stages[stage]!.accepts : []);
  for (const [stage, fields] of Object.entries(rule.identity.reads)) {
    for (const [field, written] of Object.entries(fields)) {
      for (const type of accepts(stage)) {
        const reason = isKept(before, after, type, field, lacks);
        if (reason !== undefined) return `it reads ${written}, ${reason === 'kept otherwise' ? 'whose type is another now' : 'which its open runs have not kept'}`;
      }
    }
  }
  for (const name of new Set([...held].flatMap(accepts))) {
    const type = before.types.find((one) => one.name === name);
    const now = after.types.find((one) => one.name === name);
    if (type === undefined) continue;
    if (now === undefined) return `the event type ${name} is gone`;
    if (rule.identity.full && (!type.bytes || lacks.includes(name))) return `\`evidence full\` wants the events of type ${name} as they came, which its open runs have not kept`;
    if (type.identity.length > 0 && now.identity.length === 0) return `events of type ${name} are no longer told apart by \`id\`, and open runs have not kept the hash of their bytes`;
    for (const field of now.identity) {
      if (isKept(before, after, name, field, lacks) !== undefined) return `events of type ${name} are told apart by ${field} now, which its open runs have not kept`;
    }
  }
  if (rule.sequences.some(({ logged }) => logged)) {
    for (const field of rule.identity.banReads) {
      if (!before.types.some((type) => type.fields[field] !== undefined)) return `a banned sequence reads ${field}, which is not kept of the events seen so far`;
    }
  }
  return undefined;
}

/** Stages whose events a run that is open may have bound: not those that only end a match. */
export function heldStages({ identity, positions, stages }: RuleState): Set<string> {
  if (identity.mode === 'longest') return new Set(Object.keys(identity.stages)); // the match that is held back has them all
  return new Set(positions.filter(({ stage, out }) => stage >= 0 && out.length > 0).map(({ stage }) => stages[stage]!));
}

/** Whether bound events of a type have kept a field; undefined: they have, or have none of it. */
function isKept(before: StateDescription, after: StateDescription, name: string, field: string, lacks: readonly string[]): 'not kept' | 'kept otherwise' | undefined {
  const type = before.types.find((one) => one.name === name);
  const now = after.types.find((one) => one.name === name)?.fields[field];
  if (type === undefined || now === undefined) return undefined;
  if (!type.kept.includes(field) || lacks.includes(`${name}.${field}`)) return 'not kept';
  return type.fields[field]!.kind !== now.kind ? 'kept otherwise' : undefined;
}

/** Those written keep their order where steps are added at the end; the clocks of silences at the start come after them. */
function mapPositions(old: readonly PositionState[], now: readonly PositionState[]): number[] {
  const order = (positions: readonly PositionState[], clock: boolean): number[] => positions.flatMap((position, i) => (position.clock === clock ? [i] : []));
  const written = order(now, false);
  const clocks = order(now, true);
  let w = 0;
  let c = 0;
  return old.map((position) => (position.clock ? clocks[c++]! : written[w++]!));
}

/** Edges between two positions keep their order. */
function mapSlots(old: PositionState, now: PositionState, positions: readonly number[]): number[] {
  const used = new Set<number>();
  return now.out.map((edge) => {
    const slot = old.out.findIndex((other, i) => !used.has(i) && other.kind === edge.kind && (other.to < 0 ? -1 : positions[other.to]!) === edge.to);
    if (slot >= 0) used.add(slot);
    return slot;
  });
}

/** What an event's own record gives at the position where it is bound, and what no run has when a change comes. */
export function isDerivable(register: string, stage: string | undefined): boolean {
  if (/^#(mask|closed\d+|lazy)$/.test(register)) return true;
  if (stage === undefined) return false;
  return register.startsWith('p:') || register.startsWith(`f:${stage}.`) || register === `t:${stage}` || register === `T:${stage}`;
}

function compareRegisters(old: RuleState, rule: RuleState, positions: readonly number[]): string | undefined {
  for (const [p, position] of old.positions.entries()) {
    if (position.out.length === 0) continue; // no run waits there
    const now = rule.positions[positions[p]!]!;
    const inStep = old.cohort?.position === p;
    for (const register of now.registers) {
      if (!position.registers.includes(register)) {
        if (!inStep && isDerivable(register, now.stage < 0 ? undefined : rule.stages[now.stage])) continue;
        if (inStep && register.startsWith('#') && isDerivable(register, undefined)) continue;
        return `it reads ${spoken(register, rule)}, which its open runs have not kept`;
      }
      const a = old.identity.meanings[register];
      const b = rule.identity.meanings[register];
      if (a?.text !== b?.text) return `${b?.written ?? spoken(register, rule)} counts otherwise now, and its open runs have counted the old way`;
    }
  }
  return undefined;
}

/** A register as the author would say it. */
function spoken(register: string, rule: RuleState): string {
  const meaning = rule.identity.meanings[register];
  if (meaning !== undefined) return meaning.written;
  const [, kind, rest] = /^([a-zA-Z#])@?\d*:?(.*)$/.exec(register) ?? [];
  switch (kind) {
    case 'f': return rest!;
    case 'p': return rest === '#time' ? 'timeOf(prev)' : `prev.${rest}`;
    case 't': case 'T': return `timeOf(${rest})`;
    case 'd': return 'a duration read when its span began';
    default: return 'what it counts of its events';
  }
}
