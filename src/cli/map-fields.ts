import type { Program } from '../../dsl/typed.ts';
import type { FieldMap } from '../connect/files/index.ts';
import type { FieldMapping } from './arguments.ts';
import { usageError } from './errors.ts';
import { likely } from './rule-files.ts';

/**
 * The mappings of the command line for the readers of events: a field that is mapped is read from another name, in the type named and its
 * subtypes. @throws CliError (usage) for a type or field that is not declared, or one that is mapped to two names
 */
export function fieldMapOf(program: Program, mappings: readonly FieldMapping[]): FieldMap {
  const map = new Map<string, Map<string, string>>();
  for (const { type: typeName, field: fieldName, source } of mappings) {
    const type = program.events.get(typeName);
    if (type === undefined) throw usageError(`--map: there is no event type "${typeName}".${likely(typeName, program.events.keys())}`);
    const names = type.fields.map((field) => field.name);
    if (!names.includes(fieldName)) throw usageError(`--map: event "${typeName}" has no field "${fieldName}".${likely(fieldName, names)}`);
    for (const name of type.accepts) {
      const fields = map.get(name) ?? new Map<string, string>();
      const known = fields.get(fieldName);
      if (name === typeName && known !== undefined && known !== source) {
        throw usageError(`--map: ${typeName}.${fieldName} is mapped twice, to "${known}" and to "${source}".`);
      }
      map.set(name, fields.set(fieldName, source));
    }
  }
  return map;
}
