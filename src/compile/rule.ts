/** One rule: from its checked tree to a RulePlan. */
import { planCohort } from './cohort.ts';
import type { Aggregate, Context } from './context.ts';
import { emitCondition, emitValue, canonical, type Leaf } from './expr.ts';
import { bannedStages as banStages, buildAutomaton, repeatedGroups, type Accept, type Counter, type Edge, type Loop, type Position } from './automaton.ts';
import { boundExpressions } from './expressions.ts';
import { identityOf } from './identity.ts';
import { conjunctsOf, isEventOnly, walk } from './walk.ts';
import type { Cond, EdgePlan, Guard, OutputPlan, PositionPlan, RulePlan, StagePlan, TimeSpan } from './plan.ts';
import { MOST_NEXT, MOST_STEPS } from '../../dsl/index.ts';
import type { Ban, Expr, KeyPart, PatternRule, Stage } from '../../dsl/typed.ts';

/** `first`, `last`, … whose value is a number kept in registers, or computed by walking the bound events. */
const WALKED = new Set(['distinct', 'values']);

const aggregateId = (expr: Aggregate): string =>
  `${expr.stage}|${expr.value === undefined ? '' : canonical(expr.value)}|${expr.where === undefined ? '' : canonical(expr.where)}`;

const isWalked = (expr: Aggregate): boolean =>
  WALKED.has(expr.fn) || ((expr.fn === 'min' || expr.fn === 'max') && (expr.value?.type.kind === 'string' || expr.value?.type.kind === 'oneOf'));

/** Does `keep` count the stage's events? Not those of a loop of which running totals are all that is asked for. */
function isHeld(rule: PatternRule, { name, loop }: Stage): boolean {
  if (rule.evidence !== 'none' || !loop) return true;
  let lists = false;
  for (const expr of boundExpressions(rule)) walk(expr, (e) => { if (e.kind === 'aggregate' && e.stage === name && isWalked(e)) lists = true; });
  return lists;
}

/** `timeOf(prev)` reads no field. */
const prevRegister = (field: string | undefined): string => `p:${field ?? '#time'}`;

/** Registers an aggregate is kept in; `scope` is '' for all turns of the repeated groups around the stage, `@g` for this turn of group g. */
function aggregateRegisters(expr: Aggregate, scope: string): string[] {
  const id = `a${scope}:${aggregateId(expr)}`;
  switch (expr.fn) {
    case 'count': return [`${id}:n`];
    case 'sum': return [`${id}:sum`];
    case 'avg': return [`${id}:sum`, `${id}:k`];
    case 'min': return [`${id}:min`];
    case 'max': return [`${id}:max`];
    case 'stddev': return [`${id}:k`, `${id}:mean`, `${id}:m2`];
    case 'first': return [`${id}:first`, `${id}:n`];
    case 'last': return [`${id}:last`];
    case 'lasting': return [`${id}:n`, `${id}:du`, `${id}:lt`, `${id}:pl`];
    case 'timeAvg': return [`${id}:ws`, `${id}:wt`, `${id}:lt`, `${id}:pv`];
    default: return [];
  }
}

const initialOf = (register: string): string =>
  register.startsWith('#') || register.startsWith('w@') || /^a(@\d+)?:.*:(n|sum|k|mean|m2|du|ws|wt|pl)$/.test(register) ? '0' : 'NaN';

/** In place of the stage that reads: from outside all groups. */
const OUTSIDE = '';

/** A ban of several steps; `not (b)` is one of a stage. */
const isSequence = (ban: Ban): boolean => ban.what.kind === 'sequence' && ban.what.pattern.kind !== 'stage';

const sameCond = (a: Cond, b: Cond): boolean => a.predicate === b.predicate && a.rest === b.rest && a.stage === b.stage;

function addOnce<T>(list: T[], item: T, same: (a: T, b: T) => boolean): void {
  if (!list.some((other) => same(other, item))) list.push(item);
}

export function compileRule(context: Context, rule: PatternRule, index: number): RulePlan {
  const match = rule.match;
  const automaton = buildAutomaton(rule, (expr) => context.number(expr));
  // A node of the history has seven bits for its position; a class's dead edges and a lazy loop's exits are bits of one register.
  if (automaton.positions.length > MOST_STEPS) context.unsupported(rule, rule.span, `a pattern of more than ${MOST_STEPS} steps (${automaton.positions.length}, each order of an \`and\` counted)`);
  if (automaton.positions.some((position) => position.out.length + position.accepts.length > MOST_NEXT)) {
    context.unsupported(rule, rule.span, `a step after which more than ${MOST_NEXT} others may come next`);
  }
  const functions: string[] = [];
  const addFunction = (source: string): number => {
    const at = functions.indexOf(source);
    return at >= 0 ? at : functions.push(source) - 1;
  };

  const stageNames = [...match.stages.keys()];
  const stageOf = (name: string): Stage => match.stages.get(name)!;
  const stageIndex = new Map(stageNames.map((name, i) => [name, i] as const));

  const sequences: { steps: { cond: Cond; arrow: 'followed' | 'any' | 'next' }[]; logged: boolean }[] = [];
  const sequenceOf = new Map<string, number>();
  const banNumbers = new Map<Ban, number>();

  // --- what conditions read ---------------------------------------------------------------------------------------------------------------
  const groupsOf = repeatedGroups(match.pattern, (repeat) => repeat.max === undefined || context.number(repeat.max) > 1);
  /** A stage of a repeated group is this turn's events to the other stages of the turn; by its own name and outside, those of all turns. */
  const scopeOf = (stage: string, reader: string | undefined): string => {
    if (reader === undefined || reader === stage) return '';
    const around = groupsOf.get(reader) ?? [];
    const common = (groupsOf.get(stage) ?? []).filter((group) => around.includes(group));
    return common.length === 0 ? '' : `@${common[common.length - 1]!}`;
  };
  /** When a stage was last bound: in this turn to the other stages of the turn, in any turn to itself and outside. */
  const timeRegister = (stage: string, reader: string | undefined): string => `${scopeOf(stage, reader) === '' ? 'T' : 't'}:${stage}`;
  const readsOf = (expr: Expr, reader?: string): Set<string> => {
    const reads = new Set<string>();
    walk(expr, (e) => {
      if (e.kind === 'stageField') reads.add(`f:${e.stage}.${e.field}`);
      else if (e.kind === 'stageTime') reads.add(timeRegister(e.stage, reader));
      else if (e.kind === 'prevField') reads.add(prevRegister(e.field));
      else if (e.kind === 'aggregate') {
        if (isWalked(e)) {
          reads.add('#run');
          const scope = scopeOf(e.stage, reader);
          if (scope !== '') { reads.add(`w${scope}`); reads.add('#bound'); }
          return;
        }
        for (const register of aggregateRegisters(e, scopeOf(e.stage, reader))) { reads.add(register); context.aggregates.set(register, e); }
      }
    });
    return reads;
  };

  /** A span of time: how long it is, as `reader` sees it (undefined: as from outside all groups), and the register of its start. */
  interface Bound {
    readonly expr: Expr;
    readonly base: string;
    readonly reader: string | undefined;
    /** Where the duration is kept from the start of its span on, because what it reads may change. */
    readonly register?: string;
  }
  /** Durations kept, by register, with the stage whose event starts the span; EACH: every event does; FIRST: the first of the match. */
  const kept = new Map<string, Bound & { readonly of: string }>();
  const [EACH, FIRST] = ['#each', '#first'];
  const begins = (register: string, stage: string | undefined): boolean => {
    const of = kept.get(register)?.of;
    return stage !== undefined && (of === EACH || of === stage);
  };
  const forgets = (resets: Edge['resets'], register: string): boolean => {
    const span = kept.get(register);
    if (span !== undefined) return forgets(resets, span.base);
    return resets.some((r) => r.stages.some((s) => register.startsWith(`f:${s}.`) || register === `t:${s}`) || register.startsWith(`a@${r.group}:`) || register === `w@${r.group}`);
  };
  const hasSilence = automaton.positions.some((position) => position.silence !== undefined);
  const hasTimeout = rule.outputs.some((output) => output.onTimeout);
  const isConstant = (bound: Expr | undefined): boolean => bound === undefined || typeof context.constant(bound) === 'number';
  /** `within` of a length that is read with the first event: a bound of every step, kept in registers. */
  const ownWithin = !isConstant(match.within);
  const tracked = hasTimeout || automaton.absence || match.mode === 'longest' || hasSilence || match.skip.to === 'next' || ownWithin || !isConstant(match.session);
  const partBounds = match.gap !== undefined || [...match.stages.values()].some((stage) => stage.within !== undefined);
  const walkedInConditions = [...match.stages.values()].some((stage) => [stage.where, stage.until].some((expr) => {
    let walked = false;
    if (expr !== undefined) walk(expr, (e) => { if (e.kind === 'aggregate' && isWalked(e)) walked = true; });
    return walked;
  }));
  const split: RulePlan['split'] = hasSilence || walkedInConditions || (tracked && partBounds) ? 'run' : tracked ? 'start' : 'none';
  const longest = match.mode === 'longest';

  // A bound from the stage before, or `gap`, is read off the node where it is constant and nobody needs to know when it ends.
  const spanOf = (edge: Edge): number => {
    if (tracked || edge.from < 0 || edge.to < 0) return 0;
    const source = automaton.positions[edge.from]!;
    const target = automaton.positions[edge.to]!;
    if (source.stage === undefined || target.stage === undefined) return 0;
    const spans: number[] = [];
    const gap = match.gap === undefined ? undefined : context.constant(match.gap);
    if (typeof gap === 'number') spans.push(gap);
    const within = stageOf(target.stage).within;
    if (within !== undefined && within.of === source.stage && !forgets(edge.resets, timeRegister(within.of, target.stage))) {
      const d = context.constant(within.duration);
      if (typeof d === 'number') spans.push(d);
    }
    return spans.length === 0 ? 0 : Math.min(...spans);
  };

  /** The time bounds of a step to `stage`. */
  const boundsOf = (from: number, stage: Stage | undefined, withGap: boolean, bySpan: boolean, reader = stage?.name): Bound[] => {
    const bounds: Bound[] = [];
    const source = from < 0 ? undefined : automaton.positions[from]!.stage;
    if (withGap && match.gap !== undefined && from >= 0 && !(bySpan && context.constant(match.gap) !== undefined)) {
      const bound = { expr: match.gap, base: 'p:#time', reader: undefined };
      if (!readsTable(bound.expr) || !mayChange(bound.expr)) bounds.push(bound);
      else {
        kept.set('d:#gap', { ...bound, of: EACH });
        bounds.push({ ...bound, register: 'd:#gap' });
      }
    }
    if (withGap && ownWithin && from >= 0) {
      const bound = { expr: match.within!, base: 'b:#time', reader: undefined, register: 'd:#within' };
      kept.set(bound.register, { ...bound, of: FIRST });
      bounds.push(bound);
    }
    if (stage?.within !== undefined && !(bySpan && stage.within.of === source && context.constant(stage.within.duration) !== undefined)) {
      const bound = { expr: stage.within.duration, base: timeRegister(stage.within.of, reader), reader };
      if (!mayChange(bound.expr)) bounds.push(bound);
      else {
        const register = `d:${reader}:${stage.name}`;
        kept.set(register, { ...bound, of: stage.within.of });
        bounds.push({ ...bound, register });
      }
    }
    return bounds;
  };
  /** Could a duration read more later than when its span starts? One that walks the events is nevertheless read late: they are not at hand as one is bound. */
  function mayChange(duration: Expr): boolean {
    let changes = false;
    let walks = false;
    walk(duration, (e) => {
      if (e.kind === 'stageField' || e.kind === 'stageTime' || e.kind === 'prevField' || e.kind === 'aggregate' || e.kind === 'lookup') changes = true;
      if (e.kind === 'aggregate' && isWalked(e)) walks = true;
    });
    return changes && !walks;
  }
  function readsTable(expr: Expr): boolean {
    let reads = false;
    walk(expr, (e) => { if (e.kind === 'lookup') reads = true; });
    return reads;
  }
  /** A silence whose duration reads a table, which may change meanwhile: the register it is kept in from the event on that starts the span. */
  const silenceRegister = (edge: Edge): string | undefined => {
    const target = edge.to < 0 ? undefined : automaton.positions[edge.to]!;
    const of = edge.from < 0 ? undefined : automaton.positions[edge.from]!.stage;
    if (target?.silence === undefined || of === undefined || edge.resets.length > 0) return undefined;
    if (!readsTable(target.silence.duration) || !mayChange(target.silence.duration)) return undefined;
    const register = `d:#${target.id}:${of}`;
    kept.set(register, { expr: target.silence.duration, base: `T:${of}`, reader: silenceReader(target), of });
    return register;
  };
  const readsOfBound = (bound: Bound): string[] => [bound.base, ...(bound.register === undefined ? readsOf(bound.expr, bound.reader) : [bound.register])];

  interface Raw { readonly kind: EdgePlan['kind']; readonly edge: Edge; readonly accept?: Accept }
  const rawOut: Raw[][] = automaton.positions.map((position) => {
    const raws: Raw[] = position.out.map((edge) => ({ kind: automaton.positions[edge.to]!.silence === undefined ? 'event' : 'silence', edge }));
    for (const accept of position.accepts) {
      if (accept.absence.length === 0) continue;
      const kind = accept.absence.every((ban) => ban.kind === 'next') ? 'acceptNext' : 'absence';
      raws.push({
        kind, accept,
        edge: { id: -1, from: position.id, to: -1, arrow: kind === 'acceptNext' ? 'next' : 'any', bans: accept.absence.map((ban) => ({ ban, earlier: false })), greedy: accept.greedy, loop: undefined, leaves: accept.leaves, repeats: [], enters: [], resets: [], unless: [] },
      });
    }
    return raws;
  });

  const loopStage = (loop: Loop): Stage => stageOf(loop.stage);
  /** Whose eyes a banned stage has: `without` stands outside all groups. */
  const readerOf = (ban: Ban, stage: string): string => (ban.without === true ? OUTSIDE : stage);
  /** A silence's duration sees of a repeated group what its stages see. */
  const silenceReader = (position: Position): string | undefined => position.silence?.stages[0];
  /** Conditions that an edge evaluates while it waits or is taken. */
  const conditionsOf = (raw: Raw): { readonly expr: Expr; readonly reader: string | undefined }[] => {
    const exprs: { expr: Expr | undefined; reader: string | undefined }[] = [];
    const where = (name: string): void => { exprs.push({ expr: stageOf(name).where, reader: name }); };
    const until = (name: string): void => { exprs.push({ expr: stageOf(name).until, reader: name }); };
    const target = raw.edge.to < 0 ? undefined : automaton.positions[raw.edge.to]!;
    if (target?.stage !== undefined) where(target.stage);
    if (target?.silence !== undefined) {
      for (const name of target.silence.stages) where(name);
      exprs.push({ expr: target.silence.duration, reader: silenceReader(target) });
    }
    for (const { ban } of raw.edge.bans) for (const name of banStages(ban)) exprs.push({ expr: stageOf(name).where, reader: readerOf(ban, name) });
    for (const greedy of raw.edge.greedy) { where(greedy.loop.stage); until(greedy.loop.stage); }
    if (raw.edge.loop !== undefined) until(raw.edge.loop.loop.stage);
    if (raw.edge.loop?.loop.lazy === true) {
      for (const exit of lazyExits(raw.edge.to, raw.edge.loop.loop)) where(automaton.positions[exit.edge.to]!.stage!);
    }
    return exprs.flatMap(({ expr, reader }) => (expr === undefined ? [] : [{ expr, reader }]));
  };
  /** The edges by which a lazy loop at `position` is left for a step with an event. */
  function lazyExits(position: number, loop: Loop): { readonly edge: Edge; readonly slot: number }[] {
    return rawOut[position]!.map((raw, slot) => ({ raw, slot }))
      .filter(({ raw }) => raw.kind === 'event' && !(raw.edge.loop?.loop === loop && !raw.edge.loop.enter))
      .map(({ raw, slot }) => ({ edge: raw.edge, slot }));
  }
  const lazyAt = (position: Position): Loop | undefined => automaton.loops.find((loop) => loop.lazy && loop.stage === position.stage);

  // --- registers: which values each position must carry ---------------------------------------------------------------------------------
  const isFirst = (position: Position): boolean => automaton.starts.some((edge) => edge.to === position.id);
  const own: Set<string>[] = automaton.positions.map(() => new Set<string>());
  automaton.positions.forEach((position) => {
    const reads = own[position.id]!;
    if (split !== 'none') reads.add('#start');
    if (split === 'run') reads.add('#run');
    if (longest || hasTimeout) reads.add('#bound');
    const counter = (c: Counter): void => { reads.add(`#c${c.id}`); };
    for (const accept of position.accepts) accept.leaves.forEach(counter);
    for (const raw of rawOut[position.id]!) {
      raw.edge.leaves.forEach(counter);
      raw.edge.repeats.forEach(counter);
      for (const greedy of raw.edge.greedy) {
        if (!greedy.fresh && greedy.loop.counter !== undefined && greedy.loop.max !== Infinity) counter(greedy.loop.counter);
        if (loopStage(greedy.loop).until !== undefined) { reads.add(`#closed${greedy.loop.id}`); reads.add('#mask'); }
      }
      if (raw.edge.bans.some(({ ban }) => ban.kind === 'next')) reads.add('#mask');
      if (raw.edge.loop?.loop.lazy === true && raw.edge.loop.loop.counter !== undefined && !raw.edge.loop.enter) counter(raw.edge.loop.loop.counter);
      for (const { expr, reader } of conditionsOf(raw)) for (const register of readsOf(expr, reader)) reads.add(register);
      const duration = silenceRegister(raw.edge);
      if (duration !== undefined) reads.add(duration);
      const target = raw.edge.to < 0 ? undefined : automaton.positions[raw.edge.to]!.stage;
      for (const bound of boundsOf(position.id, target === undefined ? undefined : stageOf(target), true, !tracked && raw.kind === 'event')) {
        for (const register of readsOfBound(bound)) reads.add(register);
      }
      const silent = raw.edge.to < 0 ? [] : automaton.positions[raw.edge.to]!.silence?.stages ?? [];
      for (const { name, reader } of [
        ...raw.edge.bans.flatMap(({ ban }) => banStages(ban).map((stage) => ({ name: stage, reader: readerOf(ban, stage) }))), ...silent.map((stage) => ({ name: stage, reader: stage })),
      ]) {
        for (const bound of boundsOf(position.id, stageOf(name), false, false, reader)) for (const register of readsOfBound(bound)) reads.add(register);
      }
    }
    if (lazyAt(position) !== undefined) reads.add('#lazy');
  });
  const LOCAL = /^#(mask|closed\d+|lazy)$/;
  const needed: Set<string>[] = own.map((set) => new Set(set));
  for (let changed = true; changed;) {
    changed = false;
    for (const position of automaton.positions) {
      for (const [register, span] of kept) {
        if (!(span.of === FIRST ? isFirst(position) : begins(register, position.stage)) || !needed[position.id]!.has(register)) continue;
        for (const read of readsOf(span.expr, span.reader)) if (!needed[position.id]!.has(read)) { needed[position.id]!.add(read); changed = true; }
      }
      for (const raw of rawOut[position.id]!) {
        if (raw.edge.to < 0) continue;
        const target = automaton.positions[raw.edge.to]!;
        for (const register of needed[target.id]!) {
          if (needed[position.id]!.has(register)) continue;
          if (LOCAL.test(register)) continue;
          if (target.stage !== undefined && (register.startsWith('p:') || register.startsWith(`f:${target.stage}.`) || register === `t:${target.stage}` || register === `T:${target.stage}`)) continue;
          if (register.startsWith(`a:${target.stage}|`) && register.endsWith(':last') && context.aggregates.get(register)?.where === undefined) continue;
          if (raw.edge.enters.some((c) => register === `#c${c.id}`)) continue;
          if (begins(register, target.stage)) continue;
          if (forgets(raw.edge.resets, register)) continue;
          needed[position.id]!.add(register);
          changed = true;
        }
      }
    }
  }
  const layouts = needed.map((set) => [...set].sort());
  const cellOf = (position: number, register: string): number => (position < 0 ? -1 : layouts[position]!.indexOf(register));
  const readRegister = (position: number, register: string): string => {
    const cell = cellOf(position, register);
    return cell < 0 ? initialOf(register) : `F[c+${cell}]`;
  };

  // --- leaves: how generated code reads things ---------------------------------------------------------------------------------------------
  const aggregateValue = (expr: Aggregate, scope: string, read: (register: string) => string): string => {
    if (isWalked(expr)) return walkedAggregate(expr, scope === '' ? undefined : read(`w${scope}`));
    const id = `a${scope}:${aggregateId(expr)}`;
    switch (expr.fn) {
      case 'count': return read(`${id}:n`);
      case 'sum': return read(`${id}:sum`);
      case 'avg': return `M.div(${read(`${id}:sum`)},${read(`${id}:k`)})`;
      case 'min': return read(`${id}:min`);
      case 'max': return read(`${id}:max`);
      case 'stddev': return `M.sampleDeviation(${read(`${id}:k`)},${read(`${id}:m2`)})`;
      case 'first': return read(`${id}:first`);
      case 'last': return read(`${id}:last`);
      case 'lasting': return `(${read(`${id}:n`)}===0?NaN:${read(`${id}:du`)})`;
      case 'timeAvg': return `M.div(${read(`${id}:ws`)},${read(`${id}:wt`)})`;
      default: throw new Error(`no registers for ${expr.fn}`);
    }
  };
  const base = {
    eventField: (field: string) => context.eventField(field),
    eventTime: () => context.eventTime(),
    param: (name: string) => context.param(name),
    keyField: (part: number) => `K[${part}]`,
    literal: context.literal,
    eachField: (field: string): string => { throw new Error(`eachField ${field} outside an aggregate`); },
    eachTime: (): string => { throw new Error('eachTime outside an aggregate'); },
    matchInfo: (what: string) => `M.${what === 'id' ? 'idValue()' : what}`,
    lookup: (table: string, key: string, column: string) => context.lookup(table, key, column, 'X.current.time'),
    feature: (name: string, parts: readonly number[]) => context.feature(name, parts.map((part) => `K[${part}]`), 'before'),
  };
  const matchLeaf: Leaf = {
    ...base,
    stageField: (stage, field) => `M.field(${stageIndex.get(stage)!},${context.slot(field)})`,
    stageTime: (stage) => `M.time(${stageIndex.get(stage)!})`,
    prevField: (field) => (field === undefined ? 'M.prevTime()' : `M.prev(${context.slot(field)})`),
    aggregate: (expr) => walkedAggregate(expr),
    eachField: (field) => `M.at(ev,${context.slot(field)})`,
    eachTime: () => 'M.timeAt(ev)',
    feature: (name, parts) => context.feature(name, parts.map((part) => `K[${part}]`), 'after'),
  };
  /** `from`: source of the number of events bound before this turn of a group, where only its own count. */
  function walkedAggregate(expr: Aggregate, from?: string): string {
    const value = expr.value === undefined ? 'null' : `(ev)=>${emitValue(expr.value, matchLeaf)}`;
    const where = expr.where === undefined ? 'null' : `(ev)=>${emitCondition(expr.where, matchLeaf)}`;
    const kind = expr.value === undefined ? 'number' : context.typeTag(expr.value.type);
    return `M.reduce(${JSON.stringify(expr.fn)},${stageIndex.get(expr.stage)!},${value},${where},${expr.limit ?? -1},${JSON.stringify(kind)}${from === undefined ? '' : `,${from}`})`;
  }
  /** `resets`: of the edge on which the condition stands; what a new turn forgets is null to it. */
  const classLeaf = (position: number, reader?: string, resets: Edge['resets'] = []): Leaf =>
    leafOver((register) => (!forgets(resets, register) ? readRegister(position, register) : register.startsWith('w@') ? 'Infinity' : initialOf(register)), reader);
  const leafOver = (read: (register: string) => string, reader: string | undefined): Leaf => ({
    ...base,
    stageField: (stage, field) => read(`f:${stage}.${field}`),
    stageTime: (stage) => read(timeRegister(stage, reader)),
    prevField: (field) => read(prevRegister(field)),
    aggregate: (expr) => aggregateValue(expr, scopeOf(expr.stage, reader), read),
  });
  const restFunction = (position: number, reader: string, resets: Edge['resets'], exprs: readonly Expr[], extra: readonly string[] = []): number => {
    if (exprs.length === 0 && extra.length === 0) return -1;
    const parts = [...exprs.map((expr) => `(${emitCondition(expr, classLeaf(position, reader, resets))})`), ...extra];
    return addFunction(`(c)=>{const F=H.f64;return ${parts.join('&&')};}`);
  };
  const timeFunction = (sources: readonly string[]): number =>
    sources.length === 0 ? -1 : addFunction(`(c)=>{const F=H.f64;return ${sources.length === 1 ? sources[0] : `M.least(${sources.join(',')})`};}`);

  const typesOf = (stage: Stage): number[] => stage.accepts.map((name) => context.typeIndex(name));
  const condOf = (position: number, stage: Stage, expr: Expr | undefined, types: readonly number[], extra: readonly string[] = [], resets: Edge['resets'] = [], reader = stage.name): Cond => {
    const all = conjunctsOf(expr);
    const alone = all.filter(isEventOnly);
    const rest = all.filter((e) => !isEventOnly(e));
    return { predicate: context.predicate(types, alone), rest: restFunction(position, reader, resets, rest, extra), stage: stageIndex.get(stage.name)! };
  };
  /** When time bounds end. A bound whose start a new turn forgets is none. */
  const endsOf = (position: number, bounds: readonly Bound[], resets: Edge['resets'] = []): string[] => bounds.filter(({ base: from }) => !forgets(resets, from))
    .map(({ expr, base: from, reader, register }) =>
      `${readRegister(position, from)}+${register === undefined ? emitValue(expr, classLeaf(position, reader, resets)) : readRegister(position, register)}`);
  /** The event at hand comes before each of these times. */
  const inTime = (ends: readonly string[]): string[] => ends.map((end) => `!(${context.eventTime()}>=${end})`);
  const takeCond = (position: number, stage: Stage, bySpan: boolean, resets: Edge['resets']): Cond => {
    return condOf(position, stage, stage.where, typesOf(stage), inTime(endsOf(position, boundsOf(position, stage, true, bySpan), resets)), resets);
  };
  /** A banned stage with a span of its own is one only inside it. */
  const banCond = (position: number, name: string, resets: Edge['resets'] = [], reader = name): Cond =>
    condOf(position, stageOf(name), stageOf(name).where, typesOf(stageOf(name)), inTime(endsOf(position, boundsOf(position, stageOf(name), false, false, reader), resets)), resets, reader);
  const loopCond = (position: number, name: string): Cond => condOf(position, stageOf(name), stageOf(name).where, typesOf(stageOf(name)));
  /** Could the step after a lazy loop take the event that `edge` gives to the loop? What a new turn forgets on either way is null to it. */
  const exitCond = (position: number, edge: Edge, exit: Edge): Cond => {
    const stage = stageOf(automaton.positions[exit.to]!.stage!);
    return condOf(position, stage, stage.where, typesOf(stage), [], [...edge.resets, ...exit.resets]);
  };
  const seenTypes = [...rule.sees.keys()].map((name) => context.typeIndex(name));
  /** `until` is read on every event the rule sees that is of the loop's types. */
  const untilCond = (position: number, stage: Stage, resets: Edge['resets'] = []): Cond | undefined =>
    stage.until === undefined ? undefined : condOf(position, stage, stage.until, typesOf(stage).filter((type) => seenTypes.includes(type)), [], resets);

  /**
   * A banned sequence at a position. Where its conditions read the event alone, the latest start of each of its beginnings is all there is to
   * remember; where they read bound events or each other, its candidates are logged and searched.
   */
  const sequenceIndex = (ban: Ban, position: number, resets: Edge['resets'] = []): number => {
    if (ban.what.kind !== 'sequence') throw new Error('not a banned sequence');
    const pattern = ban.what.pattern;
    const items = pattern.kind === 'sequence' ? pattern.items : [{ arrow: 'followed' as const, bans: [], pattern }];
    const names: string[] = [];
    for (const item of items) {
      if (item.pattern.kind !== 'stage' || item.bans.length > 0) context.unsupported(rule, ban.span, 'a banned sequence of anything but single stages');
      else names.push(item.pattern.stage);
    }
    const logged = names.some((name) => stageOf(name).within !== undefined || conjunctsOf(stageOf(name).where).some((e) => !isEventOnly(e)));
    let number = banNumbers.get(ban);
    if (number === undefined) banNumbers.set(ban, number = banNumbers.size);
    const key = `${number}|${logged ? `${position}|${resets.map((r) => r.group).join()}` : ''}`;
    const known = sequenceOf.get(key);
    if (known !== undefined) return known;
    const fieldOf = (step: number, field: string): string => (step < 0 ? 'NaN' : `X.banned(${step},${context.slot(field)})`);
    const timeOf = (step: number): string => (step < 0 ? 'NaN' : `X.bannedTime(${step})`);
    /** The steps are bound one after another: to a step the ones before it are bound, and the nearest is the most recent event. */
    const stepOf = (stage: string, reader: number): number => names.slice(0, reader).lastIndexOf(stage);
    const leafOf = (reader: number): Leaf => {
      const outer = classLeaf(position, names[reader], resets);
      const leaf: Leaf = {
        ...outer,
        lookup: (table, key, column) => context.lookup(table, key, column, context.eventTime()),
        // The events that may be its steps are tried later than they come, when the feature has another value.
        feature: () => { context.unsupported(rule, ban.span, 'a feature in a condition of a banned sequence'); return 'NaN'; },
        stageField: (stage, field) => (names.includes(stage) ? fieldOf(stepOf(stage, reader), field) : outer.stageField(stage, field)),
        stageTime: (stage) => (names.includes(stage) ? timeOf(stepOf(stage, reader)) : outer.stageTime(stage)),
        prevField: (field) => (reader === 0 ? outer.prevField(field) : field === undefined ? timeOf(reader - 1) : fieldOf(reader - 1, field)),
        aggregate: (expr) => {
          if (!names.includes(expr.stage)) return outer.aggregate(expr);
          if (expr.fn === 'values') context.unsupported(rule, ban.span, '`values` over a stage of a banned sequence');
          const each: Leaf = { ...leaf, eachField: (field) => `Q[${context.slot(field)}]`, eachTime: () => 'Q[Q.length-1]' };
          const value = expr.value === undefined ? 'null' : `(Q)=>${emitValue(expr.value, each)}`;
          const where = expr.where === undefined ? 'null' : `(Q)=>${emitCondition(expr.where, each)}`;
          return `X.bannedAggregate(${JSON.stringify(expr.fn)},${stepOf(expr.stage, reader)},${value},${where})`;
        },
      };
      return leaf;
    };
    const steps = items.map((item, i) => {
      const stage = stageOf(names[i]!);
      const all = conjunctsOf(stage.where);
      const rest = [
        ...all.filter((e) => !isEventOnly(e)).map((e) => `(${emitCondition(e, leafOf(i))})`),
        ...boundsOf(position, stage, false, false).flatMap((bound) => (
          names.includes(stage.within!.of) ? inTime([`${timeOf(stepOf(stage.within!.of, i))}+${emitValue(bound.expr, leafOf(i))}`]) : inTime(endsOf(position, [bound], resets)))),
      ];
      return {
        arrow: item.arrow,
        cond: {
          predicate: context.predicate(typesOf(stage), all.filter(isEventOnly)), stage: stageIndex.get(stage.name)!,
          rest: rest.length === 0 ? -1 : addFunction(`(c)=>{const F=H.f64;return ${rest.join('&&')};}`),
        },
      };
    });
    sequences.push({ steps, logged });
    sequenceOf.set(key, sequences.length - 1);
    return sequences.length - 1;
  };

  const guardsOf = (position: number, edge: { readonly leaves: readonly Counter[]; readonly repeats?: readonly Counter[] }): Guard[] => [
    ...edge.leaves.map((c) => ({ cell: cellOf(position, `#c${c.id}`), min: c.min, max: Infinity })),
    ...(edge.repeats ?? []).filter((c) => c.max !== Infinity).map((c) => ({ cell: cellOf(position, `#c${c.id}`), min: 0, max: c.max - 1 })),
  ];

  /** Source that fills the registers of position `to` after its event was bound, coming over `edge` from `from`. */
  const updateFunction = (from: number, edge: Edge): number => {
    const target = automaton.positions[edge.to]!;
    const lines: string[] = [];
    const durations: { readonly cell: number; readonly span: Bound }[] = [];
    layouts[target.id]!.forEach((register, cell) => {
      const old = readRegister(from, register);
      const put = (source: string): void => { lines.push(`out[${cell}]=${source};`); };
      if (LOCAL.test(register)) {
        if (register === '#lazy' && edge.loop?.loop.lazy === true && !edge.loop.enter) put(old);
        else put('0');
        return;
      }
      if (register === '#start') { put(from < 0 ? 'X.num' : old); return; }
      if (register === '#run') { put('X.nextRun()'); return; }
      if (register === '#bound') { put(target.stage === undefined ? old : `${old}+1`); return; }
      const counter = /^#c(\d+)$/.exec(register);
      if (counter !== null) {
        const id = Number(counter[1]);
        const entered = edge.enters.find((c) => c.id === id);
        const repeated = edge.repeats.find((c) => c.id === id);
        if (entered !== undefined) put('1');
        else if (repeated !== undefined) put(`Math.min(${old}+1,${repeated.cap})`);
        else if (edge.leaves.some((c) => c.id === id)) put('0');
        else put(old);
        return;
      }
      if (register === 'b:#time') { put(from < 0 ? context.eventTime() : old); return; }
      if (register.startsWith('p:')) {
        if (target.stage === undefined) put(old);
        else put(register === 'p:#time' ? context.eventTime() : context.eventFieldOr(register.slice(2)));
        return;
      }
      const reset = forgets(edge.resets, register);
      if (register.startsWith('w@')) { put(reset ? readRegister(from, '#bound') : old); return; }
      const span = kept.get(register);
      if (span !== undefined) {
        if (span.of === FIRST ? from < 0 : begins(register, target.stage)) durations.push({ cell, span });
        else put(reset ? 'NaN' : old);
        return;
      }
      if (register.startsWith('f:')) {
        if (target.stage !== undefined && register.startsWith(`f:${target.stage}.`)) put(context.eventFieldOr(register.slice(3 + target.stage.length)));
        else put(reset ? 'NaN' : old);
        return;
      }
      if (register.startsWith('t:') || register.startsWith('T:')) {
        if (target.stage !== undefined && register.slice(2) === target.stage) put(context.eventTime());
        else put(reset ? 'NaN' : old);
        return;
      }
      const expr = context.aggregates.get(register)!;
      const scope = register.slice(1, register.indexOf(':'));
      if (expr.stage !== target.stage) { put(reset ? initialOf(register) : old); return; }
      const each: Leaf = { ...classLeaf(from), eachField: (field) => context.eventFieldOr(field), eachTime: () => context.eventTime() };
      const value = expr.value === undefined ? '0' : emitValue(expr.value, each);
      const where = expr.where === undefined ? 'true' : `(${emitCondition(expr.where, each)})`;
      const id = `a${scope}:${aggregateId(expr)}`;
      const read = (suffix: string): string => (reset ? initialOf(`${id}:${suffix}`) : readRegister(from, `${id}:${suffix}`));
      const nonNull = `(${where}&&!((v=${value})!==v))`;
      const was = reset ? initialOf(register) : old;
      switch (register.slice(register.lastIndexOf(':') + 1)) {
        case 'n': put(`${where}?${was}+1:${was}`); break;
        case 'k': put(`${nonNull}?${was}+1:${was}`); break;
        case 'sum': put(`${nonNull}?${was}+v:${was}`); break;
        case 'min': put(`${nonNull}?(${was}<=v?${was}:v):${was}`); break;
        case 'max': put(`${nonNull}?(${was}>=v?${was}:v):${was}`); break;
        case 'mean': put(`${nonNull}?${was}+(v-${was})/(${read('k')}+1):${was}`); break;
        case 'm2': put(`${nonNull}?${was}+(v-${read('mean')})*(v-(${read('mean')}+(v-${read('mean')})/(${read('k')}+1))):${was}`); break;
        case 'first': put(`${where}&&${read('n')}===0?${value}:${was}`); break;
        case 'last': put(`${where}?${value}:${was}`); break;
        // Each event holds until this one, the next of its stage.
        case 'lt': put(context.eventTime()); break;
        case 'pl': put(`${where}&&${value}===1?1:0`); break;
        case 'pv': put(`${where}?${value}:NaN`); break;
        case 'du': put(`${read('pl')}===1?${was}+(${context.eventTime()}-${read('lt')}):${was}`); break;
        case 'wt': put(`${read('pv')}===${read('pv')}?${was}+(${context.eventTime()}-${read('lt')}):${was}`); break;
        case 'ws': put(`${read('pv')}===${read('pv')}?${was}+${read('pv')}*(${context.eventTime()}-${read('lt')}):${was}`); break;
        default: throw new Error(`unknown register ${register}`);
      }
    });
    // A span that starts with this event: its duration is read once, now that the event is bound.
    for (const { cell, span } of durations) {
      const read = (register: string): string => (cellOf(target.id, register) < 0 ? initialOf(register) : `out[${cellOf(target.id, register)}]`);
      lines.push(`out[${cell}]=${emitValue(span.expr, leafOver(read, span.reader))};`);
    }
    return addFunction(`(c,out)=>{const F=H.f64;let v=0;${lines.join('')}}`);
  };

  const indexRegisters = automaton.positions.map((position) => {
    for (const raw of rawOut[position.id]!) {
      if (raw.kind !== 'event') continue;
      for (const { register } of equalities(stageOf(automaton.positions[raw.edge.to]!.stage!), position.id)) return register;
    }
    return undefined;
  });
  /** Conjuncts `event side == register` of a stage's condition. */
  function equalities(stage: Stage, position: number): { readonly register: string; readonly event: Expr }[] {
    const found: { register: string; event: Expr }[] = [];
    for (const e of conjunctsOf(stage.where)) {
      if (e.kind !== 'compare' || e.op !== '==') continue;
      for (const [a, b] of [[e.left, e.right], [e.right, e.left]] as const) {
        const register = a.kind === 'stageField' ? `f:${a.stage}.${a.field}` : a.kind === 'prevField' ? prevRegister(a.field)
          : a.kind === 'aggregate' && (a.fn === 'last' || a.fn === 'first') && !isWalked(a) ? aggregateRegisters(a, scopeOf(a.stage, stage.name))[0]! : undefined;
        if (register !== undefined && isEventOnly(b) && cellOf(position, register) >= 0) found.push({ register, event: b });
      }
    }
    return found;
  }

  const durationOf = (silence: Position, edge: Edge, position: number): string => {
    const register = silenceRegister(edge);
    return register === undefined ? emitValue(silence.silence!.duration, classLeaf(position, silenceReader(silence), edge.resets)) : readRegister(position, register);
  };

  const planEdge = (raw: Raw, slot: number, position: number): EdgePlan => {
    const { edge, kind } = raw;
    const target = edge.to < 0 ? undefined : automaton.positions[edge.to]!;
    const stage = target?.stage === undefined ? undefined : stageOf(target.stage);
    const span = kind === 'event' ? spanOf(edge) : 0;
    const bans: Cond[] = [];
    const nextBans: Cond[] = [];
    const sequenceBans: number[] = [];
    const deadlines: string[] = [];
    for (const { ban, earlier } of edge.bans) {
      const resets = earlier ? [] : edge.resets;
      if (isSequence(ban)) { addOnce(sequenceBans, sequenceIndex(ban, position, resets), (a, b) => a === b); continue; }
      for (const name of banStages(ban)) addOnce(ban.kind === 'next' ? nextBans : bans, banCond(position, name, resets, readerOf(ban, name)), sameCond);
      if (kind === 'absence' && ban.kind === 'between') {
        for (const name of banStages(ban)) deadlines.push(...endsOf(position, boundsOf(position, stageOf(name), false, false, readerOf(ban, name))));
      }
    }
    if (target?.silence !== undefined) for (const name of target.silence.stages) bans.push(banCond(position, name, edge.resets));
    if (tracked) deadlines.push(...endsOf(position, boundsOf(position, stage, true, false), edge.resets));
    const indexRegister = position < 0 ? undefined : indexRegisters[position];
    const equality = stage === undefined || indexRegister === undefined || forgets(edge.resets, indexRegister) ? undefined : equalities(stage, position).find((e) => e.register === indexRegister);
    const lazyHere = position < 0 ? undefined : lazyAt(automaton.positions[position]!);
    const loop = edge.loop?.loop;
    return {
      id: edge.id, kind, from: edge.from, to: edge.to, slot, arrow: edge.arrow,
      cond: stage === undefined ? undefined : takeCond(position, stage, span > 0, edge.resets),
      equality: equality === undefined ? -1 : addFunction(`()=>${emitValue(equality.event, classLeaf(-1))}`),
      unless: edge.unless.map((name) => banCond(position, name)),
      bans, nextBans, sequences: sequenceBans,
      greedy: edge.greedy.map((greedy) => ({
        cond: loopCond(position, greedy.loop.stage),
        roomCell: !greedy.fresh && greedy.loop.counter !== undefined && greedy.loop.max !== Infinity ? cellOf(position, `#c${greedy.loop.counter.id}`)
          : !greedy.fresh && greedy.loop.max === 1 ? -2 : -1,
        max: greedy.loop.max,
        until: untilCond(position, loopStage(greedy.loop)),
        closedCell: cellOf(position, `#closed${greedy.loop.id}`),
      })),
      until: loop === undefined ? undefined : untilCond(position, loopStage(loop), edge.resets),
      lazy: loop?.lazy !== true ? undefined : {
        min: loop.min, countCell: edge.loop!.enter || loop.counter === undefined ? -1 : cellOf(position, `#c${loop.counter.id}`), again: !edge.loop!.enter,
        exits: lazyExits(edge.to, loop).map((exit) => ({ cond: exitCond(position, edge, exit.edge), bit: 1 << exit.slot })),
        targetCell: cellOf(edge.to, '#lazy'),
      },
      clear: lazyHere !== undefined && kind === 'event' && !(edge.loop?.loop === lazyHere && !edge.loop.enter) ? { cell: cellOf(position, '#lazy'), bit: 1 << slot } : undefined,
      guards: position < 0 ? [] : guardsOf(position, edge),
      span,
      deadline: timeFunction(deadlines),
      completesAt: kind === 'silence' ? addFunction(`(c)=>{const F=H.f64;return ${durationOf(target!, edge, position)};}`) : -1,
      update: target === undefined ? -1 : updateFunction(position, edge),
    };
  };

  const anyLoops = automaton.edges.some((edge) => edge.arrow === 'any');
  const positions: PositionPlan[] = automaton.positions.map((position) => {
    const registers = layouts[position.id]!;
    const out = rawOut[position.id]!.map((raw, slot) => planEdge(raw, slot, position.id));
    const wake = new Set<number>();
    let indexed: EdgePlan | undefined;
    for (const edge of out) {
      if (edge.cond !== undefined) {
        if (edge.equality >= 0 && indexed === undefined) indexed = edge;
        else wake.add(edge.cond.predicate);
      }
      if (edge.until !== undefined) wake.add(edge.until.predicate);
      for (const ban of edge.bans) wake.add(ban.predicate);
      for (const greedy of edge.greedy) {
        wake.add(greedy.cond.predicate);
        if (greedy.until !== undefined) wake.add(greedy.until.predicate);
      }
    }
    const indexCell = indexRegisters[position.id] === undefined ? -1 : cellOf(position.id, indexRegisters[position.id]!);
    return {
      id: position.id,
      stage: position.stage === undefined ? -1 : stageIndex.get(position.stage)!,
      clock: position.clock,
      registers,
      single: registers.length === 0,
      indexCell,
      merges: split !== 'run' && (anyLoops || !registers.some((register) => /:(sum|k|mean|m2|min|max|du|ws|wt|lt)$/.test(register))),
      always: out.some((edge) => edge.arrow === 'next' || edge.nextBans.length > 0 || edge.sequences.length > 0),
      wake: [...wake],
      indexed,
      maskCell: cellOf(position.id, '#mask'),
      out,
      accepts: position.accepts.filter((accept) => accept.absence.length === 0).map((accept) => ({ guards: guardsOf(position.id, accept) })),
      boundCell: cellOf(position.id, '#bound'),
    };
  });
  const starts = automaton.starts.map((edge) => planEdge({ kind: 'event', edge }, 0, -1));
  function timeSpan(expr: Expr, leaf = classLeaf(-1)): TimeSpan {
    const constant = context.constant(expr);
    return { constant: typeof constant === 'number' ? constant : undefined, fn: addFunction(`(c)=>${emitValue(expr, leaf)}`), expr };
  }
  /** How far bans at the start look back: `within`, which may read the first event, the one at hand. */
  const looksBack = (first: string | undefined): TimeSpan => timeSpan(match.within!, leafOver((register) => (
    register.startsWith(`f:${first}.`) ? context.eventFieldOr(register.slice(register.indexOf('.') + 1)) : register === timeRegister(first ?? '', first) ? context.eventTime() : initialOf(register)), undefined));
  const leading = automaton.starts.map((edge) => (match.within === undefined ? { conds: [], sequences: [] } : {
    span: looksBack(automaton.positions[edge.to]!.stage),
    conds: edge.bans.flatMap(({ ban }) => (isSequence(ban) ? [] : banStages(ban).map((name) => banCond(-1, name)))),
    sequences: edge.bans.flatMap(({ ban }) => (isSequence(ban) ? [sequenceIndex(ban, -1)] : [])),
  }));

  // --- keys, filters, outputs -----------------------------------------------------------------------------------------------------------------
  const keySources = (part: KeyPart, type: string): string | undefined => {
    const value = part.valueOf.get(type);
    return value === undefined ? undefined : emitValue(value, classLeaf(-1));
  };
  const typeNames = [...rule.sees.keys()];
  const key = context.key(rule.key.length, (type) => {
    if (!typeNames.includes(type)) return undefined;
    const parts = rule.key.map((part) => keySources(part, type));
    return parts.some((part) => part === undefined) ? undefined : (parts as string[]);
  }, (type) => rule.key.some((part) => {
    const value = part.valueOf.get(type);
    return value === undefined || value.kind !== 'eventField' || context.isOptional(type, value.field);
  }));
  const stages: StagePlan[] = stageNames.map((name) => {
    const stage = stageOf(name);
    const named = rule.key.some((part) => part.stages.has(name));
    return {
      name, order: stage.order, loop: stage.loop, types: typesOf(stage), held: isHeld(rule, stage),
      key: !named ? -1 : context.key(rule.key.length, (type) => {
        if (!stage.accepts.includes(type)) return undefined;
        const parts = rule.key.map((part) => (part.stages.has(name) ? emitValue(part.stages.get(name)!, classLeaf(-1)) : keySources(part, type)));
        return parts.some((part) => part === undefined) ? undefined : (parts as string[]);
      }, () => true),
    };
  });
  const filters: number[][] = [];
  const filterRests: number[][] = [];
  const sees: number[] = context.typeNames.map(() => -1);
  for (const [type, { filters: exprs }] of rule.sees) {
    const typeIndex = context.typeIndex(type);
    sees[typeIndex] = filters.push(exprs.map((expr) => context.predicate([typeIndex], conjunctsOf(expr).filter(isEventOnly)))) - 1;
    filterRests.push(exprs.map((expr) => restFunction(-1, OUTSIDE, [], conjunctsOf(expr).filter((e) => !isEventOnly(e)))));
  }
  const matchFunction = (source: string): number => addFunction(`()=>{const F=H.f64,c=0;return ${source};}`);
  const outputs: OutputPlan[] = rule.outputs.map((output) => ({
    kind: output.kind, onTimeout: output.onTimeout, onClear: false, target: output.target,
    fields: output.fields.map((field) => ({ name: field.name, type: field.value.type, fn: matchFunction(emitValue(field.value, matchLeaf)) })),
  }));
  const roster = rule.roster === undefined ? undefined : {
    ...context.table(rule.roster.table, rule.roster.columns),
    clocks: automaton.starts.flatMap((edge, i) => (edge.clock === true ? [i] : [])),
  };
  const strict = positions.some((position) => position.out.some((edge) => edge.arrow === 'next' || edge.nextBans.length > 0))
    || sequences.some((sequence) => sequence.steps.some((step) => step.arrow === 'next'));

  const plan: Omit<RulePlan, 'cohort'> = {
    kind: 'pattern', index, rule, automaton, key, stages, sees, filters, filterRests: filterRests.some((rests) => rests.some((rest) => rest >= 0)) ? filterRests : [], positions, starts, split, tracked,
    completesAgain: match.mode !== 'longest' && automaton.positions.some((position) => position.silence !== undefined && position.accepts.length > 0),
    needsEveryEvent: strict || match.session !== undefined,
    within: ownWithin ? undefined : match.within && context.constant(match.within) as number, session: match.session && timeSpan(match.session), leading, sequences,
    having: rule.having === undefined ? -1 : matchFunction(emitCondition(rule.having, matchLeaf)),
    severity: rule.severity.kind === 'literal' ? -1 : matchFunction(emitValue(rule.severity, matchLeaf)),
    limitBy: rule.limit?.by === undefined ? -1 : matchFunction(emitValue(rule.limit.by, matchLeaf)),
    outputs, roster, hasTimeout, group: -1, isGroup: false, functions,
    identity: identityOf(rule, context, new Set(layouts.flat())),
  };
  /** `count`, or the number of non-null values of a field that is never null. */
  const countsAll = (register: string): boolean => {
    const expr = /^a:.*:[nk]$/.test(register) ? context.aggregates.get(register) : undefined;
    if (expr === undefined || expr.where !== undefined) return false;
    const { value } = expr;
    return register.endsWith(':n') || (value?.kind === 'eachField' && stageOf(expr.stage).accepts.every((type) => !context.isOptional(type, value.field)));
  };
  return { ...plan, cohort: planCohort(plan, countsAll) };
}
