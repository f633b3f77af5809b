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
  /**
   * Lists in the value whose elements become events of their own (`each`): names in the data that lead from the value to each, none where the value is the
   * list. Their elements are checked one by one: a list in which some are wrong is one of the others.
   */
  readonly lists?: readonly (readonly string[])[] | undefined;
}

/** `event Reading = each r in Batch.readings { … }`: what becomes of the elements of a list. Plain data. */
export interface EachPlan {
  /** Index of the type that is made. */
  readonly type: number;
  /** Indices of the types that are made from. */
  readonly sources: readonly number[];
  /** The field of those that holds the list, and names in the data that lead to it from there. */
  readonly field: string;
  readonly path: readonly string[];
  /** What an element is decoded as: its fields with the slots they go to. */
  readonly element: SchemaType;
  /** Elements are no objects, or are read whole: `element` has one field of that name, which is the element. */
  readonly isWhole: boolean;
  /** Fields that are just one of the element, with its name in the data. */
  readonly taken: readonly (readonly [name: string, source: string])[];
  /** Fields of the event it is made from that are taken as they are. */
  readonly copied: readonly { readonly from: number; readonly to: number }[];
  /** JavaScript of values that are computed, over the columns `D` at row `r` for the element, `S` at row `p` for the event it is of (whose time is `t`), constants `C`, the run-time library `R` and tables `T`. */
  readonly computed: readonly { readonly to: number; readonly source: string }[];
  /** Texts and lists, `C[i]`. */
  readonly constants: readonly string[];
  /** Slot of the event time; -1: that of the event it is made from. */
  readonly time: number;
  /** Fields that must not be null, beside those that decoding checks. */
  readonly required: readonly { readonly name: string; readonly slot: number }[];
  /** All fields, where an event's JSON text is wanted: by alerts that carry it, or as its identity. */
  readonly text: readonly (FieldType & { readonly name: string; readonly slot: number })[] | undefined;
}
