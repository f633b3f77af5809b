import type { Field, FieldType, Type } from '../typed.ts';

export const STRING: Type = { kind: 'string' };
export const INT: Type = { kind: 'int' };
export const FLOAT: Type = { kind: 'float' };
export const BOOL: Type = { kind: 'bool' };
export const DURATION: Type = { kind: 'duration' };
export const TIME: Type = { kind: 'time', unit: 'ms' };
export const NULL_TYPE: Type = { kind: 'null' };

export function listOf(type: Type, optional = false): Type {
  return { kind: 'list', element: { type, optional } };
}

export function isNumber(type: Type): boolean {
  return type.kind === 'int' || type.kind === 'float';
}

export function isText(type: Type): boolean {
  return type.kind === 'string' || type.kind === 'oneOf';
}

/** Values of the type have an order: `<` may compare them. */
export function isOrdered(type: Type): boolean {
  return isNumber(type) || isText(type) || type.kind === 'time' || type.kind === 'duration';
}

/** The type as an author writes it. */
export function showType(type: Type): string {
  switch (type.kind) {
    case 'oneOf': return type.values.map((value) => JSON.stringify(value)).join(' | ');
    case 'list': return `[${showFieldType(type.element)}]`;
    case 'record': return `{ ${type.fields.map((field) => `${field.name}: ${showFieldType(field)}`).join(', ')} }`;
    default: return type.kind;
  }
}

export function showFieldType({ type, optional }: FieldType): string {
  return optional ? `${type.kind === 'oneOf' ? `(${showType(type)})` : showType(type)}?` : showType(type);
}

/** The type with its article: `an int`, `a list`. */
export function aType(type: Type): string {
  const text = showType(type);
  return type.kind === 'null' ? 'null' : type.kind === 'oneOf' ? `one of ${text}` : `${/^[aeiou]/.test(text) ? 'an' : 'a'} ${text}`;
}

/** The narrowest type that holds the values of both; undefined where there is none. Null goes with every type. */
export function commonType(a: Type, b: Type): Type | undefined {
  if (a.kind === 'null') return b;
  if (b.kind === 'null') return a;
  if (isNumber(a) && isNumber(b)) return a.kind === 'int' && b.kind === 'int' ? INT : FLOAT;
  if (a.kind === 'oneOf' && b.kind === 'oneOf') return { kind: 'oneOf', values: [...new Set([...a.values, ...b.values])] };
  if (isText(a) && isText(b)) return STRING;
  if (a.kind === 'time' && b.kind === 'time') return a.unit === b.unit ? a : TIME;
  if (a.kind === 'list' && b.kind === 'list') {
    const element = commonType(a.element.type, b.element.type);
    return element && listOf(element, a.element.optional || b.element.optional);
  }
  if (a.kind === 'record' && b.kind === 'record') return commonRecord(a.fields, b.fields);
  return a.kind === b.kind ? a : undefined;
}

function commonRecord(a: readonly Field[], b: readonly Field[]): Type | undefined {
  if (a.length !== b.length) return undefined;
  const fields: Field[] = [];
  for (const [i, field] of a.entries()) {
    const other = b[i]!;
    const type = other.name === field.name ? commonType(field.type, other.type) : undefined;
    if (type === undefined) return undefined;
    fields.push({ ...field, type, optional: field.optional || other.optional });
  }
  return { kind: 'record', fields };
}

/** Whether a value of type `from` may stand where `to` is asked for, nulls and the texts of closed sets apart. */
export function fits(from: Type, to: Type): boolean {
  if (from.kind === 'null') return true;
  if (to.kind === 'float') return isNumber(from);
  if (isText(to)) return isText(from);
  if (to.kind === 'list') return from.kind === 'list' && fits(from.element.type, to.element.type);
  if (to.kind === 'record') {
    return from.kind === 'record' && to.fields.every((field) => {
      const given = from.fields.find((other) => other.name === field.name);
      return given === undefined ? field.optional : fits(given.type, field.type);
    });
  }
  return from.kind === to.kind;
}
