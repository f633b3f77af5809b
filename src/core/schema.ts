import type { FieldType } from '../../dsl/typed.ts';

/**
 * What the decoder must do for each event type: check every declared field, keep the value of those that some rule reads.
 * A slot is a column shared by all types: fields of one name and kind share one, whatever type they stand in.
 */
export interface Schema {
  readonly types: readonly SchemaType[];
  /** Number of slots. */
  readonly slots: number;
}

export interface SchemaType {
  readonly name: string;
  readonly fields: readonly SchemaField[];
  /** Index in `fields` of the event-time field, or -1: ingestion time. */
  readonly time: number;
}

export interface SchemaField extends FieldType {
  readonly name: string;
  /** The name in the data. */
  readonly source: string;
  /** Column the value goes to, or -1: only checked. */
  readonly slot: number;
}
