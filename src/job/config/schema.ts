/** The JSON Schema of a job file (draft-07, which editors read best), from the table of options. */
import type { Fields, MapSpec, Option, SectionSpec, Spec, TextSpec, VariantsSpec } from './spec.ts';
import { commonOf } from './read.ts';
import { DURATION_PATTERN, SIZE_PATTERN, TIME_PATTERN } from './units.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** Stands for a value that comes from the environment, where the value itself is no text. */
const VARIABLE: JsonSchema = { $ref: '#/definitions/variable' };

export function jsonSchema(job: Option): JsonSchema {
  const writer = new Writer(job);
  const root = writer.schema(job);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Alcedo job file',
    ...root,
    definitions: {
      variable: { type: 'string', pattern: '\\$\\{', description: '`${NAME}` or `${NAME:default}`: the value of an environment variable.' },
      ...writer.definitions,
    },
  };
}

class Writer {
  readonly definitions: Record<string, JsonSchema> = {};
  /** Sections that stand in several places, with their names. */
  readonly #shared = new Map<Spec, string>();

  constructor(job: Option) {
    for (const [spec, name] of sharedSections(job)) this.#shared.set(spec, name.replaceAll('.', '-'));
  }

  schema(option: Option): JsonSchema {
    return { ...this.#described(option), ...this.#of(option.spec) };
  }

  #described(option: Option): JsonSchema {
    const { presence } = option;
    return {
      description: option.text,
      ...(presence.kind === 'default' && { default: presence.value }),
      ...(option.examples.length > 0 && { examples: option.examples }),
    };
  }

  #of(spec: Spec): JsonSchema {
    const name = this.#shared.get(spec);
    if (name === undefined) return this.#inline(spec);
    if (this.definitions[name] === undefined) {
      this.definitions[name] = {};
      this.definitions[name] = this.#inline(spec);
    }
    // Beside a $ref other keywords would be ignored.
    return { allOf: [{ $ref: `#/definitions/${name}` }] };
  }

  #inline(spec: Spec): JsonSchema {
    switch (spec.kind) {
      case 'text': return text(spec);
      case 'url': return { anyOf: [{ type: 'string', pattern: `^(${spec.protocols.join('|')})://[^\\s/]` }, VARIABLE] };
      case 'number': return {
        anyOf: [{
          type: spec.whole ? 'integer' : 'number', minimum: spec.min, ...(spec.max < Number.MAX_SAFE_INTEGER && { maximum: spec.max }),
        }, VARIABLE],
      };
      case 'flag': return { anyOf: [{ type: 'boolean' }, VARIABLE] };
      case 'duration': return unit([...spec.words.map((word) => ({ const: word })), { type: 'string', pattern: DURATION_PATTERN }], spec);
      case 'size': return unit([{ type: 'string', pattern: SIZE_PATTERN }], spec);
      case 'choice': return { anyOf: [{ enum: spec.values.flatMap((value) => (/^\d+$/.test(value) ? [Number(value), value] : [value])) }, VARIABLE] };
      case 'time': return { anyOf: [{ enum: spec.words }, { type: 'string', pattern: TIME_PATTERN }, VARIABLE] };
      case 'data': return {};
      case 'list': {
        const item = this.schema(spec.of);
        return { anyOf: [{ type: 'array', items: item, ...(spec.atLeast > 0 && { minItems: spec.atLeast }) }, item] };
      }
      case 'map': return this.#map(spec);
      case 'section': return this.#section(spec);
      case 'variants': return this.#variants(spec);
    }
  }

  #map(spec: MapSpec): JsonSchema {
    return {
      type: 'object', propertyNames: { pattern: spec.keys.pattern.source }, additionalProperties: this.schema(spec.of),
      ...(spec.atLeast > 0 && { minProperties: spec.atLeast }),
    };
  }

  #properties(fields: Fields): JsonSchema {
    return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, this.schema(field)]));
  }

  #section(spec: SectionSpec): JsonSchema {
    const required = Object.entries(spec.fields).filter(([, field]) => field.presence.kind === 'required').map(([name]) => name);
    const groups = spec.oneOf.map((group) => ({ oneOf: group.map((name) => ({ required: [name] })) }));
    const [only] = groups;
    const section: JsonSchema = {
      ...orNull(required.length === 0 && groups.length === 0), properties: this.#properties(spec.fields), additionalProperties: false,
      ...(required.length > 0 && { required }),
      ...(groups.length === 1 ? only : groups.length > 1 && { allOf: groups }),
      ...(spec.together.length > 0 && {
        dependencies: Object.fromEntries(spec.together.flatMap((group) => group.map((name) => [name, group.filter((other) => other !== name)]))),
      }),
    };
    if (spec.short === undefined) return section;
    const short = this.schema(spec.fields[spec.short]!);
    return { anyOf: [short, section] };
  }

  #variants(spec: VariantsSpec): JsonSchema {
    const names = Object.keys(spec.variants);
    return {
      ...orNull(spec.fallback !== undefined), additionalProperties: false,
      properties: { ...this.#properties(Object.fromEntries(names.map((name) => [name, spec.variants[name]!]))), ...this.#properties(commonOf(spec, undefined)) },
      oneOf: [...names.map((name) => ({ required: [name] })), ...(spec.fallback === undefined ? [] : [{ not: { anyOf: names.map((name) => ({ required: [name] })) } }])],
    };
  }
}

function text(spec: TextSpec): JsonSchema {
  if (spec.pattern === undefined) return { type: 'string', minLength: 1 };
  return { anyOf: [{ type: 'string', pattern: spec.pattern.source, minLength: 1 }, VARIABLE] };
}

/** Text with a unit; zero needs none. */
function unit(kinds: readonly JsonSchema[], spec: Spec & { readonly min: number }): JsonSchema {
  return { anyOf: [...kinds, ...(spec.min === 0 ? [{ const: 0 }] : []), VARIABLE] };
}

/** An empty section may be left without a value: `memory:`. */
function orNull(mayBeEmpty: boolean): JsonSchema {
  return { type: mayBeEmpty ? ['object', 'null'] : 'object' };
}


/** Sections that stand in several places of the table, by the path they are first found at. */
export function sharedSections(job: Option): ReadonlyMap<Spec, string> {
  const counts = new Map<Spec, { count: number; readonly path: string }>();
  const visit = ({ spec }: Option, path: string): void => {
    const under = (name: string): string => (path === '' ? name : `${path}.${name}`);
    if (spec.kind === 'section' || spec.kind === 'variants') {
      const known = counts.get(spec);
      if (known !== undefined) {
        known.count++;
        return;
      }
      counts.set(spec, { count: 1, path });
    }
    switch (spec.kind) {
      case 'section': for (const [name, field] of Object.entries(spec.fields)) visit(field, under(name)); break;
      case 'variants': for (const [name, field] of Object.entries({ ...spec.variants, ...spec.common })) visit(field, under(name)); break;
      case 'list': visit(spec.of, path); break;
      case 'map': visit(spec.of, under(spec.keys.placeholder.toUpperCase())); break;
      default: break;
    }
  };
  visit(job, '');
  return new Map([...counts].filter(([, { count }]) => count > 1).map(([spec, { path }]) => [spec, path]));
}
