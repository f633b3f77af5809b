/**
 * What the windows of a rule keep, as data, as identity.ts has it for patterns: by it a rule that has changed can tell whether the windows of the old one can go on
 * under it. What is asked of a window (`having`, outputs) and which events it takes (`on … where`) only concerns events and reports to come.
 */
import type { Expr, Literal, WindowAggregateFn, WindowRule } from '../../dsl/typed.ts';
import { cellKind } from '../core/cell-kind.ts';
import { canonical, type WindowAggregate } from './expr.ts';
import { keyIdentity, limitIdentity, withParams, type KeyIdentity } from './identity.ts';
import type { WindowAggregatePlan, WindowShape } from './plan.ts';

/** JSON. */
export interface WindowIdentity {
  readonly key: KeyIdentity;
  /** In the order of their texts. */
  readonly inputs: readonly { readonly name: string | undefined; readonly types: readonly string[] }[];
  /** Kind and lengths; `text`: by which two are told to be the same. */
  readonly shape: { readonly kind: string; readonly text: string };
  readonly rises: boolean;
  /** ms */
  readonly late: number;
  /** In the order of their states in a block. */
  readonly aggregates: readonly AggregateIdentity[];
  readonly limit: string | undefined;
}

/** What a state of an aggregate is of: two aggregates with the same text read the same state. */
export interface AggregateIdentity {
  readonly text: string;
  /** Without its `where` and its value: by it the author is told which one it was. */
  readonly written: string;
  /** Every event of a window: the window itself knows their number. */
  readonly countsAll: boolean;
}

export function windowIdentity(rule: WindowRule, params: ReadonlyMap<string, Literal>, shape: WindowShape, late: number, aggregates: readonly WindowAggregatePlan[]): WindowIdentity {
  return {
    key: keyIdentity(rule, params),
    inputs: rule.window.inputs.map(({ name, types }) => ({ name, types: [...types].sort() })).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    shape: { kind: shape.kind, text: JSON.stringify(Object.entries(shape).map(([name, value]) => [name, String(value)]).sort()) },
    rises: rule.window.trigger?.kind === 'rise', late,
    aggregates: aggregates.map(({ expr }) => aggregateIdentity(expr, params)),
    limit: limitIdentity(rule, params),
  };
}

export function aggregateIdentity({ fn, input, value, where, argument }: WindowAggregate, params: ReadonlyMap<string, Literal>): AggregateIdentity {
  const text = (expr: Expr | undefined): string | null => (expr === undefined ? null : canonical(withParams(expr, params)));
  const of = value === undefined ? '' : value.kind === 'eachField' || value.kind === 'eventField' ? value.field : '…';
  return {
    text: JSON.stringify([...stateOf(fn, argument), input ?? null, text(value), value === undefined ? null : cellKind(value.type.kind), text(where)]),
    written: `${fn}(${[input, of].filter((part) => part !== undefined && part !== '').join('.')})`,
    countsAll: fn === 'count' && input === undefined && where === undefined,
  };
}

/** Functions that read one state in several ways. Their arguments (the percentile, the n of `top`, the time of `slope`) are no part of it, but for `values`, which keeps so many. */
const STATES: Partial<Readonly<Record<WindowAggregateFn, string>>> = { sum: 'sum', avg: 'sum', variance: 'moments', stddev: 'moments', any: 'truths', all: 'truths' };

export function stateOf(fn: WindowAggregateFn, argument: number | undefined): readonly unknown[] { return [STATES[fn] ?? fn, fn === 'values' ? argument ?? null : null]; }
