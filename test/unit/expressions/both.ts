import { emitCondition, emitValue, type Leaf } from '../../../src/compile/expr.ts';
import { evaluate, type BoundEvent, type Env } from '../../../src/compile/interpret.ts';
import { makeRuntime } from '../../../src/core/functions.ts';
import { Strings } from '../../../src/core/strings.ts';
import { Table, type Row } from '../../../src/engine/tables.ts';
import type { Expr, ExprKind, Field, FieldType, Literal, Type } from '../../../dsl/typed.ts';

/** Evaluates one expression by generated code and by the interpreter, over the same world of plain values. */

const span = { file: 'test.cep', start: 0, end: 0 };
export const FLOAT: Type = { kind: 'float' };
export const INT: Type = { kind: 'int' };
export const BOOL: Type = { kind: 'bool' };
export const STRING: Type = { kind: 'string' };
export const TIME: Type = { kind: 'time', unit: 'ms' };
export const DURATION: Type = { kind: 'duration' };
export const listOf = (type: Type): Type => ({ kind: 'list', element: { type, optional: true } });
export const recordOf = (fields: Readonly<Record<string, Type>>): Type =>
  ({ kind: 'record', fields: Object.entries(fields).map(([name, type]) => ({ name, source: name, type, optional: true })) });

export function node(type: Type, kind: ExprKind): Expr {
  return { type, span, ...kind };
}
export function literal(value: Literal, type: Type = typeOf(value)): Expr {
  return node(type, { kind: 'literal', value });
}
export function field(name: string, type: Type): Expr {
  return node(type, { kind: 'eventField', field: name });
}
export function call(fn: string, type: Type, args: readonly Expr[], lambda?: Expr): Expr {
  return node(type, { kind: 'call', fn, args, ...(lambda === undefined ? {} : { lambda }) });
}
export function compare(op: '==' | '!=' | '<' | '<=' | '>' | '>=', left: Expr, right: Expr): Expr {
  return node(BOOL, { kind: 'compare', op, left, right });
}

export function typeOf(value: Literal): Type {
  switch (typeof value) {
    case 'number': return FLOAT;
    case 'string': return STRING;
    case 'boolean': return BOOL;
    default: return value === null ? { kind: 'null' } : listOf(value.length === 0 ? FLOAT : typeOf(value[0]!));
  }
}

export interface World {
  /** Fields of the event being tested, with their types. */
  readonly event?: Readonly<Record<string, unknown>>;
  readonly eventTime?: number;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly key?: readonly unknown[];
  readonly stages?: Readonly<Record<string, readonly BoundEvent[]>>;
  readonly prev?: BoundEvent;
  /** The key column first. */
  readonly tables?: Readonly<Record<string, { readonly columns: readonly Field[]; readonly rows: readonly Row[] }>>;
  /** By name and key as JSON. */
  readonly features?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export function environment(world: World): Env {
  return {
    eventField: (name) => world.event?.[name] ?? null,
    eventTime: world.eventTime ?? 0,
    param: (name) => world.params?.[name] ?? null,
    keyField: (part) => world.key?.[part] ?? null,
    stageEvents: (stage) => world.stages?.[stage] ?? [],
    stageEvent: (stage) => (world.stages?.[stage]?.length === 1 ? world.stages[stage]![0] : undefined),
    prev: world.prev,
    lookup: (table, key, column) => world.tables![table]!.rows.findLast((row) => row[world.tables![table]!.columns[0]!.name] === key)?.[column] ?? null,
    feature: (name, key) => world.features![name]![JSON.stringify(key)],
  };
}

const strings = new Strings();
const runtime = makeRuntime(strings);

/** A plain value as the engine holds it. */
export function toEngine(value: unknown): number {
  if (value === null || value === undefined) return NaN;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  return strings.intern(typeof value === 'string' ? value : JSON.stringify(value));
}

/** The plain value of a value that the engine holds. */
export function toPlain(value: number, type: Type): unknown {
  if (Number.isNaN(value)) return null;
  switch (type.kind) {
    case 'bool': return value === 1;
    case 'string': case 'oneOf': return strings.text(value);
    case 'list': case 'record': return JSON.parse(strings.text(value));
    default: return value;
  }
}

/** The expression's value and truth by generated code; aggregates are taken from the interpreter. */
export function generated(expr: Expr, world: World = {}): { value: unknown; holds: boolean; source: string } {
  const constants: number[] = [];
  const tables: Table[] = [];
  const constant = (value: unknown): string => `C[${constants.push(toEngine(value)) - 1}]`;
  const event = (stage: string): BoundEvent | undefined => environment(world).stageEvent(stage);
  const leaf: Leaf = {
    eventField: (name) => constant(world.event?.[name]),
    eventTime: () => constant(world.eventTime ?? 0),
    param: (name) => constant(world.params?.[name]),
    keyField: (part) => constant(world.key?.[part]),
    stageField: (stage, name) => constant(event(stage)?.fields[name]),
    stageTime: (stage) => constant(world.stages?.[stage]?.at(-1)?.time),
    prevField: (name) => constant(name === undefined ? world.prev?.time : world.prev?.fields[name]),
    aggregate: (aggregate) => constant(evaluate(aggregate, environment(world))),
    eachField: () => { throw new Error('only inside aggregates'); },
    eachTime: () => { throw new Error('only inside aggregates'); },
    matchInfo: () => { throw new Error('not in these tests'); },
    literal: (value) => (typeof value === 'number' ? String(value) : constant(value)),
    lookup: (table, key, column) => {
      const { columns, rows } = world.tables![table]!;
      const made = new Table({ name: table, columns, history: undefined }, strings);
      made.set(rows);
      return `T[${tables.push(made) - 1}].get(${key},${columns.findIndex((field) => field.name === column)})`;
    },
    feature: (name, parts) => constant(world.features?.[name]?.[JSON.stringify(parts.map((part) => world.key?.[part] ?? null))]),
  };
  const source = emitValue(expr, leaf);
  const condition = emitCondition(expr, leaf);
  const value = new Function('R', 'C', 'T', `return ${source};`)(runtime, constants, tables) as number;
  if (typeof value !== 'number' || (!Number.isFinite(value) && !Number.isNaN(value))) throw new Error(`${source} gave ${value}`);
  const holds: unknown = new Function('R', 'C', 'T', `return ${condition};`)(runtime, constants, tables);
  if (typeof holds !== 'boolean') throw new Error(`${condition} gave ${String(holds)}`);
  return { value: toPlain(value, expr.type), holds, source };
}

export function interpreted(expr: Expr, world: World = {}): unknown {
  return evaluate(expr, environment(world));
}

export type { FieldType };
