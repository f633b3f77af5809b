import type { EventType, Program } from '../../dsl/typed.ts';
import type { FieldMapping } from './arguments.ts';
import { usageError } from './errors.ts';
import { likely } from './rule-files.ts';

/**
 * The program reading renamed fields: a mapping replaces a field's name in the data, for the type named and its subtypes.
 * @throws CliError (usage) for a type or field that is not declared
 */
export function mapFields(program: Program, mappings: readonly FieldMapping[]): Program {
  if (mappings.length === 0) return program;
  const events = new Map(program.events);
  for (const { type: typeName, field: fieldName, source } of mappings) {
    const type = program.events.get(typeName);
    if (type === undefined) throw usageError(`--map: there is no event type "${typeName}".${likely(typeName, program.events.keys())}`);
    const names = type.fields.map((field) => field.name);
    if (!names.includes(fieldName)) throw usageError(`--map: event "${typeName}" has no field "${fieldName}".${likely(fieldName, names)}`);
    for (const name of type.accepts) {
      const mapped = events.get(name);
      if (mapped !== undefined) events.set(name, renamed(mapped, fieldName, source));
    }
  }
  return { ...program, events };
}

function renamed(type: EventType, fieldName: string, source: string): EventType {
  return { ...type, fields: type.fields.map((field) => (field.name === fieldName ? { ...field, source } : field)) };
}
