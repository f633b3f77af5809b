import type { Expr as AstExpr, FeatureDecl, KeyExpr, Span } from '../ast.ts';
import type { Expr, Feature } from '../typed.ts';
import { contextOf, type Context } from './context.ts';
import { acceptedBy, viewOf } from './event-types.ts';
import { condition, elaborate } from './expressions.ts';
import type { Globals } from './globals.ts';
import { constantScope, type Scope } from './scope.ts';
import { checkDuration, eventType } from './stages.ts';
import { BOOL, aType, commonType } from './types.ts';
import { value, type Value } from './value.ts';

/** Checks all features. One that is wrong stands as undefined: it has been reported, and who reads it stays silent. */
export function resolveFeatures(globals: Globals): void {
  for (const [name, decl] of globals.declarations.features) globals.features.set(name, checkFeature(globals, name, decl));
}

function checkFeature(globals: Globals, name: string, decl: FeatureDecl): Feature | undefined {
  const type = eventType(globals, decl.type);
  if (type === undefined) return undefined;
  const events = viewOf([type]);
  const place = `the feature "${name}"`;
  const plain: Scope = { place, event: events };
  const made = aggregateOf(globals, { place, window: { inputs: new Map(), events, inputCount: 1, maybeEmpty: true, reads: 'event', bounds: 'none' } }, name, decl.value);
  const cond = decl.where && condition(contextOf(globals, plain), decl.where, 'What follows `where`');
  const key = (decl.by ?? []).map((part) => keyPart(globals, plain, part, decl.by!));
  const over = decl.over && checkDuration(globals, decl.over, constantScope(`the span of the feature "${name}"`));
  const every = decl.every && checkDuration(globals, decl.every, constantScope(`the panes of the feature "${name}"`));
  if (decl.every !== undefined && decl.over === undefined) {
    globals.report.add('every-without-over', decl.every.span, '`every` cuts the span of a feature into panes, and this one has no span.', { hint: 'write over 24h every 1m' });
  } else if (over?.kind === 'literal' && every?.kind === 'literal' && Number(every.value) > Number(over.value) && !globals.unread.at(decl.over!.span)) {
    globals.report.add('out-of-bounds', decl.every!.span, 'The panes of a feature are no longer than its span.');
  }
  if (made === undefined || (decl.where !== undefined && cond === undefined) || key.includes(undefined)) return undefined;
  const { expr, nulls } = made;
  const where = [cond?.expr, expr.where].filter((part) => part !== undefined).reduce<Expr | undefined>((all, part) => (all === undefined ? part : { kind: 'and', type: BOOL, span: part.span, left: all, right: part }), undefined);
  return {
    name, span: decl.name.span, type: expr.type, optional: nulls === 2, fn: expr.fn, ...(expr.value && { value: expr.value }), ...(expr.argument !== undefined && { argument: expr.argument }),
    accepts: acceptedBy(type, globals.events.values()), ...(where && { where }), key: key.filter((part) => part !== undefined), ...(over && { over }), ...(every && { every }),
  };
}

type Aggregate = Extract<Expr, { kind: 'windowAggregate' }>;

function aggregateOf(globals: Globals, scope: Scope, name: string, written: AstExpr): { readonly expr: Aggregate; readonly nulls: Value['nulls'] } | undefined {
  const refuse = (): undefined => globals.report.add('not-an-aggregate', written.span, `The feature "${name}" is one aggregate over events, such as sum(amount) or count(); this is something else.`, { hint: 'put aggregates together where the features are used' });
  let inner = written;
  while (inner.kind === 'paren') inner = inner.inner;
  if (inner.kind !== 'call' && inner.kind !== 'member') return refuse();
  const made = elaborate(contextOf(globals, scope), inner);
  if (made === undefined) return undefined;
  return made.expr.kind === 'windowAggregate' ? { expr: made.expr, nulls: made.nulls } : refuse();
}

function keyPart(globals: Globals, scope: Scope, key: KeyExpr, all: readonly KeyExpr[]): Feature['key'][number] | undefined {
  const { report } = globals;
  const name = key.name.text;
  if (all.find((other) => other.name.text === name) !== key) return report.add('field-twice', key.name.span, `The key names "${name}" twice.`);
  const [alternative] = key.alternatives;
  if (alternative !== undefined) return report.add('feature-key', alternative.of.span, 'A feature is of one type of event, so its key has no alternatives.', { hint: `write by ${name} = …` });
  const made = elaborate(contextOf(globals, { ...scope, place: 'the key of a feature' }), key.value ?? { kind: 'name', name, span: key.name.span });
  if (made === undefined) return undefined;
  const { type } = made.expr;
  if (type.kind === 'list' || type.kind === 'record' || type.kind === 'null') {
    return report.add('type-mismatch', key.span, `A key is a text, a number, a time, a duration or a bool; "${name}" is ${aType(type)}.`);
  }
  return { name, type, value: made.expr };
}

/** The value of a feature under the key of the rule that reads it. */
export function featureValue(ctx: Context, name: string, span: Span): Value | undefined {
  const { report, features } = ctx.globals;
  const feature = features.get(name);
  const key = ctx.scope.featureKey;
  if (key === undefined) {
    return report.add('feature-here', span, `The feature "${name}" cannot be read in ${ctx.scope.place}.`, { hint: 'features are read in conditions, filters and reports of rules' });
  }
  if (ctx.each !== undefined || ctx.ofWindow !== undefined) {
    return report.add('feature-here', span, `An aggregate looks at single events that have been, and the feature "${name}" has one value, of now.`, { hint: 'compare the aggregate with it, or read it in the condition of the stage or input' });
  }
  if (feature === undefined) return undefined;
  const parts: number[] = [];
  for (const part of feature.key) {
    const at = key.findIndex((other) => other.name === part.name);
    if (at < 0) {
      if (ctx.scope.isKeyRead?.() === false) return undefined;
      return report.add('feature-key', span, `The feature "${name}" is by ${feature.key.map((one) => `"${one.name}"`).join(', ')}, and the key of this rule has no "${part.name}".`, {
        hint: key.length === 0 ? `add by ${feature.key.map((one) => one.name).join(', ')}` : `add it to the key: by ${[...key.map((one) => one.name), part.name].join(', ')}`, related: [{ span: feature.span, message: 'declared here' }],
      });
    }
    const { type } = key[at]!;
    if (type === undefined) return undefined;
    if (commonType(type, part.type) === undefined) {
      return report.add('mixed-types', span, `"${part.name}" is ${aType(part.type)} in the feature "${name}" and ${aType(type)} in the key of this rule, so it has no value under it.`);
    }
    parts.push(at);
  }
  return value(feature.type, span, { kind: 'feature', feature: name, parts }, feature.optional ? 2 : 0);
}
