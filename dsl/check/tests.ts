import type { Expr as AstExpr, Name, OutField, Span, TestDecl, TestStep } from '../ast.ts';
import type { FieldType, Literal, Output, Test, Type } from '../typed.ts';
import { constantNumber, literalOf } from './constants.ts';
import { contextOf } from './context.ts';
import { meant } from './declarations.ts';
import { refuseMade } from './each.ts';
import type { EventInfo } from './event-types.ts';
import { elaborate } from './expressions.ts';
import type { Globals } from './globals.ts';
import { isNew } from './outputs.ts';
import type { CheckedRule } from './rule.ts';
import { eventType } from './stages.ts';
import type { TableInfo } from './tables.ts';
import { readTime } from './times.ts';
import { BOOL, DURATION, INT, STRING, aType, fits, isNumber, isText } from './types.ts';
import { definition } from './unread.ts';

type Expect = Test['expects'][number];
type Row = Readonly<Record<string, unknown>>;
type Step = Test['steps'][number];
type Of<Kind extends TestStep['kind']> = Extract<TestStep, { kind: Kind }>;

/** Checks a test: its rules, params, events and what it expects. Undefined where a rule is not known or not available. */
export function checkTest(globals: Globals, test: TestDecl, rules: ReadonlyMap<string, CheckedRule>): Test | undefined {
  const { report } = globals;
  const tested: CheckedRule[] = [];
  for (const name of test.rules) {
    const rule = rules.get(name.text);
    if (rule === undefined && globals.unread.declares('rule', name.text)) continue;
    if (rule === undefined) report.add('unknown-rule', name.span, `Unknown rule "${name.text}".`, { hint: meant(name.text, rules.keys()) });
    else tested.push(rule);
  }
  const params = new Map<string, Literal>();
  const tables = new Map<string, readonly Row[]>();
  const steps: Step[] = [];
  const expects: Expect[] = [];
  const nothing = test.steps.find((step) => step.kind === 'expectNothing');
  for (const step of test.steps) {
    switch (step.kind) {
      case 'with': withParam(globals, step, params); break;
      case 'table': fillTable(globals, step, tables); break;
      case 'event': {
        const made = event(globals, step);
        if (made !== undefined) steps.push(made);
        break;
      }
      case 'advance': {
        const at = timeOf(globals, step.at);
        if (at !== undefined) steps.push({ kind: 'advance', at, span: step.span });
        break;
      }
      case 'expect': {
        const made = expectation(globals, step, tested, tested.length < test.rules.length);
        if (made !== undefined) expects.push(made);
        break;
      }
      case 'expectNothing': break;
    }
  }
  const expected = test.steps.find((step) => step.kind === 'expect');
  if (nothing !== undefined && expected !== undefined) {
    report.add('contradiction', nothing.span, '`expect nothing` contradicts another `expect` of this test.', { related: [{ span: expected.span, message: 'something is expected here' }] });
  }
  if (nothing === undefined && expected === undefined && !globals.unread.inside(test.span, /\bexp/)) {
    report.add('test-without-expect', headOf(test), `The test "${test.title}" says not what it expects, so it fails on any alert.`, { hint: 'write expect nothing, if that is what is meant' });
  }
  if (tested.length < test.rules.length) return undefined;
  return { rules: test.rules.map((name) => name.text), title: test.title, span: headOf(test), params, tables, steps, expects };
}

function headOf(test: TestDecl): Span {
  return { ...test.span, end: test.rules.at(-1)?.span.end ?? test.span.end };
}

function withParam(globals: Globals, step: Of<'with'>, params: Map<string, Literal>): void {
  const { report } = globals;
  const name = step.name.text;
  const known = globals.params.get(name);
  if (known === undefined) {
    if (!globals.unread.declares('param', name)) report.add('unknown-param', step.name.span, `Unknown param "${name}".`, {
      hint: globals.consts.has(name) ? 'it is a const; only params can be overridden' : meant(name, globals.params.keys()),
    });
    return;
  }
  if (params.has(name)) report.add('field-twice', step.name.span, `The param "${name}" is set twice in this test.`);
  const given = literalOf(globals, step.value, `the value of param "${name}"`, known.type);
  if (given === undefined) return;
  const { param } = known;
  if (given === null && known.nulls === 0) {
    report.add('type-mismatch', step.value.span, `The param "${name}" is ${aType(known.type)}, which null is not.`);
    return;
  }
  if (given !== null && param?.lo !== undefined && param.hi !== undefined && (given < param.lo! || given > param.hi!)) {
    report.add('out-of-bounds', step.value.span, `The value of param "${name}" is not within its bounds.`, { related: [{ span: param.span, message: 'declared here' }] });
    return;
  }
  params.set(name, given);
}

/** The rows that a test gives a table: each with every column, null where an optional one is not given. */
function fillTable(globals: Globals, step: Of<'table'>, tables: Map<string, readonly Row[]>): void {
  const { report } = globals;
  const name = step.name.text;
  const info = globals.tables.get(name);
  if (info === undefined) {
    if (!globals.unread.declares('table', name)) report.add('unknown-table', step.name.span, `Unknown table "${name}".`, { hint: meant(name, globals.tables.keys()) });
    return;
  }
  if (tables.has(name)) report.add('field-twice', step.name.span, `The table "${name}" is filled twice in this test.`, { hint: 'put all rows into one' });
  const rows: Row[] = [];
  const known = new Set<string>();
  for (const written of step.rows) {
    const row = rowOf(globals, info, written, step.name);
    if (row === undefined) continue;
    rows.push(row);
    const id = JSON.stringify([row[info.table.key], info.table.history ? row['from'] : null]);
    const key = written.find((field) => field.name.text === info.table.key);
    if (known.has(id) && key !== undefined) {
      report.add('row-twice', key.span, `The table "${name}" has two rows with this ${info.table.key}${info.table.history ? ' and this time' : ''}.`, { hint: 'a row is found by its key, so there is one of each' });
    }
    known.add(id);
  }
  tables.set(name, rows);
}

function rowOf(globals: Globals, { table, columns, broken }: TableInfo, written: readonly OutField[], name: Name): Row | undefined {
  const { report } = globals;
  const row: Record<string, unknown> = {};
  let wrong = broken;
  for (const field of written.filter((one) => isNew(globals, written, one))) {
    const column = columns.get(field.name.text);
    if (column === undefined) {
      wrong = true;
      if (!broken) report.add('unknown-field', field.name.span, `The table "${table.name}" has no column "${field.name.text}".`, { hint: meant(field.name.text, columns.keys()) });
      continue;
    }
    const value = plainValue(globals, field.value, field.name, column, `"${table.name}.${field.name.text}"`);
    if (value === undefined) wrong = true;
    else row[field.name.text] = value.plain;
  }
  const missing = wrong ? [] : table.columns.filter((column) => !column.optional && !Object.hasOwn(row, column.name));
  if (missing.length > 0) {
    const span = written.length === 0 ? name.span : { ...written[0]!.span, end: written.at(-1)!.span.end };
    return report.add('missing-field', span, `A row of "${table.name}" needs ${missing.map((column) => `"${column.name}"`).join(', ')}, too.`, { hint: `give ${missing.length === 1 ? 'it' : 'each'} a value, or declare ${missing.length === 1 ? 'it' : 'them'} optional with ?` });
  }
  return wrong ? undefined : Object.fromEntries(table.columns.map((column) => [column.name, Object.hasOwn(row, column.name) ? row[column.name] : null]));
}

/** Ms after the test's start. */
function timeOf(globals: Globals, at: AstExpr): number | undefined {
  return constantNumber(globals, at, DURATION, 'the time after the start of the test', { least: 0 });
}

// ---- events ----

function event(globals: Globals, step: Of<'event'>): Step | undefined {
  const at = timeOf(globals, step.at);
  const type = eventType(globals, step.type);
  if (type === undefined) return undefined;
  refuseMade(globals, type, step.type.span, 'given');
  const given = new Map<string, unknown>();
  for (const field of step.fields.filter((one) => isNew(globals, step.fields, one))) {
    const value = fieldOfEvent(globals, type, field);
    if (value !== undefined) given.set(field.name.text, value.plain);
  }
  if (at === undefined) return undefined;
  const fields: Record<string, unknown> = {};
  for (const field of type.fields.values()) {
    if (field.name === type.time) continue;
    fields[field.name] = given.has(field.name) ? given.get(field.name) : zeroOf(field);
  }
  return { kind: 'event', at, type: type.name, fields, span: step.span };
}

function fieldOfEvent(globals: Globals, type: EventInfo, field: OutField): { readonly plain: unknown } | undefined {
  const name = field.name.text;
  const declared = type.fields.get(name);
  if (declared === undefined) {
    if (type.broken || globals.unread.inside(globals.declarations.events.get(type.name)!.span, definition(name))) return undefined;
    return globals.report.add('unknown-field', field.name.span, `Unknown field "${name}" on event "${type.name}".`, { hint: meant(name, type.fields.keys()) });
  }
  if (name === type.time) {
    return globals.report.add('time-field-filled', field.name.span, `"${name}" is the event time of "${type.name}": it is filled in from the time after \`@\`, and what stands here has no effect.`, { hint: 'leave it out' });
  }
  return plainValue(globals, field.value, field.name, declared, `"${type.name}.${name}"`);
}

/** What a field has that a test does not give: the zero of its type. Of a record, the zeros of its fields; of a closed set, its first text. */
function zeroOf({ type, optional }: FieldType): unknown {
  if (optional) return null;
  switch (type.kind) {
    case 'string': return '';
    case 'bool': return false;
    case 'oneOf': return type.values[0];
    case 'list': return [];
    case 'record': return Object.fromEntries(type.fields.map((field) => [field.name, zeroOf(field)]));
    case 'null': return null;
    default: return 0;
  }
}

// ---- values ----

/**
 * A written value as plain JSON: a duration in ms; a time given as a duration as ms after the test's start, one given as text or as a number
 * of its unit as ISO-8601 text.
 */
function plainValue(globals: Globals, value: AstExpr | undefined, name: Name, declared: FieldType, what: string): { readonly plain: unknown } | undefined {
  const { report } = globals;
  if (value === undefined) return report.add('missing-value', name.span, `${what} is given no value.`, { hint: `write ${name.text}: value` });
  const { type, optional } = declared;
  if (value.kind === 'paren') return plainValue(globals, value.inner, name, declared, what);
  if (value.kind === 'null') {
    return optional ? { plain: null } : report.add('type-mismatch', value.span, `${what} must always be there, and null is not a value.`);
  }
  if (value.kind === 'record') return plainRecord(globals, value, type, what);
  if (value.kind === 'list' && type.kind === 'list') {
    const items = value.items.map((item) => plainValue(globals, item, name, type.element, `An element of ${what}`));
    return items.includes(undefined) ? undefined : { plain: items.map((item) => item!.plain) };
  }
  const made = elaborate(contextOf(globals, { place: 'a test' }), value);
  if (made === undefined) return undefined;
  const { expr } = made;
  if (expr.kind !== 'literal') {
    return report.add('not-constant', value.span, 'A value in a test is a literal, or made of literals and consts.');
  }
  if (type.kind === 'time') return plainTime(globals, expr.value, expr.type, type, value.span, what);
  if (!fits(expr.type, type)) {
    return report.add('type-mismatch', value.span, `${what} is ${aType(type)}; this is ${aType(expr.type)}.`, { hint: type.kind === 'duration' && isNumber(expr.type) ? 'a duration has a unit: 10s' : undefined });
  }
  if (type.kind === 'oneOf' && typeof expr.value === 'string' && !type.values.includes(expr.value)) {
    return report.add('not-in-set', value.span, `${JSON.stringify(expr.value)} is not among ${type.values.map((text) => JSON.stringify(text)).join(', ')}.`, { hint: meant(expr.value, type.values) });
  }
  return { plain: expr.value };
}

const PER_MS = { ms: 1, s: 1 / 1000, us: 1000, ns: 1e6 };

function plainTime(globals: Globals, value: Literal, given: Type, type: Extract<Type, { kind: 'time' }>, span: Span, what: string): { readonly plain: unknown } | undefined {
  if (given.kind === 'duration') return { plain: value };
  const ms = typeof value === 'number' && isNumber(given) ? value / PER_MS[type.unit] : typeof value === 'string' ? readTime(value) : undefined;
  if (ms !== undefined && Math.abs(ms) <= 8.64e15) return { plain: new Date(ms).toISOString() };
  return globals.report.add('type-mismatch', span, isText(given) ? `This is no time in ISO-8601.` : `${what} is a time; this is ${aType(given)}.`, {
    hint: 'a time is a duration after the start of the test, such as 30s, or text: "2026-01-31T12:00:00Z"',
  });
}

function plainRecord(globals: Globals, value: Extract<AstExpr, { kind: 'record' }>, type: Type, what: string): { readonly plain: unknown } | undefined {
  if (type.kind !== 'record') return globals.report.add('type-mismatch', value.span, `${what} is ${aType(type)}; this is a record.`);
  const plain: Record<string, unknown> = {};
  let wrong = false;
  for (const field of type.fields) plain[field.name] = zeroOf(field);
  for (const given of value.fields.filter((one) => isNew(globals, value.fields, one))) {
    const declared = type.fields.find((field) => field.name === given.name.text);
    if (declared === undefined) {
      wrong = true;
      globals.report.add('unknown-field', given.name.span, `There is no field "${given.name.text}" in ${what}.`, { hint: meant(given.name.text, type.fields.map((field) => field.name)) });
      continue;
    }
    const made = plainValue(globals, given.value, given.name, declared, `"${given.name.text}" of ${what}`);
    if (made === undefined) wrong = true;
    else plain[given.name.text] = made.plain;
  }
  return wrong ? undefined : { plain };
}

// ---- expectations ----

function expectation(globals: Globals, step: Of<'expect'>, tested: readonly CheckedRule[], unknownRule: boolean): Expect | undefined {
  const at = timeOf(globals, step.at);
  const fields: Record<string, unknown> = {};
  // A rule that could not be read may have any field.
  const loose = unknownRule || tested.some(({ rule }) => rule === undefined);
  const isRead = (): boolean => tested.every(({ decl }) => !globals.unread.inside(decl.span, /\b(?:alert|emit|by)\b/));
  const type = step.what === 'emit' ? eventType(globals, step.type) : undefined;
  if (step.what === 'emit' && type === undefined) return undefined;
  const known = step.what === 'emit' ? emittedFields(type!) : alertFields(tested, step.what === 'timeout');
  if (!loose) globals.report.provided(isRead, () => refuseImpossible(globals, step, tested, type));
  for (const field of step.fields.filter((one) => isNew(globals, step.fields, one))) {
    const declared = known.get(field.name.text);
    if (declared === undefined) {
      if (!loose && !(type?.broken ?? false) && !hasBroken(tested, field.name.text)) globals.report.provided(isRead, () => unknownExpected(globals, field, known, type));
      continue;
    }
    const made = anyOf(globals, field, declared);
    if (made !== undefined) fields[field.name.text] = made.plain;
  }
  if (at === undefined) return undefined;
  return { what: step.what, ...(type && { type: type.name }), at, fields, span: step.span };
}

/** An alert or a key has such a field, whose expression is wrong, so that it is not among the checked ones. */
function hasBroken(tested: readonly CheckedRule[], name: string): boolean {
  return tested.some(({ decl }) => decl.clauses.some((clause) => (clause.kind === 'alert' && clause.fields.some((field) => field.name.text === name))
    || (clause.kind === 'by' && clause.keys.some((key) => key.name.text === name))));
}

function refuseImpossible(globals: Globals, step: Of<'expect'>, tested: readonly CheckedRule[], type: EventInfo | undefined): void {
  const outputs = tested.flatMap(({ rule }) => rule?.outputs ?? []);
  const fits_ = (output: Output): boolean => (step.what === 'emit' ? output.kind === 'emit' && output.target === type!.name : output.kind === 'alert' && output.onTimeout === (step.what === 'timeout'));
  if (outputs.some(fits_)) return;
  // What emits a type that is not known has been reported.
  if (step.what === 'emit' && tested.some(({ decl }) => decl.clauses.some((clause) => clause.kind === 'emit' && !globals.events.has(clause.type.text)))) return;
  globals.report.add('never-reported', step.span, step.what === 'emit' ? `No rule of this test emits "${type!.name}".`
    : step.what === 'timeout' ? 'No rule of this test has `on timeout alert`.' : 'No rule of this test has an `alert`.');
}

function emittedFields(type: EventInfo): Map<string, FieldType[]> {
  return new Map([...type.fields.values()].map((field) => [field.name, [field]]));
}

/** What every alert has, beside its key, where the author gives no field of that name. */
const OF_EVERY_ALERT: readonly (readonly [string, Type])[] = [['severity', STRING], ['channel', STRING], ['suppressed', INT]];
/** What an alert of a window has, too. */
const OF_WINDOWS: readonly (readonly [string, Type])[] = [['final', BOOL]];

/** What can be asked of the alerts: their fields and keys, each with the types it can have. */
function alertFields(tested: readonly CheckedRule[], timeout: boolean): Map<string, FieldType[]> {
  const known = new Map<string, FieldType[]>();
  const add = (name: string, type: Type): void => {
    known.set(name, [...known.get(name) ?? [], { type, optional: true }]);
  };
  for (const { rule } of tested) {
    for (const output of rule?.outputs ?? []) {
      if (output.kind === 'alert' && output.onTimeout === timeout) output.fields.forEach(({ name, value }) => add(name, value.type));
    }
    rule?.key.forEach(({ name, type }) => add(name, type));
    if (rule?.kind === 'window') OF_WINDOWS.forEach(([name, type]) => add(name, type));
  }
  for (const [name, type] of OF_EVERY_ALERT) if (!known.has(name)) add(name, type);
  return known;
}

function unknownExpected(globals: Globals, field: OutField, known: ReadonlyMap<string, FieldType[]>, type: EventInfo | undefined): void {
  const name = field.name.text;
  globals.report.add('unknown-field', field.name.span, type === undefined ? `The alert has no field "${name}".` : `Unknown field "${name}" on event "${type.name}".`, {
    hint: meant(name, known.keys()),
  });
}

/** The value as one of the types that the field can have; where it fits none, what is wrong with the first. */
function anyOf(globals: Globals, field: OutField, declared: readonly FieldType[]): { readonly plain: unknown } | undefined {
  for (const one of declared) {
    const made = globals.report.muted(() => plainValue(globals, field.value, field.name, one, ''));
    if (made !== undefined) return made;
  }
  return plainValue(globals, field.value, field.name, declared[0]!, `"${field.name.text}"`);
}
