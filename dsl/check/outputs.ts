import type { Clause, OutField, ReportWhen } from '../ast.ts';
import type { Field, Output } from '../typed.ts';
import { contextOf } from './context.ts';
import { meant } from './declarations.ts';
import { refuseMade } from './each.ts';
import { elaborate } from './expressions.ts';
import type { Globals } from './globals.ts';
import { asTime, textsIn } from './operators.ts';
import type { Scope } from './scope.ts';
import { eventType } from './stages.ts';
import { aType, fits, showFieldType } from './types.ts';
import { possibleTexts, type Value } from './value.ts';

type Of<Kind extends Clause['kind']> = Extract<Clause, { kind: Kind }>;

export function checkAlert(globals: Globals, clause: Of<'alert'>, scope: Scope): Output {
  const fields = clause.fields.filter((field) => isNew(globals, clause.fields, field)).flatMap((field) => {
    const made = fieldValue(globals, field, scope);
    return made === undefined ? [] : [{ name: field.name.text, value: made.expr }];
  });
  return { kind: 'alert', ...reportedWhen(clause.when), target: clause.channel.text, fields, span: clause.span };
}

function reportedWhen(when: ReportWhen): Pick<Output, 'onTimeout' | 'onClear'> {
  return { onTimeout: when === 'timeout', ...(when === 'clear' && { onClear: true }) };
}

/** The value of `name: expr`; of `name` alone, of that name. */
function fieldValue(globals: Globals, field: OutField, scope: Scope): Value | undefined {
  return elaborate(contextOf(globals, scope), field.value ?? { kind: 'name', name: field.name.text, span: field.name.span });
}

export function isNew(globals: Globals, fields: readonly OutField[], field: OutField): boolean {
  const first = fields.find((other) => other.name.text === field.name.text)!;
  if (first === field) return true;
  globals.report.add('field-twice', field.name.span, `The field "${field.name.text}" is given twice.`, { related: [{ span: first.name.span, message: 'first given here' }] });
  return false;
}

export function checkEmit(globals: Globals, clause: Of<'emit'>, scope: Scope): Output {
  const { report } = globals;
  const type = eventType(globals, clause.type);
  refuseMade(globals, type, clause.type.span, 'emitted');
  const fields: { readonly name: string; readonly value: Output['fields'][number]['value'] }[] = [];
  for (const field of clause.fields.filter((one) => isNew(globals, clause.fields, one))) {
    const name = field.name.text;
    const declared = type?.fields.get(name);
    if (type !== undefined && declared === undefined && !type.broken) {
      report.add('unknown-field', field.name.span, `Event "${type.name}" has no field "${name}".`, { hint: meant(name, type.fields.keys()) });
    }
    const made = fieldValue(globals, field, scope);
    if (made === undefined || declared === undefined) continue;
    if (name === type?.time) {
      report.add('time-field-filled', field.name.span, `"${name}" is the event time of "${type.name}": it is filled in with the time of the report, and what stands here has no effect.`, { hint: 'leave it out' });
      continue;
    }
    const fitting = fittingValue(globals, made, declared, `${type!.name}.${name}`);
    if (fitting !== undefined) fields.push({ name, value: fitting.expr });
  }
  if (type !== undefined && !type.broken && !globals.unread.inside(clause.span, /./)) {
    const missing = [...type.fields.values()].filter((field) => !field.optional && field.name !== type.time && !clause.fields.some((given) => given.name.text === field.name));
    if (missing.length > 0) {
      report.add('missing-field', clause.type.span, `Event "${type.name}" needs ${missing.map((field) => `"${field.name}"`).join(', ')}, too.`, {
        hint: `give ${missing.length === 1 ? 'it' : 'each'} a value, or declare ${missing.length === 1 ? `${missing[0]!.name}: ${showFieldType({ ...missing[0]!, optional: true })}` : 'them optional with ?'}`,
      });
    }
  }
  return { kind: 'emit', ...reportedWhen(clause.when), target: clause.type.text, fields, span: clause.span };
}

/** The value where it can be a value of the field. */
function fittingValue(globals: Globals, given: Value, field: Field, what: string): Value | undefined {
  const { report } = globals;
  const made = asTime(given, field.type);
  if (!fits(made.expr.type, field.type)) {
    return report.add('type-mismatch', given.expr.span, `"${what}" is ${aType(field.type)}; this is ${aType(made.expr.type)}.`, {
      hint: field.type.kind === 'int' && made.expr.type.kind === 'float' ? 'round(x), floor(x) and ceil(x) give an int' : undefined,
    });
  }
  if (made.nulls === 2 && !field.optional) {
    return report.add('may-be-null', given.expr.span, `"${what}" must always be there, and this may be null.`, { hint: `say what stands for it: … ?? value; or declare the field ${showFieldType({ ...field, optional: true })}` });
  }
  if (field.type.kind !== 'oneOf') return made;
  if (possibleTexts(made.expr) === undefined) {
    return report.add('type-mismatch', given.expr.span, `"${what}" is ${aType(field.type)}; this may be any text.`);
  }
  return textsIn(contextOf(globals, { place: what }), made.expr, field.type.values) ? made : undefined;
}
