/** What the rules of one plan share while they are compiled: slots, predicates, key tuples, pooled constants. */
import type { Expr, Field, Literal, Program, Rule, Type } from '../../dsl/typed.ts';
import type { Span } from '../../dsl/ast.ts';
import { canonical, emitCondition, type Leaf } from './expr.ts';
import type { FeaturePlaces } from './features.ts';
import type { KeyPlan, Predicate, TablePlan } from './plan.ts';
import { walk } from './walk.ts';

export type Aggregate = Expr & { readonly kind: 'aggregate' };

/** A rule that is right but cannot be run by this version. */
export class CompileError extends Error {
  readonly code = 'not-available';
  readonly span: Span;
  constructor(rule: string, span: Span, what: string) {
    super(`Rule "${rule}": ${what} is not available in this version.`);
    this.span = span;
  }
}

export interface Context {
  readonly typeNames: readonly string[];
  readonly params: ReadonlyMap<string, Literal>;
  /** Registers by name → the aggregate they belong to. */
  readonly aggregates: Map<string, Aggregate>;
  typeIndex(name: string): number;
  slot(field: string): number;
  isOptional(type: string, field: string): boolean;
  eventField(field: string): string;
  eventFieldOr(field: string): string;
  eventTime(): string;
  /** Over the event at hand alone. */
  readonly eventLeaf: Leaf;
  /** A column of the row of the key whose source is `key`, as it holds at the time whose source is `time`. */
  lookup(table: string, key: string, column: string, time: string): string;
  /** Index of a table among those of the plan, and of its columns among those that are read, which these are from now on. */
  table(name: string, columns: readonly string[]): { readonly table: number; readonly columns: readonly number[] };
  readonly tables: readonly TablePlan[];
  /** A feature under the key whose parts have these sources: `before` or `after` the event at hand. */
  feature(name: string, key: readonly string[], when: 'before' | 'after'): string;
  /** Those whose value before an event is read. */
  readonly readBefore: ReadonlySet<string>;
  param(name: string): string;
  literal(value: Literal, type: Type): string;
  typeTag(type: Type): string;
  /** A count as a number. */
  number(expr: Expr): number;
  /** The value of an expression over params and literals, or undefined. */
  constant(expr: Expr): Literal | undefined;
  predicate(types: readonly number[], conjuncts: readonly Expr[]): number;
  key(width: number, sourcesOf: (type: string) => readonly string[] | undefined, mayBeNull: (type: string) => boolean): number;
  unsupported(rule: Rule, span: Span, what: string): void;
}

export interface Pools {
  readonly predicates: Predicate[];
  readonly keys: KeyPlan[];
  readonly pool: Literal[];
  /** Field name → slot. */
  readonly slots: Map<string, number>;
  readonly features: FeaturePlaces;
}

export function makeContext(program: Program, params: ReadonlyMap<string, Literal>, pools: Pools): Context {
  const typeNames = [...program.events.keys()];
  const { predicates, keys, pool, slots, features } = pools;
  const tables: { readonly name: string; readonly columns: Field[]; readonly history: Field | undefined }[] = [];
  const readBefore = new Set<string>();
  const poolIndex = new Map<string, number>();
  const predicateIndex = new Map<string, number>();
  const keyIndex = new Map<string, number>();

  const pooled = (value: Literal): number => {
    const text = JSON.stringify([typeof value, value]);
    let at = poolIndex.get(text);
    if (at === undefined) {
      at = pool.push(value) - 1;
      poolIndex.set(text, at);
    }
    return at;
  };
  const slot = (field: string): number => {
    const at = slots.get(field);
    if (at === undefined) throw new Error(`field ${field} has no slot`);
    return at;
  };
  const literal = (value: Literal): string => {
    if (value === null) return 'NaN';
    if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value);
    if (typeof value === 'boolean') return value ? '1' : '0';
    return `C[${pooled(value)}]`;
  };
  const table = (name: string, wanted: readonly string[]): { table: number; columns: number[] } => {
    const declared = program.tables.get(name)!;
    const column = (of: string): Field => declared.columns.find((field) => field.name === of)!;
    let at = tables.findIndex((other) => other.name === name);
    if (at < 0) at = tables.push({ name, columns: [column(declared.key)], history: declared.history ? column('from') : undefined }) - 1;
    const { columns } = tables[at]!;
    return {
      table: at,
      columns: wanted.map((of) => {
        const known = columns.findIndex((field) => field.name === of);
        return known >= 0 ? known : columns.push(column(of)) - 1;
      }),
    };
  };
  const lookup = (name: string, key: string, column: string, time: string): string => {
    const { table: index, columns } = table(name, [column]);
    return tables[index]!.history === undefined ? `T[${index}].get(${key},${columns[0]!})` : `T[${index}].at(${key},${time},${columns[0]!})`;
  };
  const feature = (name: string, key: readonly string[], when: 'before' | 'after'): string => {
    if (when === 'before') readBefore.add(name);
    const { group, index } = features.placeOf(name);
    return `(${[...key.map((source, i) => `Q[${i}]=${source}`), `V.${when}(${group},${index})`].join(',')})`;
  };
  const constant = (expr: Expr): Literal | undefined => {
    switch (expr.kind) {
      case 'literal': return expr.value;
      case 'param': return params.get(expr.name);
      case 'negate': { const v = constant(expr.operand); return typeof v === 'number' ? -v : undefined; }
      case 'arith': {
        const a = constant(expr.left);
        const b = constant(expr.right);
        if (typeof a !== 'number' || typeof b !== 'number') return undefined;
        switch (expr.op) {
          case '+': return a + b;
          case '-': return a - b;
          case '*': return a * b;
          case '/': return b === 0 ? null : a / b;
          case '%': return b === 0 ? null : a % b;
        }
      }
      // falls through: unreachable, every operator returns
      default: return undefined;
    }
  };
  const eventLeaf: Leaf = {
    eventField: (field) => `E[${slot(field)}]`,
    eventTime: () => `E[${slots.size}]`,
    param: (name) => literal(params.get(name) ?? null),
    literal,
    keyField: () => { throw new Error('a predicate reads no key'); },
    stageField: () => { throw new Error('a predicate reads no stage'); },
    stageTime: () => { throw new Error('a predicate reads no stage'); },
    prevField: () => { throw new Error('a predicate reads no event before'); },
    aggregate: () => { throw new Error('a predicate reads no aggregate'); },
    eachField: () => { throw new Error('a predicate reads no aggregate'); },
    eachTime: () => { throw new Error('a predicate reads no aggregate'); },
    matchInfo: () => { throw new Error('a predicate reads no match'); },
    lookup: (name, key, column) => lookup(name, key, column, `E[${slots.size}]`),
    feature: () => { throw new Error('a predicate reads no feature'); },
  };

  return {
    typeNames, params,
    aggregates: new Map(),
    typeIndex: (name) => typeNames.indexOf(name),
    isOptional: (type, field) => program.events.get(type)?.fields.find((f) => f.name === field)?.optional !== false,
    slot,
    eventField: eventLeaf.eventField as (field: string) => string,
    eventFieldOr: (field) => (slots.has(field) ? `E[${slot(field)}]` : 'NaN'),
    eventTime: eventLeaf.eventTime,
    eventLeaf, lookup, table, tables, feature, readBefore,
    param: eventLeaf.param,
    literal,
    typeTag: (type) => type.kind,
    number(expr) {
      const value = constant(expr);
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw new Error(`a repeat count must be a whole number, got ${String(value)}`);
      return value;
    },
    constant,
    predicate(types, conjuncts) {
      const sorted = [...types].sort((a, b) => a - b);
      const text = `${sorted.join(',')}|${conjuncts.map(canonical).sort().join(' and ')}`;
      const known = predicateIndex.get(text);
      if (known !== undefined) return known;
      let equality: Predicate['equality'];
      for (const expr of conjuncts) {
        if (expr.kind !== 'compare' || expr.op !== '==' || equality !== undefined) continue;
        for (const [a, b] of [[expr.left, expr.right], [expr.right, expr.left]] as const) {
          const value = constant(b);
          if (a.kind === 'eventField' && value !== undefined && value !== null && !Array.isArray(value)) equality = { slot: slot(a.field), pooled: pooled(value) };
        }
      }
      const source = conjuncts.length === 0 ? 'true' : conjuncts.map((expr) => `(${emitCondition(expr, eventLeaf)})`).join('&&');
      predicates.push({ id: predicates.length, canonical: text, types: sorted, source, equality });
      predicateIndex.set(text, predicates.length - 1);
      return predicates.length - 1;
    },
    key(width, sourcesOf, mayBeNull) {
      const sources = typeNames.map(sourcesOf);
      const text = JSON.stringify([width, sources]);
      const known = keyIndex.get(text);
      if (known !== undefined) return known;
      keys.push({ canonical: text, width, sources, mayBeNull: typeNames.map(mayBeNull) });
      keyIndex.set(text, keys.length - 1);
      return keys.length - 1;
    },
    unsupported(rule, span, what) { throw new CompileError(rule.name, span, what); },
  };
}

/** Names of the fields that an expression reads. */
export function fieldsRead(expr: Expr, into: { readonly event: Set<string>; readonly bound: Set<string> }): void {
  walk(expr, (e) => {
    switch (e.kind) {
      case 'eventField': into.event.add(e.field); break;
      case 'stageField': case 'eachField': into.bound.add(e.field); break;
      case 'prevField': if (e.field !== undefined) into.bound.add(e.field); break;
      default:
    }
  });
}
