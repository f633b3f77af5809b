import type { Schema } from '../../core/schema.ts';
import type { FieldMap } from './reader.ts';

/** `Payment.card=customer_id`, as the command line has it, many times. Throws for text of another form. */
export function parseFieldMap(entries: readonly string[]): FieldMap {
  const map = new Map<string, Map<string, string>>();
  for (const entry of entries) {
    const parts = /^([^.=]+)\.([^.=]+)=(.+)$/s.exec(entry);
    if (parts === null) throw new Error(`"${entry}" is no renaming of a field: write Type.field=name, like Payment.card=customer_id`);
    const [, type, field, name] = parts as unknown as [string, string, string, string];
    const fields = map.get(type) ?? new Map<string, string>();
    if (fields.has(field)) throw new Error(`${type}.${field} is renamed twice, to "${fields.get(field)}" and to "${name}"`);
    map.set(type, fields.set(field, name));
  }
  return map;
}

/** The schema with the names in the data that the map gives. Throws for a type or field that the schema has not. */
export function mapSchema(schema: Schema, map: FieldMap): Schema {
  for (const [typeName, fields] of map) {
    const type = schema.types.find(({ name }) => name === typeName);
    if (type === undefined) throw new Error(`there is no event type "${typeName}" to rename a field of; there are ${schema.types.map(({ name }) => name).join(', ')}`);
    for (const name of fields.keys()) {
      if (type.fields.some((field) => field.name === name)) continue;
      throw new Error(`${typeName} has no field "${name}" to rename; it has ${type.fields.map((field) => field.name).join(', ')}`);
    }
  }
  return {
    slots: schema.slots,
    types: schema.types.map((type) => ({
      ...type,
      fields: type.fields.map((field) => ({ ...field, source: map.get(type.name)?.get(field.name) ?? field.source })),
    })),
  };
}
