/** From a checked program to the plan that the engine runs. */
import type { Expr, Literal, Pattern, PatternRule, Program, Rule, Type } from '../../dsl/typed.ts';
import type { Schema } from '../core/schema.ts';
import { CompileError, fieldsRead, makeContext } from './context.ts';
import type { KeyPlan, Plan, Predicate } from './plan.ts';
import { compileRule } from './rule.ts';
import { shareStarts } from './share.ts';
import { walk } from './walk.ts';

export type { Plan } from './plan.ts';
export { CompileError } from './context.ts';

export interface CompileOptions {
  /** Overrides of params by name; the caller has checked type and bounds (see `checkParam`). */
  readonly params?: Readonly<Record<string, Literal>> | undefined;
  /** Only these rules (and none that is `mode off`). */
  readonly rules?: readonly string[] | undefined;
}

export class ParamError extends Error {}

/** The value of a param after an override; throws ParamError, in the author's words, where it does not fit. */
export function checkParam(program: Program, name: string, value: Literal): Literal {
  const param = program.params.get(name);
  if (param === undefined) throw new ParamError(`There is no param "${name}". Declared: ${[...program.params.keys()].join(', ') || 'none'}.`);
  const kind = param.type.kind;
  const fits = kind === 'string' ? typeof value === 'string'
    : kind === 'oneOf' ? typeof value === 'string' && param.type.values.includes(value)
    : kind === 'bool' ? typeof value === 'boolean'
    : kind === 'list' || kind === 'record' ? true
    : typeof value === 'number' && Number.isFinite(value) && (kind !== 'int' || Number.isSafeInteger(value));
  if (!fits) throw new ParamError(`Param "${name}" is a ${kind}; ${JSON.stringify(value)} is none.`);
  if (typeof value === 'number') {
    if (typeof param.lo === 'number' && value < param.lo || typeof param.hi === 'number' && value > param.hi) {
      throw new ParamError(`Param "${name}" lies in ${String(param.lo)} .. ${String(param.hi)}; ${value} does not.`);
    }
  }
  return value;
}

export function compile(program: Program, options: CompileOptions = {}): Plan {
  const rules = program.rules.filter((rule) => rule.mode.kind !== 'off' && (options.rules === undefined || options.rules.includes(rule.name))).map((rule) => toPattern(program, rule));
  const params = new Map<string, Literal>();
  for (const [name, param] of program.params) params.set(name, param.value);
  for (const [name, value] of Object.entries(options.params ?? {})) params.set(name, checkParam(program, name, value));

  const read = { event: new Set<string>(), bound: new Set<string>() };
  for (const rule of rules) {
    for (const expr of expressionsOf(rule)) {
      refuseUnavailable(rule, expr);
      fieldsRead(expr, read);
    }
  }
  const identityFields = new Set<string>();
  for (const event of program.events.values()) for (const name of event.id) identityFields.add(name);
  const used = new Set([...read.event, ...read.bound, ...identityFields]);
  const slots = new Map<string, number>();
  for (const event of program.events.values()) {
    for (const field of event.fields) if (used.has(field.name) && !slots.has(field.name)) slots.set(field.name, slots.size);
  }
  const schema: Schema = {
    slots: slots.size,
    types: [...program.events.values()].map((event) => ({
      name: event.name,
      fields: event.fields.map((field) => ({ ...field, slot: slots.get(field.name) ?? -1 })),
      time: event.fields.findIndex((field) => field.name === event.time),
    })),
  };
  const pools = { predicates: [] as Predicate[], keys: [] as KeyPlan[], pool: [] as Literal[], slots };
  const context = makeContext(program, params, pools);
  const rulePlans = shareStarts(rules.map((rule, index) => compileRule(context, rule, index)));

  const events = [...program.events.values()];
  const fieldsOf = events.map((event) => new Map(event.fields.filter((f) => slots.has(f.name)).map((f) => [f.name, { slot: slots.get(f.name)!, type: f.type as Type }] as const)));
  return {
    program, schema, params, pool: pools.pool,
    kept: events.map((event) => [...new Set(event.fields.filter((f) => read.bound.has(f.name) || event.id.includes(f.name)).map((f) => slots.get(f.name)!))]),
    keepBytes: events.map((event) => rules.some((rule) => rule.evidence === 'full' && [...rule.match.stages.values()].some((stage) => stage.accepts.includes(event.name)))),
    identity: events.map((event) => event.id.map((name) => ({ slot: slots.get(name)!, type: event.fields.find((f) => f.name === name)!.type }))),
    once: events.map((event) => event.once ?? 0),
    fields: fieldsOf,
    predicates: pools.predicates, keys: pools.keys, rules: rulePlans,
  };
}

/** @throws CompileError for a window, and for a pattern over what cannot be had yet. */
function toPattern(program: Program, rule: Rule): PatternRule {
  if (rule.kind === 'window') throw new CompileError(rule.name, rule.window.span, 'a window');
  if (rule.roster !== undefined) throw new CompileError(rule.name, rule.span, '`by … from`');
  for (const type of rule.sees.keys()) {
    if (program.events.get(type)?.each !== undefined) throw new CompileError(rule.name, rule.span, `"${type}", an event made of a list,`);
  }
  return rule;
}

/** @throws CompileError for what the language has and this version cannot run. */
function refuseUnavailable(rule: PatternRule, expr: Expr): void {
  walk(expr, (part) => {
    if (part.kind === 'lookup') throw new CompileError(rule.name, part.span, 'a table');
    if (part.kind === 'feature') throw new CompileError(rule.name, part.span, 'a feature');
    if (part.kind === 'aggregate' && (part.fn === 'lasting' || part.fn === 'timeAvg')) throw new CompileError(rule.name, part.span, `\`${part.fn}\``);
  });
}

/** Every expression of a rule. */
function* expressionsOf(rule: PatternRule): Iterable<Expr> {
  const match = rule.match;
  for (const stage of match.stages.values()) {
    if (stage.where !== undefined) yield stage.where;
    if (stage.until !== undefined) yield stage.until;
    if (stage.within !== undefined) yield stage.within.duration;
  }
  for (const part of rule.key) {
    yield* part.valueOf.values();
    yield* part.stages.values();
  }
  for (const { filters } of rule.sees.values()) yield* filters;
  yield rule.severity;
  if (rule.having !== undefined) yield rule.having;
  if (rule.limit?.by !== undefined) yield rule.limit.by;
  for (const bound of [match.within, match.session, match.gap]) if (bound !== undefined) yield bound;
  for (const output of rule.outputs) for (const field of output.fields) yield field.value;
  yield* silences(match.pattern);
}

function* silences(pattern: Pattern): Iterable<Expr> {
  switch (pattern.kind) {
    case 'silence': yield pattern.duration; break;
    case 'sequence': for (const item of pattern.items) yield* silences(item.pattern); break;
    case 'or': for (const alternative of pattern.alternatives) yield* silences(alternative); break;
    case 'repeat': yield* silences(pattern.inner); break;
    case 'stage': break;
  }
}
