/** A job file beside the rules it runs: what must fit, and what the rules' parts of it mean. */
import type { Diagnostic } from '../../../dsl/diagnostic.ts';
import type { Literal, Program, Rule, Type } from '../../../dsl/typed.ts';
import { didYouMean, takersOf } from '../../../dsl/index.ts';
import { checkParam, ParamError } from '../../compile/index.ts';
import { placeOf } from './checks.ts';
import type { LoadedJob } from './load.ts';
import { pathOf, type Problem } from './problem.ts';
import type { JobConfig, SourceConfig } from './options/job.ts';
import type { Data } from './spec.ts';
import { readDuration, readTime } from './units.ts';

/** The rules a job runs: those it names, without those in `mode off`. */
export function rulesOf(job: JobConfig, program: Program): readonly Rule[] {
  return program.rules.filter((rule) => rule.mode.kind !== 'off' && (job.rules.only === undefined || job.rules.only.includes(rule.name)));
}

/** The job's values of params, for the compiler. @throws ParamError where one does not fit */
export function paramsOf(job: JobConfig, program: Program): Record<string, Literal> {
  const values: Record<string, Literal> = {};
  for (const [name, value] of job.rules.params ?? []) values[name] = checkParam(program, name, literalOf(value, program.params.get(name)?.type));
  return values;
}

/** Names in the data that a source says, for its decoder: event type → field → name. Subtypes have those of their base. */
export function fieldMapOf(source: SourceConfig, program: Program): Map<string, Map<string, string>> {
  const map = new Map<string, Map<string, string>>();
  // Those that name a type come last: they stand above those for all types.
  const entries = [...source.map ?? []].sort(([a], [b]) => Number(a.includes('.')) - Number(b.includes('.')));
  for (const [key, dataName] of entries) {
    const [typeName, field] = splitKey(key, source);
    for (const type of typeName === undefined ? program.events.values() : (program.events.get(typeName)?.accepts ?? []).map((name) => program.events.get(name)!)) {
      if (!type.fields.some(({ name }) => name === field)) continue;
      map.set(type.name, (map.get(type.name) ?? new Map<string, string>()).set(field, dataName));
    }
  }
  return map;
}

/** The event types a source can give. `open`: besides these, any that its data names. */
export function typesOf(source: SourceConfig): { readonly types: readonly string[]; readonly open: boolean } {
  const { type } = source;
  switch (source.kind) {
    case 'kafka': {
      const byTopic = [...source.options.types?.values() ?? []];
      const isByTopic = source.options.topics !== undefined && source.options.topics.every((topic) => source.options.types?.has(topic) === true);
      return { types: [...byTopic, ...(type === undefined ? [] : [type])], open: source.options.typeHeader !== undefined || (type === undefined && !isByTopic) };
    }
    case 'mqtt': {
      const byTopic = source.options.topics.flatMap((topic) => topic.type ?? []);
      return { types: [...byTopic, ...(type === undefined ? [] : [type])], open: type === undefined && byTopic.length < source.options.topics.length };
    }
    case 'http': return { types: source.options.types ?? [], open: source.options.types === undefined };
    case 'file': return { types: type === undefined ? [] : [type], open: type === undefined };
  }
}

/** Whether a rule finds all events of a key in one partition of a topic that is partitioned by this field of these event types. */
export function isKeyedBy(rule: Rule, types: readonly string[], field: string): boolean {
  return types.every((type) => rule.key.some((part) => {
    const value = part.valueOf.get(type);
    return value?.kind === 'eventField' && value.field === field;
  }));
}

/** What does not fit between a job file and its rules, in reading order. Nothing where the job file has errors of its own. */
export function checkAgainstRules(loaded: LoadedJob, program: Program): readonly Problem[] {
  const { job } = loaded;
  if (job === undefined) return [];
  const check = new Check(loaded, job, program);
  check.names();
  check.params();
  check.sources();
  check.channels();
  check.keys();
  return check.problems.sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
}

class Check {
  readonly problems: Problem[] = [];
  readonly #loaded: LoadedJob;
  readonly #job: JobConfig;
  readonly #program: Program;
  readonly #rules: readonly Rule[];

  constructor(loaded: LoadedJob, job: JobConfig, program: Program) {
    this.#loaded = loaded;
    this.#job = job;
    this.#program = program;
    this.#rules = rulesOf(job, program);
  }

  names(): void {
    const known = this.#program.rules.map(({ name }) => name);
    for (const [i, name] of (this.#job.rules.only ?? []).entries()) {
      if (!known.includes(name)) this.#report('error', 'unknown-rule', pathOf('rules.only', i), `There is no rule "${name}".`, likely(name, known));
      else if (this.#program.rules.find((rule) => rule.name === name)!.mode.kind === 'off') {
        this.#report('warning', 'rule-off', pathOf('rules.only', i), `Rule "${name}" is in mode off: it is not run.`);
      }
    }
    if (this.#rules.length === 0 && known.every((name) => this.#job.rules.only === undefined || !this.#job.rules.only.includes(name))) {
      if (this.#job.rules.only === undefined) this.#report('error', 'no-rule', 'rules', 'There is no rule to run in these files.');
    }
  }

  params(): void {
    for (const [name, value] of this.#job.rules.params ?? []) {
      const option = pathOf('rules.params', name);
      const param = this.#program.params.get(name);
      if (param === undefined) {
        this.#report('error', 'unknown-param', option, `There is no param "${name}".`, likely(name, this.#program.params.keys()));
        continue;
      }
      try {
        checkParam(this.#program, name, literalOf(value, param.type));
      } catch (error) {
        if (!(error instanceof ParamError)) throw error;
        this.#report('error', 'wrong-value', option, error.message, undefined, [{ span: param.span, message: 'It is declared here.' }]);
      }
    }
  }

  /** Types that sources name exist, and every type the rules wait for comes from somewhere. */
  sources(): void {
    const { events } = this.#program;
    const given = new Set<string>();
    let isOpen = false;
    for (const [name, source] of this.#job.sources) {
      const path = pathOf('sources', name);
      const { types, open } = typesOf(source);
      isOpen ||= open;
      for (const type of types) given.add(type);
      for (const [type, option] of typesNamed(source, path)) {
        if (!events.has(type)) this.#report('error', 'unknown-type', option, `The rules declare no event type "${type}".`, likely(type, events.keys()));
      }
      for (const key of source.map?.keys() ?? []) this.#mapped(key, source, pathOf(pathOf(path, 'map'), key));
    }
    if (isOpen) return;
    const told = new Set<string>();
    for (const rule of this.#rules) {
      for (const taker of takersOf(rule)) {
        if (taker.accepts.some((type) => given.has(type) || this.#isDerived(type)) || told.has(taker.types.join())) continue;
        told.add(taker.types.join());
        this.#report('error', 'no-source', 'sources', `No source gives an event that rule "${rule.name}" reads as ${taker.types.map((type) => `"${type}"`).join(' or ')}.`,
          given.size === 0 ? undefined : `they give: ${[...given].join(', ')}`, [{ span: taker.span, message: 'It is read here.' }]);
      }
    }
  }

  channels(): void {
    const { channels } = this.#job;
    const used = new Set<string>();
    const told = new Set<string>();
    for (const rule of this.#rules) {
      for (const output of rule.outputs) {
        if (output.kind !== 'alert') continue;
        used.add(output.target);
        // A shadow rule's alerts do not reach its channel.
        if (rule.mode.kind === 'shadow' || channels.has(output.target) || channels.has('default') || told.has(output.target)) continue;
        told.add(output.target);
        this.#report('error', 'no-sink', 'channels', `Rule "${rule.name}" alerts to the channel "${output.target}", which has no sink.`,
          likely(output.target, [...channels.keys()].filter((name) => !used.has(name))) ?? `give it one under "channels", or a "default" for all that have none`,
          [{ span: output.span, message: 'The alert is here.' }]);
      }
    }
    for (const name of channels.keys()) {
      if (name === 'default' || used.has(name)) continue;
      this.#report('warning', 'unused-channel', pathOf('channels', name), `No rule of this job alerts to the channel "${name}".`, likely(name, used));
    }
  }

  /** Whether each rule's key agrees with what its topics are partitioned by, as far as it can be told without looking at the topics. */
  keys(): void {
    for (const [name, source] of this.#job.sources) {
      if (source.kind !== 'kafka' || source.options.partitionedBy === undefined) continue;
      const field = source.options.partitionedBy;
      const option = pathOf(pathOf(pathOf('sources', name), 'kafka'), 'partitionedBy');
      const { types, open } = typesOf(source);
      const given = open ? [...this.#program.events.keys()] : types.flatMap((type) => this.#program.events.get(type)?.accepts ?? []);
      const withField = given.filter((type) => this.#program.events.get(type)!.fields.some((declared) => declared.name === field));
      if (given.length > 0 && withField.length === 0) {
        const fields = new Set(given.flatMap((type) => this.#program.events.get(type)!.fields.map((declared) => declared.name)));
        this.#report('error', 'unknown-field', option, `No event of this source has a field "${field}".`, likely(field, fields));
        continue;
      }
      for (const rule of this.#rules) {
        const read = given.filter((type) => rule.sees.has(type) && (!open || withField.includes(type)));
        if (read.length === 0 || isKeyedBy(rule, read, field)) continue;
        this.#report('warning', 'not-partitioned', option,
          `Rule "${rule.name}" is ${rule.key.length === 0 ? 'without a key' : `by ${rule.key.map((part) => part.name).join(', ')}`}, and these topics are partitioned by "${field}": the job takes it only where each has a single partition.`,
          undefined, [{ span: rule.span, message: 'The rule is here.' }]);
      }
    }
  }

  #mapped(key: string, source: SourceConfig, option: string): void {
    const { events } = this.#program;
    const [typeName, field] = splitKey(key, source);
    if (typeName !== undefined && !events.has(typeName)) {
      // A source's own unknown type is told at its place.
      if (key.includes('.')) this.#report('error', 'unknown-type', option, `The rules declare no event type "${typeName}".`, likely(typeName, events.keys()));
      return;
    }
    const types = typeName === undefined ? [...events.values()] : [events.get(typeName)!];
    const fields = new Set(types.flatMap((type) => type.fields.map(({ name }) => name)));
    if (!fields.has(field)) {
      this.#report('error', 'unknown-field', option, typeName === undefined ? `No event type has a field "${field}".` : `Event type "${typeName}" has no field "${field}".`, likely(field, fields));
    }
  }

  #isDerived(type: string): boolean {
    return this.#rules.some((rule) => rule.outputs.some((output) => output.kind === 'emit' && output.target === type));
  }

  #report(severity: 'error' | 'warning', code: string, option: string, message: string, hint?: string, related?: Diagnostic['related']): void {
    this.problems.push({
      severity, code, option, message, span: placeOf(this.#loaded.file, this.#loaded.places, option),
      ...(hint !== undefined && { hint }), ...(related !== undefined && { related }),
    });
  }
}

/** Event types a source names, with the options that name them. */
function* typesNamed(source: SourceConfig, path: string): Iterable<readonly [type: string, option: string]> {
  if (source.type !== undefined) yield [source.type, pathOf(path, 'type')];
  const inside = pathOf(path, source.kind);
  switch (source.kind) {
    case 'kafka':
      for (const [topic, type] of source.options.types ?? []) yield [type, pathOf(pathOf(inside, 'types'), topic)];
      break;
    case 'mqtt':
      for (const [i, { type }] of source.options.topics.entries()) if (type !== undefined) yield [type, pathOf(pathOf(pathOf(inside, 'topics'), i), 'type')];
      break;
    case 'http':
      for (const [i, type] of (source.options.types ?? []).entries()) yield [type, pathOf(pathOf(inside, 'types'), i)];
      break;
    case 'file': break;
  }
}

/** `Payment.card` or `card` (of the source's type, where it has one). */
function splitKey(key: string, source: SourceConfig): readonly [type: string | undefined, field: string] {
  const dot = key.indexOf('.');
  return dot < 0 ? [source.type, key] : [key.slice(0, dot), key.slice(dot + 1)];
}

/** A value of the job file as one of the param's type; values of other types pass as they are, for checkParam to refuse. */
function literalOf(value: Data, type: Type | undefined): Literal {
  if (typeof value === 'string' && type?.kind === 'duration') {
    const ms = readDuration(value);
    if (ms === undefined) throw new ParamError(`"${value}" is not a duration such as 250ms, 5s or 1h30m.`);
    return ms;
  }
  if (typeof value === 'string' && type?.kind === 'time') {
    const time = readTime(value);
    if (Number.isNaN(time)) throw new ParamError(`"${value}" is not a time such as 2026-04-01T12:30:00Z.`);
    return time;
  }
  return value as Literal;
}

function likely(name: string, candidates: Iterable<string>): string | undefined {
  const candidate = didYouMean(name, candidates);
  return candidate === undefined ? undefined : `did you mean "${candidate}"?`;
}
