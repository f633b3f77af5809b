/** From a match to alerts and derived events: ids, limits, modes, fields, evidence (sections 2 and 5 of the language). */
import { createHash } from 'node:crypto';
import type { Alert, BoundEvent, Derived } from '../core/alert.ts';
import { generated } from '../core/generated.ts';
import type { AnyRulePlan, OutputPlan, Plan } from '../compile/plan.ts';
import type { Type } from '../../dsl/typed.ts';
import { EVENT, KEY } from './layout.ts';
import type { Limits } from './limits.ts';
import { encoded, MatchId } from './match-id.ts';
import type { MatchReport } from './runner.ts';
import type { Store } from './store.ts';
import type { MatchView } from './view.ts';
import type { WindowReport } from './windows/index.ts';

type AnyReport = MatchReport | WindowReport;
type AnyRunner = AnyReport['runner'];

/** A derived event on its way to the rules that read it. */
export interface Emission { readonly type: number; readonly time: number; readonly cells: readonly (readonly [slot: number, value: number])[]; readonly bytes: Uint8Array; readonly shadow: boolean }

export interface ReporterOptions {
  readonly onAlert: (alert: Alert) => void;
  readonly onDerived: ((derived: Derived) => void) | undefined;
  readonly now: () => number;
  readonly emit: (emission: Emission) => void;
  readonly rejectDerived: (rule: string, type: string, field: string) => void;
}

/** What all alerts of a rule have in common. */
interface RuleParts {
  /** An object of the key's parts, or of an output's fields, from the list of their values. */
  readonly key: ObjectOf;
  readonly fields: ReadonlyMap<OutputPlan, ObjectOf>;
  /** The key's JSON text up to each of its values, as bytes. */
  readonly keyTexts: readonly Uint8Array[];
  /** Of an id: the rule and its version; what sort of alert; per stage and event type, both names. */
  readonly rule: Uint8Array;
  readonly kinds: Readonly<Record<AnyReport['kind'], Uint8Array>>;
  readonly causes: Readonly<Record<WindowReport['cause'], Uint8Array>>;
  readonly stages: readonly (readonly Uint8Array[])[];
  /** Per stage, of a roster's clock, which no event started. */
  readonly clocks: readonly Uint8Array[];
}

type ObjectOf = (values: readonly unknown[]) => Record<string, unknown>;

const CAUSES = { end: encoded('end'), early: encoded('early'), rise: encoded('rise'), clear: encoded('clear'), late: encoded('late') };
const utf8 = new TextEncoder();
const decoder = new TextDecoder();
const EMPTY = utf8.encode('{}');
const CLOSE = utf8.encode('}');

export class Reporter {
  readonly #store: Store;
  readonly #view: MatchView;
  readonly #options: ReporterOptions;
  readonly #id = new MatchId();
  readonly #limits: Limits;
  /** By rule; made with its first alert. */
  readonly #parts: (RuleParts | undefined)[] = [];
  readonly #values: unknown[] = [];

  constructor(store: Store, view: MatchView, limits: Limits, options: ReporterOptions) {
    this.#store = store;
    this.#limits = limits;
    this.#view = view;
    this.#options = options;
  }

  report(report: AnyReport): void {
    const { runner, at } = report;
    const { rule } = runner.plan;
    const key = this.keyOf(runner, report.key);
    const shadow = this.#isShadow(runner, key);
    const timeout = report.kind === 'timeout';
    const clear = report.kind === 'window' && report.cause === 'clear';
    let suppressed = 0;
    let id: string | undefined;
    for (const output of runner.plan.outputs) {
      if (output.onTimeout !== timeout || output.onClear !== clear) continue;
      if (output.kind === 'emit') {
        this.#emit(runner, output, at, timeout, shadow);
        continue;
      }
      // One decision for all alert clauses of one match would hide alerts from a second channel or count them twice: each alert counts.
      if (rule.limit !== undefined) {
        const { limitBy, index } = runner.plan;
        suppressed = this.#limits.admit(index, report.key, limitBy < 0 ? 0 : (runner.functions[limitBy] as unknown as () => number)(), at);
        if (suppressed < 0) {
          runner.counters.suppressed++;
          continue;
        }
      }
      id ??= this.idOf(report);
      this.#view.id = id;
      const { heap } = this.#store;
      const dropped = heap.i32[2 * report.key + KEY.dropped]!;
      if (dropped !== 0) heap.ints(report.key)[2 * report.key + KEY.dropped] = 0;
      runner.counters.alerts++;
      this.#options.onAlert({
        id, rule: rule.name, channel: output.target, kind: report.kind, version: rule.version, title: rule.title,
        severity: this.#severity(runner), tags: rule.tags, key,
        from: report.kind === 'window' ? report.from : this.#view.from, to: report.to, detected: this.#options.now(), at, suppressed, dropped, shadow,
        ...(report.kind === 'window' && report.final !== undefined && { final: report.final }),
        fields: this.#fields(runner, output),
        // A window holds no events.
        events: report.kind === 'window' || rule.evidence === 'none' ? undefined : this.#events(report, rule.evidence === 'full'),
      });
    }
  }

  /** The same match gives the same id in every run (section 5). */
  idOf(report: AnyReport): string {
    const parts = this.#partsOf(report.runner.plan);
    const { heap, plan } = this.#store;
    const id = this.#id;
    id.begin();
    id.bytes(parts.rule);
    this.#putKey(id, report, parts);
    id.bytes(parts.kinds[report.kind]);
    if (report.kind === 'window') {
      // Its bounds; and what tells its reports apart: why, when, and which of the key's at that time.
      id.float(report.from);
      id.float(report.to);
      id.bytes(parts.causes[report.cause]);
      id.float(report.at);
      id.int(report.ordinal);
      return id.digest();
    }
    const { events, stages } = report;
    for (let k = 0; k < events.length; k++) {
      const event = events[k]!;
      const i = 2 * event;
      const type = heap.i32[i + EVENT.type]!;
      if (type < 0) { // a roster's clock, which nobody's event started
        id.bytes(parts.clocks[stages[k]!]!);
        id.float(heap.f64[event + EVENT.time]!);
        continue;
      }
      id.bytes(parts.stages[stages[k]!]![type]!);
      // An event's identity: its type, its time and the fields that `id` names; without them, a hash of its bytes and its number among equal ones.
      id.float(heap.f64[event + EVENT.time]!);
      const fields = plan.identity[type]!;
      if (fields.length === 0) {
        id.int(heap.i32[i + EVENT.hash1]!);
        id.int(heap.i32[i + EVENT.hash2]!);
        id.int(heap.i32[i + EVENT.ordinal]!);
      } else id.text(JSON.stringify(fields.map(({ slot, type: fieldType }) => this.#view.json(this.#view.at(event, slot), fieldType.kind))));
    }
    return id.digest();
  }

  /** Puts the key, as JSON text, to an id. */
  #putKey(id: MatchId, { runner, key }: AnyReport, { keyTexts }: RuleParts): void {
    const { heap, strings } = this.#store;
    const { key: parts } = runner.plan.rule;
    id.beginText();
    for (let i = 0; i < parts.length; i++) {
      id.bytes(keyTexts[i]!);
      const value = heap.f64[key + KEY.key + i]!;
      const { type } = parts[i]!;
      if ((type.kind === 'string' || type.kind === 'oneOf') && !Number.isNaN(value)) id.jsonString(strings, value);
      else id.json(this.plain(value, type));
    }
    id.bytes(parts.length === 0 ? EMPTY : CLOSE);
    id.endText();
  }

  keyOf(runner: AnyRunner, ks: number): Record<string, unknown> {
    const { key } = runner.plan.rule;
    const values = this.#values;
    values.length = 0;
    for (let i = 0; i < key.length; i++) values.push(this.plain(this.#store.heap.f64[ks + KEY.key + i]!, key[i]!.type));
    return this.#partsOf(runner.plan).key(values);
  }

  #partsOf(plan: AnyRulePlan): RuleParts { return this.#parts[plan.index] ??= rulePartsOf(plan, this.#store.plan); }

  /** A value as the author's JSON: times as ISO-8601 text, durations in ms. */
  plain(value: number, type: Type): unknown {
    if (Number.isNaN(value)) return null;
    if (type.kind === 'time') return Math.abs(value) <= 8.64e15 ? new Date(value).toISOString() : null;
    return this.#view.json(value, type.kind);
  }

  #severity(runner: AnyRunner): string {
    const { severity } = runner.plan.rule;
    if (severity.kind === 'literal') return String(severity.value);
    const value = (runner.functions[runner.plan.severity] as unknown as () => number)();
    return Number.isNaN(value) ? 'medium' : this.#store.strings.text(value);
  }

  #fields(runner: AnyRunner, output: OutputPlan): Record<string, unknown> {
    const values = this.#values;
    values.length = 0;
    for (const field of output.fields) values.push(this.plain((runner.functions[field.fn] as unknown as () => number)(), field.type));
    return this.#partsOf(runner.plan).fields.get(output)!(values);
  }

  #events(report: MatchReport, full: boolean): { stage: string; events: BoundEvent[] }[] {
    const { heap, plan } = this.#store;
    const { stages } = report.runner.plan;
    const byStage: { stage: string; events: BoundEvent[] }[] = [];
    const listOf: ({ stage: string; events: BoundEvent[] } | undefined)[] = [];
    for (let k = 0; k < report.events.length; k++) {
      const event = report.events[k]!;
      const stage = report.stages[k]!;
      if (heap.i32[2 * event + EVENT.type]! < 0) continue;
      const list = listOf[stage] ??= { stage: stages[stage]!.name, events: [] };
      if (list.events.length === 0) byStage.push(list);
      const i = 2 * event;
      const type = heap.i32[i + EVENT.type]!;
      const length = heap.i32[i + EVENT.length]!;
      const start = 8 * (event + EVENT.values + plan.kept[type]!.length);
      list.events.push({
        text: full ? decoder.decode(heap.u8.subarray(start, start + length)) : undefined,
        type: plan.schema.types[type]!.name, time: heap.f64[event + EVENT.time]!,
        source: heap.i32[i + EVENT.source]!, partition: heap.i32[i + EVENT.partition]!, offset: heap.f64[event + EVENT.offset]!,
      });
    }
    return byStage;
  }

  #isShadow(runner: AnyRunner, key: Readonly<Record<string, unknown>>): boolean {
    const { mode, name } = runner.plan.rule;
    if (mode.kind === 'shadow') return true;
    if (mode.kind !== 'canary') return false;
    const share = createHash('sha256').update(`${name}\n${JSON.stringify(key)}`).digest().readUInt32BE(0) / 0x1_0000_0000;
    return share * 100 >= mode.percent;
  }

  #emit(runner: AnyRunner, output: OutputPlan, at: number, timeout: boolean, shadow: boolean): void {
    const { plan } = this.#store;
    const type = plan.schema.types.findIndex((t) => t.name === output.target);
    const schema = plan.schema.types[type]!;
    const fields: Record<string, unknown> = {};
    const cells: (readonly [number, number])[] = [];
    for (const field of schema.fields) {
      const given = output.fields.find((f) => f.name === field.name);
      let value = given === undefined ? NaN : (runner.functions[given.fn] as unknown as () => number)();
      const isTime = schema.time >= 0 && schema.fields[schema.time] === field;
      if (given === undefined && isTime) value = at;
      if (Number.isNaN(value) && !field.optional) {
        this.#options.rejectDerived(runner.plan.rule.name, schema.name, field.name);
        return;
      }
      const plain = this.plain(value, given?.type ?? field.type);
      fields[field.name] = plain;
      if (field.slot >= 0) cells.push([field.slot, value]);
    }
    this.#options.onDerived?.({ rule: runner.plan.rule.name, type: schema.name, at, timeout, shadow, fields });
    const data: Record<string, unknown> = { type: schema.name };
    for (const field of schema.fields) if (fields[field.name] !== null) data[field.source] = fields[field.name];
    this.#options.emit({ type, time: at, cells, bytes: utf8.encode(JSON.stringify(data)), shadow });
  }
}

function rulePartsOf(plan: AnyRulePlan, { schema }: Plan): RuleParts {
  const { rule, outputs, stages } = plan;
  return {
    key: objectOf(rule.key.map(({ name }) => name)),
    fields: new Map(outputs.map((output) => [output, objectOf(output.fields.map(({ name }) => name))] as const)),
    keyTexts: rule.key.map(({ name }, i) => utf8.encode(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`)),
    rule: encoded(rule.name, rule.version),
    kinds: { match: encoded('match'), timeout: encoded('timeout'), window: encoded('window') },
    causes: CAUSES,
    stages: stages.map((stage) => schema.types.map((type) => encoded(stage.name, type.name))),
    clocks: stages.map((stage) => encoded(stage.name, '')),
  };
}

/** A literal: objects of one shape from the start, which costs a tenth of giving them their properties one by one. */
function objectOf(names: readonly string[]): ObjectOf {
  return generated(['v'], `'use strict';return {${names.map((name, i) => `[${JSON.stringify(name)}]:v[${i}]`).join()}};`) as ObjectOf;
}
