/**
 * What an option of the job file is. One table of these (options/) gives the reader, the JSON Schema for editors, docs/configuration.md, the
 * output of `alcedo config`, and the TypeScript type of a job.
 */

/** What YAML can hold. */
export type Data = string | number | boolean | null | readonly Data[] | { readonly [key: string]: Data };

/** A default made of a top-level option that stands above it in the table, both as they are written. `text`: what it is, in words. */
export interface Derived { readonly text: string; readonly from: string; readonly value: (source: string) => Data }

/** What is said of an option beside its kind. */
export interface Meta {
  /** What it is for, in whole sentences; the first is shown by editors and in tables. */
  readonly text: string;
  /** One of the four, or none: the option may be left out, and is undefined then. */
  readonly required?: true;
  readonly default?: Data;
  readonly derived?: Derived;
  /** Left out, it is the value of this top-level option, which must stand above it in the table; one of the two must be given. */
  readonly inherited?: string;
  /** Never shown, whether it comes from the environment or stands in the file. A URL shows its scheme and host. */
  readonly secret?: true;
  readonly examples?: readonly Data[];
}

export type Spec =
  | TextSpec
  | { readonly kind: 'url'; readonly protocols: readonly string[] }
  | { readonly kind: 'number'; readonly whole: boolean; readonly min: number; readonly max: number }
  | { readonly kind: 'flag' }
  /** Written as `5s`, the value is ms; or one of the words. */
  | { readonly kind: 'duration'; readonly min: number; readonly max: number; readonly words: readonly string[] }
  /** Written as `64MiB`; the value is bytes. */
  | { readonly kind: 'size'; readonly min: number; readonly max: number }
  /** `values`: as written (a number where it reads as one); `meaning`: what each stands for. */
  | { readonly kind: 'choice'; readonly values: readonly string[]; readonly meaning: readonly unknown[] }
  /** One of the words, or a time as ISO-8601 text; the value is the word, or ms since the epoch. */
  | { readonly kind: 'time'; readonly words: readonly string[] }
  /** Any YAML value. */
  | { readonly kind: 'data' }
  | ListSpec
  | MapSpec
  | SectionSpec
  | VariantsSpec;

export interface TextSpec {
  readonly kind: 'text';
  /** The whole text matches it; `expects` says it in words: "a name of letters and digits". */
  readonly pattern?: RegExp;
  readonly expects?: string;
  /** The value, where it is more than the text. @throws Error whose message completes "…: " */
  readonly convert?: (text: string) => unknown;
  /** A path: relative ones are meant from the job file's folder, and the value is joined with it. */
  readonly path?: boolean;
  /** Something must be there. */
  readonly exists?: boolean;
}

/** A list; one element may stand for a list of one. */
export interface ListSpec { readonly kind: 'list'; readonly of: Option; readonly atLeast: number }

export interface MapSpec {
  readonly kind: 'map';
  readonly of: Option;
  /** What the names are, in words, and as a pattern. */
  readonly keys: { readonly text: string; readonly placeholder: string; readonly pattern: RegExp };
  readonly atLeast: number;
}

/** Reports what is wrong with a field's value; `problem` completes `"path": …`. */
export type Fail<F extends string> = (field: F, problem: string, code: string) => void;

export interface SectionSpec {
  readonly kind: 'section';
  readonly fields: Fields;
  /** A value that is no map is meant for this field. */
  readonly short?: string | undefined;
  /** Of each of these groups exactly one field is given. */
  readonly oneOf: readonly (readonly string[])[];
  /** Fields that are given together or not at all. */
  readonly together: readonly (readonly string[])[];
  /** The section's value, where it is more than that of its fields. */
  readonly convert?: ((values: never, fail: Fail<string>) => unknown) | undefined;
}

/** Exactly one of the variants' names, with its options below it, beside options that all of them have. */
export interface VariantsSpec {
  readonly kind: 'variants';
  /** What they are variants of: "source". */
  readonly of: string;
  readonly variants: { readonly [name: string]: Option };
  readonly common: Fields;
  /** The variant where none is named; undefined: one must be. */
  readonly fallback?: string | undefined;
  /** Where a common option has another default for a variant. */
  readonly defaults: { readonly [variant: string]: { readonly [option: string]: Data } };
}

export type Presence =
  | { readonly kind: 'required' }
  | { readonly kind: 'optional' }
  | { readonly kind: 'default'; readonly value: Data }
  | { readonly kind: 'derived'; readonly derived: Derived }
  | { readonly kind: 'inherited'; readonly from: string };

declare const VALUE: unique symbol;

/** An option with values of type T. */
export interface Option<out T = unknown> {
  readonly spec: Spec;
  readonly text: string;
  readonly presence: Presence;
  readonly secret: boolean;
  readonly examples: readonly Data[];
  /** Never there: it carries the type. */
  readonly [VALUE]?: T;
}

export interface Fields { readonly [name: string]: Option }

export type ValueOf<O> = O extends Option<infer T> ? T : never;
export type Values<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

type Filled<T, M> = M extends { readonly required: true } | { readonly default: unknown } | { readonly derived: unknown } | { readonly inherited: unknown } ? T : T | undefined;

function option<T>(spec: Spec, meta: Meta): Option<T> {
  const presence: Presence = meta.required === true ? { kind: 'required' }
    : meta.default !== undefined ? { kind: 'default', value: meta.default }
      : meta.derived !== undefined ? { kind: 'derived', derived: meta.derived }
        : meta.inherited !== undefined ? { kind: 'inherited', from: meta.inherited } : { kind: 'optional' };
  return { spec, text: meta.text, presence, secret: meta.secret === true, examples: meta.examples ?? [] };
}

export function text<const M extends Meta & { readonly pattern?: RegExp; readonly expects?: string }>(meta: M): Option<Filled<string, M>> {
  return option({ kind: 'text', ...(meta.pattern !== undefined && { pattern: meta.pattern }), ...(meta.expects !== undefined && { expects: meta.expects }) }, meta);
}

/** Text that stands for a value of another type. */
export function parsed<T, const M extends Meta = Meta>(meta: M, how: { readonly pattern: RegExp; readonly expects: string; readonly convert: (text: string) => T }): Option<Filled<T, M>> {
  return option({ kind: 'text', ...how }, meta);
}

export function path<const M extends Meta>(meta: M): Option<Filled<string, M>> {
  return option({ kind: 'text', path: true }, meta);
}

/** A path at which a file or folder must be. */
export function existingPath<const M extends Meta>(meta: M): Option<Filled<string, M>> {
  return option({ kind: 'text', path: true, exists: true }, meta);
}

export function url<const M extends Meta & { readonly protocols: readonly string[] }>(meta: M): Option<Filled<string, M>> {
  return option({ kind: 'url', protocols: meta.protocols }, meta);
}

/** Ten thousand days, in ms: longer is a mistake of units. */
export const LONGEST = 10_000 * 86_400_000;

interface Range { readonly min?: number; readonly max?: number }

export function whole<const M extends Meta & Range>(meta: M): Option<Filled<number, M>> {
  return option({ kind: 'number', whole: true, min: meta.min ?? 0, max: meta.max ?? Number.MAX_SAFE_INTEGER }, meta);
}

export function flag<const M extends Meta>(meta: M): Option<Filled<boolean, M>> {
  return option({ kind: 'flag' }, meta);
}

/** `min` and `max` in ms. */
export function duration<const M extends Meta & Range>(meta: M): Option<Filled<number, M>> {
  return option({ kind: 'duration', min: meta.min ?? 0, max: meta.max ?? LONGEST, words: [] }, meta);
}

/** A duration, or a word such as `never`. */
export function durationOr<const V extends readonly string[], const M extends Meta & Range>(words: V, meta: M): Option<Filled<number | V[number], M>> {
  return option({ kind: 'duration', min: meta.min ?? 0, max: meta.max ?? LONGEST, words }, meta);
}

/** `min` and `max` in bytes. */
export function size<const M extends Meta & Range>(meta: M): Option<Filled<number, M>> {
  return option({ kind: 'size', min: meta.min ?? 0, max: meta.max ?? Number.MAX_SAFE_INTEGER }, meta);
}

export function choice<const V extends readonly string[], const M extends Meta>(values: V, meta: M): Option<Filled<V[number], M>> {
  return option({ kind: 'choice', values, meaning: values }, meta);
}

/** What is written, and what it stands for. */
export function choiceOf<const V extends { readonly [written: string]: unknown }, const M extends Meta>(values: V, meta: M): Option<Filled<V[keyof V], M>> {
  return option({ kind: 'choice', values: Object.keys(values), meaning: Object.values(values) }, meta);
}

export function time<const V extends readonly string[], const M extends Meta>(words: V, meta: M): Option<Filled<V[number] | number, M>> {
  return option({ kind: 'time', words }, meta);
}

export function data<const M extends Meta>(meta: M): Option<Filled<Data, M>> {
  return option({ kind: 'data' }, meta);
}

export function list<T, const M extends Meta & { readonly atLeast?: number }>(of: Option<T>, meta: M): Option<Filled<readonly NonNullable<T>[], M>> {
  return option({ kind: 'list', of, atLeast: meta.atLeast ?? 0 }, meta);
}

export function map<T, const M extends Meta & { readonly keys: MapSpec['keys']; readonly atLeast?: number }>(of: Option<T>, meta: M):
  Option<Filled<ReadonlyMap<string, NonNullable<T>>, M>> {
  return option({ kind: 'map', of, keys: meta.keys, atLeast: meta.atLeast ?? 0 }, meta);
}

interface SectionParts { readonly short?: string; readonly oneOf?: readonly (readonly string[])[]; readonly together?: readonly (readonly string[])[] }

export function section<const F extends Fields, const M extends Meta & SectionParts>(fields: F, meta: M): Option<Filled<Values<F>, M>> {
  return option({ kind: 'section', fields, short: meta.short, oneOf: meta.oneOf ?? [], together: meta.together ?? [] }, meta);
}

/** A section that stands for a value of another type; undefined: as though it were not there. */
export function converted<T, const F extends Fields, const M extends Meta & SectionParts = Meta>(
  fields: F, meta: M, convert: (values: Values<F>, fail: Fail<keyof F & string>) => T): Option<T | undefined> {
  return option({ kind: 'section', fields, short: meta.short, oneOf: meta.oneOf ?? [], together: meta.together ?? [], convert: convert as SectionSpec['convert'] }, meta);
}

type Variant<V, C extends Fields> = { [K in keyof V]: { readonly kind: K; readonly options: NonNullable<ValueOf<V[K]>> } & Values<C> }[keyof V];

export function variants<const V extends { readonly [name: string]: Option }, const C extends Fields, const M extends Meta & { readonly of: string; readonly fallback?: string; readonly defaults?: VariantsSpec['defaults'] }>(
  of: V, common: C, meta: M): Option<Filled<Variant<V, C>, M>> {
  return option({ kind: 'variants', of: meta.of, variants: of, common, fallback: meta.fallback, defaults: meta.defaults ?? {} }, meta);
}

/** The same option in another place, where it is the top-level one unless it is given. */
export function own<T>(of: Option<T>, from: string, text: string): Option<NonNullable<T>> {
  return { spec: of.spec, secret: of.secret, examples: of.examples, text, presence: { kind: 'inherited', from } };
}
