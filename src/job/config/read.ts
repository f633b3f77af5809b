/** Reads values by their options: checks them, fills in defaults and variables, and keeps what `alcedo config` may show of them. */
import { isAbsolute, join } from 'node:path';
import type { Span } from '../../../dsl/ast.ts';
import { didYouMean } from '../../../dsl/index.ts';
import { escapeEnv, fillIn, type Environment } from './env.ts';
import { dataOf, nodeOf, pathOf, type Entry, type Node, type Place, type Problem } from './problem.ts';
import type { Data, Fields, ListSpec, MapSpec, Option, SectionSpec, TextSpec, VariantsSpec } from './spec.ts';
import { readScalar } from './scalars.ts';

export interface ReadContext {
  readonly env: Environment;
  /** Joined before relative paths. */
  readonly folder: string;
  /** Whether there is a file or folder. */
  readonly exists: (path: string) => boolean;
  readonly problems: Problem[];
  /** By the option's path; defaults have none. */
  readonly places: Map<string, Place>;
  /** Where secrets stand in the file. */
  readonly secrets: Span[];
}

/** `value` is what the job uses, `shown` the same as it would be written, with secrets masked; both undefined where the option is left out. */
export interface Read { readonly value: unknown; readonly shown: Data | undefined }

/** What is read of a wrong value; its problem has been reported. */
const NOTHING: Read = { value: undefined, shown: undefined };
export const MASK = '***';

/** Reads a whole job file by the option that describes it. `partial`: the values of those top-level options that are sound. */
export function readJob(job: Option, root: Node, context: ReadContext): Read & { readonly partial: { readonly [option: string]: unknown } } {
  const reader = new Reader(context);
  const read = reader.value(job, root, '', false);
  return { ...read, partial: reader.job };
}

class Reader {
  readonly #context: ReadContext;
  /** The top-level options read so far, and as they are shown, for defaults that come from them. */
  #job: Record<string, unknown> | undefined;
  readonly #jobShown = new Map<string, Data>();
  /** Those of them that are wrong or missing. */
  readonly #failed = new Set<string>();

  constructor(context: ReadContext) {
    this.#context = context;
  }

  get job(): { readonly [option: string]: unknown } {
    return this.#job ?? {};
  }

  value(option: Option, node: Node, path: string, secret: boolean): Read {
    const { spec } = option;
    const isSecret = secret || option.secret;
    // A list or a text in place of a section: nobody knows what its parts are.
    if (node.kind !== 'map' && (spec.kind === 'section' || spec.kind === 'variants') && holdsSecret(option)) this.#context.secrets.push(node.span);
    switch (spec.kind) {
      case 'section': return this.#section(spec, node, path, isSecret);
      case 'variants': return this.#variants(spec, node, path, isSecret);
      case 'list': return this.#list(spec, node, path, isSecret);
      case 'map': return this.#map(spec, node, path, isSecret);
      case 'data': return this.#data(node, path, isSecret);
      default: return this.#scalar(option, node, path, isSecret);
    }
  }

  #scalar(option: Option, node: Node, path: string, secret: boolean): Read {
    if (secret) this.#context.secrets.push(node.span);
    if (node.kind === 'scalar' && typeof node.value === 'string') {
      const filled = fillIn(node.value, this.#context.env);
      if (!this.#variablesAreThere(filled.problems, node, path)) return NOTHING;
      return this.#text(option, { ...node, value: filled.text }, path, secret, filled.fromEnvironment);
    }
    return this.#text(option, node, path, secret, false);
  }

  #text(option: Option, node: Node, path: string, secret: boolean, fromEnvironment: boolean): Read {
    const read = readScalar(option.spec, node, { hidden: secret || fromEnvironment, fromEnvironment });
    if ('problem' in read) {
      this.#report(read.code, node.span, path, `"${path}": ${read.problem}.`, read.hint);
      return NOTHING;
    }
    const isPath = option.spec.kind === 'text' && option.spec.path === true;
    const value = isPath ? this.#resolved(read.value as string) : read.value;
    if (isPath && (option.spec as TextSpec).exists === true && !this.#context.exists(value as string)) {
      this.#report('unreadable', node.span, path, `"${path}": there is no file or folder "${value as string}"${isAbsolute(read.value as string) ? '' : '; paths are meant from the folder of the job file'}.`);
      return NOTHING;
    }
    if (secret) return { value, shown: option.spec.kind === 'url' ? hostOf(read.value as string) : MASK };
    return { value, shown: typeof read.shown === 'string' ? escapeEnv(read.shown) : read.shown };
  }

  #list(spec: ListSpec, node: Node, path: string, secret: boolean): Read {
    const isOne = node.kind !== 'list' && !(node.kind === 'scalar' && node.value === null);
    const items = node.kind === 'list' ? node.items : isOne ? [node] : undefined;
    if (items === undefined) return this.#wrongType(node, path, 'a list', secret);
    if (items.length < spec.atLeast) {
      this.#report('wrong-value', node.span, path, `"${path}": the list is empty; at least ${spec.atLeast === 1 ? 'one element is' : `${spec.atLeast} elements are`} needed.`);
      return NOTHING;
    }
    const reads = items.map((item, i) => {
      const at = isOne ? path : pathOf(path, i);
      this.#context.places.set(pathOf(path, i), { key: item.span, value: item.span });
      return this.value(spec.of, item, at, secret);
    });
    if (reads.includes(NOTHING)) return NOTHING;
    return { value: reads.map((read) => read.value), shown: reads.map((read) => read.shown!) };
  }

  #map(spec: MapSpec, node: Node, path: string, secret: boolean): Read {
    const entries = this.#entriesOf(node, path, 'a map', secret);
    if (entries === undefined) return NOTHING;
    if (entries.length < spec.atLeast) {
      this.#report('wrong-value', node.span, path, `"${path}" is empty; at least one ${spec.keys.placeholder} is needed.`);
      return NOTHING;
    }
    const values = new Map<string, unknown>();
    const shown: [string, Data][] = [];
    let isSound = true;
    for (const { key, keySpan, value } of entries) {
      const at = pathOf(path, key);
      this.#context.places.set(at, { key: keySpan, value: value.span });
      if (!spec.keys.pattern.test(key)) {
        this.#report('wrong-value', keySpan, at, `"${key}" is not ${spec.keys.text}.`);
        isSound = false;
      }
      const read = this.value(spec.of, value, at, secret);
      if (read === NOTHING) isSound = false;
      values.set(key, read.value);
      if (read.shown !== undefined) shown.push([key, read.shown]);
    }
    return isSound ? { value: values, shown: Object.fromEntries(shown) } : NOTHING;
  }

  #section(spec: SectionSpec, node: Node, path: string, secret: boolean): Read {
    const isShort = spec.short !== undefined && node.kind !== 'map' && !(node.kind === 'scalar' && node.value === null);
    if (isShort) this.#context.places.set(pathOf(path, spec.short!), { key: node.span, value: node.span });
    const entries = isShort ? [{ key: spec.short!, keySpan: node.span, value: node }] : this.#entriesOf(node, path, 'a section of options', secret);
    if (entries === undefined) return NOTHING;
    this.#unknownOptions(entries, spec.fields, path);
    this.#groups(spec, entries, node, path);
    const read = this.#fields(spec.fields, entries, node, path, secret, (name) => (isShort && name === spec.short ? path : pathOf(path, name)));
    if (read === NOTHING || spec.convert === undefined) return read;
    let isSound = true;
    const value = spec.convert(read.value as never, (field, problem, code) => {
      isSound = false;
      this.#report(code, this.#context.places.get(pathOf(path, field))?.value ?? node.span, pathOf(path, field), `"${pathOf(path, field)}": ${problem}.`);
    });
    return isSound ? { value, shown: read.shown } : NOTHING;
  }

  #fields(fields: Fields, entries: readonly Entry[], node: Node, path: string, secret: boolean, pathOfField = (name: string): string => pathOf(path, name)): Read {
    const values: Record<string, unknown> = {};
    const shown: [string, Data][] = [];
    const isRoot = this.#job === undefined;
    this.#job ??= values;
    let isSound = true;
    for (const [name, option] of Object.entries(fields)) {
      const read = this.#field(name, option, entries, node, path, pathOfField(name), secret);
      if (read === undefined) isSound = false;
      values[name] = read?.value;
      if (read?.shown !== undefined) shown.push([name, read.shown]);
      if (!isRoot) continue;
      if (read === undefined) this.#failed.add(name);
      else if (read.shown !== undefined) this.#jobShown.set(name, read.shown);
    }
    return isSound ? { value: values, shown: Object.fromEntries(shown) } : NOTHING;
  }

  /** undefined: it is wrong, or missing. */
  #field(name: string, option: Option, entries: readonly Entry[], node: Node, section: string, path: string, secret: boolean): Read | undefined {
    const entry = entries.find(({ key }) => key === name);
    if (entry === undefined || (option.presence.kind !== 'required' && this.#isEmptyVariable(entry.value))) return this.#absent(option, node, section, path, secret);
    this.#context.places.set(pathOf(section, name), { key: entry.keySpan, value: entry.value.span });
    if (isNothing(entry.value, option)) {
      this.#report('wrong-type', entry.keySpan, path, `"${path}" has no value.`, option.presence.kind === 'required' ? undefined : 'leave the line out for the default');
      return undefined;
    }
    const read = this.value(option, entry.value, path, secret);
    return read === NOTHING ? undefined : read;
  }

  /** `${NAME:}` of a variable that is not set: the option is left out. */
  #isEmptyVariable(node: Node): boolean {
    if (node.kind !== 'scalar' || typeof node.value !== 'string') return false;
    const { text, fromEnvironment, problems } = fillIn(node.value, this.#context.env);
    return fromEnvironment && text === '' && problems.length === 0;
  }

  /** What an option is that is not given; undefined: it must be given. */
  #absent(option: Option, node: Node, section: string, path: string, secret: boolean): Read | undefined {
    const { presence } = option;
    if (presence.kind === 'optional') return { value: undefined, shown: undefined };
    if (presence.kind === 'default') return this.value(option, nodeOf(presence.value, node.span), path, secret);
    if (presence.kind === 'derived') {
      // What is wrong there has been told; it is not told again here.
      const source = this.#jobShown.get(presence.derived.from);
      return source === undefined ? undefined : this.value(option, nodeOf(presence.derived.value(String(source)), node.span), path, secret);
    }
    if (presence.kind === 'inherited') {
      if (this.#failed.has(presence.from)) return undefined;
      const value = this.#job![presence.from];
      // It is shown where it is given.
      if (value !== undefined) return { value, shown: undefined };
      this.#report('missing-option', this.#headOf(node, section), path, `"${section}" needs "${presence.from}" at the top of the file, or a "${path.slice(section.length + 1)}" of its own.`);
      return undefined;
    }
    this.#report('missing-option', this.#headOf(node, section), path, `"${path}" is missing: ${sentence(option.text)}`);
    return undefined;
  }

  #variants(spec: VariantsSpec, node: Node, path: string, secret: boolean): Read {
    const entries = this.#entriesOf(node, path, `a ${spec.of}`, secret);
    if (entries === undefined) return NOTHING;
    const names = Object.keys(spec.variants);
    this.#unknownOptions(entries, { ...spec.variants, ...spec.common }, path);
    const [given, second] = entries.filter(({ key }) => names.includes(key));
    const first = given ?? (spec.fallback === undefined ? undefined : { key: spec.fallback, keySpan: this.#headOf(node, path), value: nodeOf({}, node.span) });
    const common = this.#fields(commonOf(spec, first?.key), entries, node, path, secret);
    if (first === undefined) {
      this.#report('missing-option', this.#headOf(node, path), path, `"${path}" does not say what kind of ${spec.of} it is: give one of ${names.join(', ')}.`);
      return NOTHING;
    }
    if (second !== undefined) {
      this.#context.problems.push({
        severity: 'error', code: 'conflict', option: path, span: second.keySpan, message: `"${path}" is ${first.key} and ${second.key}; a ${spec.of} is one of them.`,
        related: [{ span: first.keySpan, message: `It is ${first.key} here.` }],
      });
      if (holdsSecret(spec.variants[second.key]!)) this.#context.secrets.push(second.value.span);
    }
    const at = pathOf(path, first.key);
    if (first === given) this.#context.places.set(at, { key: first.keySpan, value: first.value.span });
    const options = this.value(spec.variants[first.key]!, first.value, at, secret);
    if (options === NOTHING || common === NOTHING || second !== undefined) return NOTHING;
    return {
      value: { kind: first.key, options: options.value, ...(common.value as object) },
      shown: { [first.key]: options.shown!, ...(common.shown as { readonly [key: string]: Data }) },
    };
  }

  /** Any YAML value; variables are put into its texts. */
  #data(node: Node, path: string, secret: boolean): Read {
    let isSound = true;
    const fill = (at: Node): Node => {
      switch (at.kind) {
        case 'list': return { ...at, items: at.items.map(fill) };
        case 'map': return { ...at, entries: at.entries.map((entry) => ({ ...entry, value: fill(entry.value) })) };
        case 'scalar': {
          if (typeof at.value !== 'string') return at;
          const filled = fillIn(at.value, this.#context.env);
          isSound = this.#variablesAreThere(filled.problems, at, path) && isSound;
          return { ...at, value: filled.text };
        }
      }
    };
    const value = dataOf(fill(node));
    if (secret) this.#context.secrets.push(node.span);
    return isSound ? { value, shown: secret ? MASK : escaped(value) } : NOTHING;
  }

  #entriesOf(node: Node, path: string, what: string, secret: boolean): readonly Entry[] | undefined {
    if (node.kind === 'map') return node.entries;
    // "console:" alone: a section with nothing in it.
    if (node.kind === 'scalar' && node.value === null) return [];
    this.#wrongType(node, path, what, secret);
    return undefined;
  }

  #wrongType(node: Node, path: string, what: string, secret: boolean): Read {
    if (secret) this.#context.secrets.push(node.span);
    const found = node.kind === 'list' ? 'a list' : node.kind === 'map' ? 'a map' : node.value === null ? 'nothing' : 'a single value';
    this.#report('wrong-type', node.span, path, path === '' ? `A job file is a map of options, not ${found}.` : `"${path}": expected ${what}, found ${found}.`);
    return NOTHING;
  }

  #unknownOptions(entries: readonly Entry[], fields: Fields, path: string): void {
    const names = Object.keys(fields);
    for (const { key, keySpan, value } of entries) {
      if (names.includes(key)) continue;
      const likely = didYouMean(key, names);
      // It may be a secret whose name is misspelt.
      if (likely === undefined || holdsSecret(fields[likely]!)) this.#context.secrets.push(value.span);
      const at = pathOf(path, key);
      const hint = key === '<<' ? 'merge keys are not read; an alias (*name) can stand for a whole section'
        : likely === undefined ? `options here: ${names.join(', ')}` : `did you mean "${likely}"?`;
      this.#report('unknown-option', keySpan, at, `There is no option "${at}".`, hint);
    }
  }

  #groups(spec: SectionSpec, entries: readonly Entry[], node: Node, path: string): void {
    for (const group of spec.oneOf) {
      const given = entries.filter(({ key }) => group.includes(key));
      if (given.length === 0) this.#report('missing-option', this.#headOf(node, path), path, `"${path}" lacks one of ${group.join(', ')}.`);
      if (given.length > 1) this.#report('conflict', given[1]!.keySpan, pathOf(path, given[1]!.key), `"${path}" takes one of ${group.join(', ')}, not two.`);
    }
    for (const group of spec.together) {
      const given = entries.filter(({ key }) => group.includes(key));
      if (given.length === 0 || given.length === group.length) continue;
      const missing = group.filter((name) => given.every(({ key }) => key !== name));
      this.#report('missing-option', given[0]!.keySpan, path, `"${pathOf(path, given[0]!.key)}" goes with ${missing.map((name) => `"${pathOf(path, name)}"`).join(' and ')}.`);
    }
  }

  /** Where a section's name stands: what is missing in it is missing there. For the whole file that is its first option. */
  #headOf(node: Node, path: string): Span {
    const first = node.kind === 'map' ? node.entries[0]?.keySpan : undefined;
    return this.#context.places.get(path)?.key ?? first ?? { ...node.span, end: node.span.start };
  }

  #resolved(path: string): string {
    return isAbsolute(path) ? path : join(this.#context.folder, path);
  }

  #variablesAreThere(problems: readonly { readonly at: string; readonly message: string; readonly hint: string }[], node: Node, path: string): boolean {
    for (const { message, hint } of problems) this.#report('no-variable', node.span, path, `"${path}": ${message}.`, hint);
    return problems.length === 0;
  }

  #report(code: string, span: Span, option: string, message: string, hint?: string): void {
    this.#context.problems.push({ severity: 'error', code, span, option, message, ...(hint !== undefined && { hint }) });
  }
}

/** The common options with the defaults they have for a variant. */
export function commonOf(spec: VariantsSpec, variant: string | undefined): Fields {
  const defaults = variant === undefined ? undefined : spec.defaults[variant];
  if (defaults === undefined) return spec.common;
  return Object.fromEntries(Object.entries(spec.common).map(([name, option]): [string, Option] =>
    [name, name in defaults ? { ...option, presence: { kind: 'default', value: defaults[name]! } } : option]));
}

/** A name without a value; for a section that is the section with its defaults. */
function isNothing(node: Node, option: Option): boolean {
  if (node.kind !== 'scalar' || node.value !== null) return false;
  const { kind } = option.spec;
  return kind !== 'section' && kind !== 'variants' && kind !== 'data';
}

/** Whether the option is a secret, or anything below it. */
export function holdsSecret(option: Option): boolean {
  if (option.secret) return true;
  const { spec } = option;
  switch (spec.kind) {
    case 'section': return Object.values(spec.fields).some(holdsSecret);
    case 'variants': return [...Object.values(spec.variants), ...Object.values(spec.common)].some(holdsSecret);
    case 'list':
    case 'map': return holdsSecret(spec.of);
    default: return false;
  }
}

function hostOf(text: string): string {
  const { protocol, host } = new URL(text);
  return `${protocol}//${host}/${MASK}`;
}

function escaped(data: Data): Data {
  if (typeof data === 'string') return escapeEnv(data);
  if (Array.isArray(data)) return (data as readonly Data[]).map(escaped);
  if (typeof data === 'object' && data !== null) return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, escaped(value as Data)]));
  return data;
}

function sentence(text: string): string {
  return /[.!?]/.test(text) ? text.slice(0, text.search(/[.](\s|$)/) + 1 || text.length) : `${text}.`;
}
