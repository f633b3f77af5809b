/** Features that rules read: from the checked program to the groups that the engine keeps, by the key they share. */
import type { Expr, Feature, Literal, Program } from '../../dsl/typed.ts';
import type { Context } from './context.ts';
import { cellKind } from '../core/cell-kind.ts';
import { canonical, emitCondition, emitValue } from './expr.ts';
import { withParams } from './identity.ts';
import type { FeatureGroupPlan, FeaturePlan, FeatureStreamPlan } from './plan.ts';
import { walk } from './walk.ts';
import { stateOf } from './window-identity.ts';

/** The features that expressions read, in the order of the program. Features nobody reads cost nothing. */
export function featuresRead(program: Program, exprs: Iterable<Expr>): Feature[] {
  const names = new Set<string>();
  for (const expr of exprs) walk(expr, (e) => { if (e.kind === 'feature') names.add(e.feature); });
  return [...program.features.values()].filter((feature) => names.has(feature.name));
}

/** Every expression of a feature that reads events. */
export function* expressionsOfFeature(feature: Feature): Iterable<Expr> {
  for (const part of feature.key) yield part.value;
  if (feature.where !== undefined) yield feature.where;
  if (feature.value !== undefined) yield feature.value;
}

/** Where a feature lies: the index of its group, and its own in there. Groups are by key. */
export interface FeaturePlaces { readonly groups: readonly (readonly Feature[])[]; placeOf(name: string): { readonly group: number; readonly index: number } }

export function placeFeatures(features: readonly Feature[], params: ReadonlyMap<string, Literal>): FeaturePlaces {
  const groups = new Map<string, Feature[]>();
  for (const feature of features) {
    const key = feature.key.map((part) => canonical(withParams(part.value, params))).join('|');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [feature]);
    else group.push(feature);
  }
  const list = [...groups.values()];
  return {
    groups: list,
    placeOf(name) {
      const group = list.findIndex((members) => members.some((feature) => feature.name === name));
      return { group, index: list[group]!.findIndex((feature) => feature.name === name) };
    },
  };
}

/** `readBefore`: names of the features that conditions read; `readers`: of the rules that read a feature. */
export function planFeatures(context: Context, places: FeaturePlaces, readBefore: ReadonlySet<string>, params: ReadonlyMap<string, Literal>, readers: (feature: string) => readonly string[]): FeatureGroupPlan[] {
  return places.groups.map((features) => {
    const streams: { readonly text: string; readonly plan: FeatureStreamPlan; readonly values: string[] }[] = [];
    const plans = features.map((feature): FeaturePlan => {
      const text = `${[...feature.accepts].sort().join(',')}|${feature.where === undefined ? '' : canonical(withParams(feature.where, params))}`;
      let stream = streams.findIndex((other) => other.text === text);
      if (stream < 0) {
        const values: string[] = [];
        const where = feature.where === undefined ? undefined : emitCondition(feature.where, context.eventLeaf);
        stream = streams.push({ text, values, plan: { of: context.typeNames.map((name) => feature.accepts.includes(name)), where, values } }) - 1;
      }
      const { values } = streams[stream]!;
      let value = -1;
      if (feature.value !== undefined) {
        const source = emitValue(feature.value, context.eventLeaf);
        value = values.indexOf(source);
        if (value < 0) value = values.push(source) - 1;
      }
      return {
        name: feature.name, fn: feature.fn, type: feature.type, valueType: feature.value?.type, argument: feature.argument, stream, value,
        over: feature.over === undefined ? Infinity : span(context, feature.over), every: feature.every === undefined ? 0 : span(context, feature.every),
        readBefore: readBefore.has(feature.name), identity: identityOf(feature, context, params), readBy: readers(feature.name),
      };
    });
    const ofGroup = new Set(features.flatMap((feature) => feature.accepts));
    const key = features[0]!.key.map((part) => emitValue(part.value, context.eventLeaf));
    return {
      width: key.length, keys: context.typeNames.map((name) => (ofGroup.has(name) ? key : undefined)),
      streams: streams.map(({ plan }) => plan), features: plans,
    };
  });
}

/** Key, types, condition, value and span, with the values of params; nothing that depends on what else there is. Features that agree in it keep the same, in spans of one queue. */
function identityOf({ fn, argument, value, where, accepts, key, over, every }: Feature, context: Context, params: ReadonlyMap<string, Literal>): string {
  const text = (expr: Expr | undefined): string | null => (expr === undefined ? null : canonical(withParams(expr, params)));
  return JSON.stringify([
    ...stateOf(fn, argument), text(value), value === undefined ? null : cellKind(value.type.kind), text(where), [...accepts].sort(), key.map((part) => [part.name, part.type.kind, text(part.value)]),
    over === undefined ? null : span(context, over), every === undefined ? null : span(context, every),
  ]);
}

function span(context: Context, expr: Expr): number {
  const value = context.constant(expr);
  if (typeof value !== 'number' || !(value > 0)) throw new Error(`the span of a feature must be a duration above 0, got ${String(value)}`);
  return value;
}
