import type { FieldDecl, TypeExpr } from '../ast.ts';
import type { Field, FieldType, Type } from '../typed.ts';
import type { Report } from './report.ts';

/** The type that is written. What is wrong inside it is reported. */
export function resolveType(type: TypeExpr, report: Report): FieldType {
  return { type: bareType(type, report), optional: type.optional };
}

function bareType(type: TypeExpr, report: Report): Type {
  switch (type.kind) {
    case 'named': return { kind: type.name };
    case 'time': return { kind: 'time', unit: type.unit };
    case 'oneOf': {
      const twice = type.values.find((value, i) => type.values.indexOf(value) !== i);
      if (twice !== undefined) report.add('value-twice', type.span, `The text ${JSON.stringify(twice)} stands twice in this type.`);
      return { kind: 'oneOf', values: [...new Set(type.values)] };
    }
    case 'list': return { kind: 'list', element: resolveType(type.element, report) };
    case 'record': return { kind: 'record', fields: resolveFields(type.fields, report) };
  }
}

/** The fields, each name once. */
export function resolveFields(decls: readonly FieldDecl[], report: Report): Field[] {
  const fields = new Map<string, Field>();
  const first = new Map<string, FieldDecl>();
  for (const decl of decls) {
    const name = decl.name.text;
    const before = first.get(name);
    if (before !== undefined) {
      report.add('field-twice', decl.name.span, `The field "${name}" is declared twice.`, { related: [{ span: before.name.span, message: 'first declared here' }] });
      continue;
    }
    first.set(name, decl);
    fields.set(name, { name, source: decl.alias?.text ?? name, ...resolveType(decl.type, report) });
  }
  return [...fields.values()];
}
