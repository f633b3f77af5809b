import type { Expr as AstExpr, Name, Span, TableDecl } from '../ast.ts';
import type { Field, Table, Type } from '../typed.ts';
import type { Context } from './context.ts';
import { meant, type Declarations } from './declarations.ts';
import { elaborate } from './expressions.ts';
import { asTime, textsIn } from './operators.ts';
import type { Report } from './report.ts';
import { resolveFields } from './type-exprs.ts';
import { aType, fits, showFieldType } from './types.ts';
import { definition, type Unread } from './unread.ts';
import { value, type Value } from './value.ts';

/** A declared table as far as it could be made out. */
export interface TableInfo {
  readonly table: Table;
  readonly columns: ReadonlyMap<string, Field>;
  /** Something about it is wrong, and reported: a column it lacks may be only that. */
  readonly broken: boolean;
}

/** The column that says from when on a row holds. */
const FROM = 'from';

export function resolveTables(declarations: Declarations, report: Report, unread: Unread): Map<string, TableInfo> {
  return new Map([...declarations.tables].map(([name, decl]) => [name, tableInfo(decl, report, unread)]));
}

function tableInfo(decl: TableDecl, report: Report, unread: Unread): TableInfo {
  const name = decl.name.text;
  const columns = resolveFields(decl.columns, report);
  const keys = decl.columns.filter((column) => column.key);
  const [key, second] = keys;
  let broken = unread.inside(decl.span, /./);
  const wrong = (span: Span, message: string, hint?: string): void => {
    broken = true;
    report.add('bad-table', span, message, { hint });
  };
  if (key === undefined) {
    if (!broken) wrong(decl.name.span, `The table "${name}" does not say which column is looked up.`, decl.columns.length === 0 ? 'write id: string key' : `write key behind its type: ${decl.columns[0]!.name.text}: … key`);
    broken = true;
  } else if (second !== undefined) {
    wrong(second.span, `The table "${name}" has two keys; it is looked up by one column.`, 'put them together in one column, and look it up by concat(a, "|", b)');
  } else {
    const { type, optional } = columns.find((column) => column.name === key.name.text)!;
    if (optional || type.kind === 'list' || type.kind === 'record') {
      wrong(key.type.span, `The key of a table is a text, a number, a time, a duration or a bool that is always there; "${key.name.text}" is ${showFieldType({ type, optional })}.`);
    }
  }
  const from = columns.find((column) => column.name === FROM && column.type.kind === 'time' && column.name !== key?.name.text);
  if (from?.optional === true) wrong(decl.columns.find((column) => column.name.text === FROM)!.type.span, '`from` says from when on a row holds, so it must always be there.', 'write from: time');
  return {
    table: { name, span: decl.name.span, columns, key: key?.name.text ?? '', history: from !== undefined },
    columns: new Map(columns.map((column) => [column.name, column])), broken,
  };
}

/** The name means a table where the expression stands. */
export function isTable(ctx: Context, name: string): boolean {
  if (!ctx.globals.declarations.tables.has(name) || ctx.locals.has(name)) return false;
  const field = (ctx.ofWindow?.events ?? ctx.scope.event)?.field(name);
  return (field === undefined || field === 'none') && ctx.scope.key?.some((part) => part.name === name) !== true && ctx.scope.stage?.(name) === undefined;
}

/** `merchants[merchant].risk`; 'none': the member is of something else. */
export function lookup(ctx: Context, object: AstExpr, column: Name, span: Span): Value | undefined | 'none' {
  if (object.kind === 'paren') return lookup(ctx, object.inner, column, span);
  if (object.kind === 'name') {
    if (!isTable(ctx, object.name)) return 'none';
    return ctx.globals.report.add('table-row', span, `"${object.name}" is a table: say which row.`, { hint: `write ${object.name}[…].${column.text}` });
  }
  if (object.kind !== 'index' || object.object.kind !== 'name' || !isTable(ctx, object.object.name)) return 'none';
  const { report, tables, unread, declarations } = ctx.globals;
  const info = tables.get(object.object.name)!;
  const at = elaborate(ctx, object.index);
  const found = info.columns.get(column.text);
  if (ctx.scope.constant === true) return tableHere(ctx, object.span);
  if (found === undefined) {
    if (info.broken || unread.inside(declarations.tables.get(info.table.name)!.span, definition(column.text))) return undefined;
    return report.add('unknown-field', column.span, `The table "${info.table.name}" has no column "${column.text}".`, { hint: meant(column.text, info.columns.keys()) });
  }
  const key = info.columns.get(info.table.key);
  if (at === undefined || key === undefined) return undefined;
  const fitting = keyOf(ctx, at, key.type, info.table);
  return fitting && value(found.type, span, { kind: 'lookup', table: info.table.name, key: fitting.expr, column: column.text }, 2);
}

function keyOf(ctx: Context, at: Value, type: Type, table: Table): Value | undefined {
  const given = asTime(at, type);
  if (!fits(given.expr.type, type) || given.expr.type.kind === 'null') {
    return ctx.globals.report.add('type-mismatch', at.expr.span, `The table "${table.name}" is looked up by ${table.key}, ${aType(type)}; this is ${aType(given.expr.type)}.`, {
      hint: type.kind === 'string' && given.expr.type.kind !== 'list' && given.expr.type.kind !== 'record' ? 'concat(x) gives its text' : undefined,
    });
  }
  return type.kind !== 'oneOf' || textsIn(ctx, given.expr, type.values) ? given : undefined;
}

/** What is known when a rule is compiled cannot read a table, whose rows change. */
export function tableHere(ctx: Context, span: Span): undefined {
  return ctx.globals.report.add('table-here', span, `The rows of a table may change while rules run, and ${ctx.scope.place} is fixed.`, { hint: 'a table is read in conditions, keys, reports and the time bounds of patterns' });
}

/** A row, or a table, where a value should be. */
export function rowHere(ctx: Context, name: string, span: Span, row: boolean): undefined {
  const info = ctx.globals.tables.get(name);
  const column = info && [...info.columns.keys()].find((other) => other !== info.table.key);
  return ctx.globals.report.add('table-row', span, row ? `A row of "${name}" is not a value: say which column.` : `"${name}" is a table, not a value.`, { hint: `write ${name}[…].${column ?? 'column'}` });
}

/** The columns that stand for the parts of a key: `by sensor from sensors`. */
export function rosterOf(
  globals: Context['globals'], from: Name, parts: readonly { readonly name: string; readonly span: Span; readonly type: Type | undefined }[],
): { readonly table: string; readonly columns: readonly string[] } | undefined {
  const { report, tables, unread } = globals;
  const info = tables.get(from.text);
  if (info === undefined) {
    if (unread.declares('table', from.text)) return undefined;
    return report.add('unknown-table', from.span, `Unknown table "${from.text}".`, { hint: meant(from.text, tables.keys()) ?? `declare it: table ${from.text} { ${parts[0]?.name ?? 'id'}: string key }` });
  }
  let fine = true;
  for (const part of parts) {
    const column = info.columns.get(part.name);
    if (column === undefined) {
      fine = false;
      // A part that is wrong by itself has been reported.
      if (!info.broken && part.type !== undefined) report.add('unknown-field', part.span, `The table "${from.text}" has no column "${part.name}", so its rows are no keys of this rule.`, { hint: meant(part.name, info.columns.keys()) ?? `each part of the key is a column: by ${info.table.key} from ${from.text}` });
    } else if (part.type !== undefined && (!fits(column.type, part.type) || column.optional)) {
      fine = false;
      report.add('type-mismatch', part.span, column.optional ? `"${part.name}" may be null in the table "${from.text}", and a key may not.`
        : `"${part.name}" is ${aType(column.type)} in the table "${from.text}" and ${aType(part.type)} in the events, so no row is a key of an event.`);
    }
  }
  return fine ? { table: from.text, columns: parts.map((part) => part.name) } : undefined;
}

