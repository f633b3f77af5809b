/** From a checked program to the plan that the engine runs. */
import type { Feature, Literal, Program, Rule, Type } from '../../dsl/typed.ts';
import type { Schema } from '../core/schema.ts';
import { fieldsRead, makeContext } from './context.ts';
import { listsOf, madeTypes, planEach, slotsOfEach, withOrigins } from './each.ts';
import { expressionsOf } from './expressions.ts';
import { expressionsOfFeature, featuresRead, placeFeatures, planFeatures } from './features.ts';
import type { KeyPlan, Plan, Predicate } from './plan.ts';
import { compileRule } from './rule.ts';
import { shareStarts } from './share.ts';
import { compileWindow } from './window.ts';

export type { Plan } from './plan.ts';
export { tablesOf } from './tables.ts';
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
  const rules = program.rules.filter((rule) => rule.mode.kind !== 'off' && (options.rules === undefined || options.rules.includes(rule.name)));
  const params = new Map<string, Literal>();
  for (const [name, param] of program.params) params.set(name, param.value);
  for (const [name, value] of Object.entries(options.params ?? {})) params.set(name, checkParam(program, name, value));

  const read = { event: new Set<string>(), bound: new Set<string>() };
  for (const rule of rules) {
    for (const expr of expressionsOf(rule)) {
      // A window keeps no events: what its aggregates read is read as the event comes.
      fieldsRead(expr, rule.kind === 'window' ? { event: read.event, bound: read.event } : read);
    }
  }
  const features = [...new Set(rules.flatMap((rule) => featuresOf(program, rule)))];
  for (const feature of features) for (const expr of expressionsOfFeature(feature)) fieldsRead(expr, read);
  const identityFields = new Set<string>();
  for (const event of program.events.values()) for (const name of event.id) identityFields.add(name);
  const made = madeTypes(program, new Set(rules.flatMap((rule) => [...typesRead(program, rule)])));
  const ofEach = slotsOfEach(made);
  const used = new Set([...read.event, ...read.bound, ...identityFields, ...ofEach]);
  const slots = new Map<string, number>();
  for (const event of program.events.values()) {
    for (const field of event.fields) if (used.has(field.name) && !slots.has(field.name)) slots.set(field.name, slots.size);
  }
  for (const name of ofEach) if (!slots.has(name)) slots.set(name, slots.size);
  const schema: Schema = {
    slots: slots.size,
    types: [...program.events.values()].map((event) => ({
      name: event.name,
      fields: event.fields.map((field) => {
        const lists = event.each === undefined ? listsOf(program, made, event.name, field.name) : undefined;
        return { ...field, slot: slots.get(field.name) ?? -1, ...(lists !== undefined && { lists }) };
      }),
      time: event.fields.findIndex((field) => field.name === event.time),
    })),
  };
  const pools = { predicates: [] as Predicate[], keys: [] as KeyPlan[], pool: [] as Literal[], slots, features: placeFeatures(features, params) };
  const context = makeContext(program, params, pools);
  const rulePlans = shareStarts(rules.map((rule, index) => (rule.kind === 'window' ? compileWindow(context, rule, index) : compileRule(context, rule, index))));

  const events = [...program.events.values()];
  const fieldsOf = events.map((event) => new Map(event.fields.filter((f) => slots.has(f.name)).map((f) => [f.name, { slot: slots.get(f.name)!, type: f.type as Type }] as const)));
  const keepBytes = events.map((event) => rules.some((rule) => rule.evidence === 'full' && rule.kind === 'pattern' && [...rule.match.stages.values()].some((stage) => stage.accepts.includes(event.name))));
  return {
    program, schema, params, pool: pools.pool,
    kept: events.map((event) => [...new Set(event.fields.filter((f) => read.bound.has(f.name) || event.id.includes(f.name)).map((f) => slots.get(f.name)!))]),
    keepBytes, each: planEach(context, program, schema, made, slots, keepBytes, params),
    identity: events.map((event) => event.id.map((name) => ({ slot: slots.get(name)!, type: event.fields.find((f) => f.name === name)!.type }))),
    once: events.map((event) => event.once ?? 0),
    fields: fieldsOf,
    features: planFeatures(context, pools.features, context.readBefore, params, (name) => rules.filter((rule) => featuresOf(program, rule).some((feature) => feature.name === name)).map((rule) => rule.name)),
    predicates: pools.predicates, keys: pools.keys, rules: rulePlans, tables: context.tables,
  };
}

/** The features that a rule reads. */
export function featuresOf(program: Program, rule: Rule): Feature[] { return featuresRead(program, expressionsOf(rule)); }

/** Every event type that bears on a rule: those it sees, those that the features it reads are of, and those that either are made from. */
export function typesRead(program: Program, rule: Rule): Set<string> {
  const types = new Set(rule.sees.keys());
  for (const feature of featuresOf(program, rule)) for (const type of feature.accepts) types.add(type);
  return withOrigins(program, types);
}
export { canonical } from './expr.ts';
