import { openBytes } from './byte-source.ts';
import { csvSchema } from './csv-json.ts';
import { CsvReader } from './csv-reader.ts';
import { Envelopes } from './enveloped.ts';
import { mapSchema } from './field-map.ts';
import { JsonLinesReader } from './json-reader.ts';
import type { EventReader, EventSpec, FieldMap, ReadContext } from './reader.ts';

export { mapSchema, parseFieldMap } from './field-map.ts';
export { mergeByTime } from './merge.ts';
export type { EventReader, EventSpec, FieldMap, ReadContext, RejectedEvent } from './reader.ts';

const NO_MAP: FieldMap = new Map();

/**
 * Opens an input of events: JSON Lines (also those of a job's late events and rejects, see enveloped.ts) or CSV, compressed by gzip or zstd or not, "-" for standard input. Rejects for a path that cannot be opened, an
 * event type that the schema has not, and a map of fields that it has not.
 *
 * Where `type` does not bind the input to a type, each event names its own in the type field; if the schema has one type only, it need not.
 */
export async function openEvents(spec: EventSpec, context: ReadContext): Promise<EventReader> {
  const { path, source = 0, typeField = 'type', map = NO_MAP } = spec;
  const { schema } = context;
  const name = path === '-' ? 'standard input' : path;
  if (spec.type !== undefined && !schema.types.some((type) => type.name === spec.type)) {
    throw new Error(`there is no event type "${spec.type}" for ${name}; there are ${schema.types.map((type) => type.name).join(', ')}`);
  }
  // Throws for what is wrong with the map, for CSV too, which handles it its own way.
  const mapped = mapSchema(schema, map);
  const type = spec.type ?? (schema.types.length === 1 ? schema.types[0]!.name : undefined);
  const decoding = { typeField, ...(type !== undefined && { defaultType: type, checkType: spec.type === undefined }) };
  const bytes = await openBytes(path);
  const input = { name, index: source, context, decoding };
  if ((spec.format ?? formatOf(path)) === 'csv') return new CsvReader({ ...input, source: bytes, schema: csvSchema(schema, map) }, { type, typeField, map });
  return new JsonLinesReader({ ...input, source: new Envelopes(bytes), schema: mapped });
}

function formatOf(path: string): 'json' | 'csv' {
  return /\.(csv|tsv)(\.(gz|zst))?$/i.test(path) ? 'csv' : 'json';
}
