/**
 * What an image says of the rules that made it: what each rule's runs keep (compile/identity.ts), and the layouts of the records, so that an
 * engine of other rules can read them. It is a section of its own, the same in every image of an engine, so that only the first has to store it.
 */
import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Literal } from '../../../dsl/typed.ts';
import type { CohortCell } from '../../compile/cohort.ts';
import type { AnyRulePlan, Plan, RulePlan } from '../../compile/plan.ts';
import type { RuleIdentity } from '../../compile/identity.ts';
import { cellKind } from '../../core/cell-kind.ts';
import type { WholeImage } from '../../state/image.ts';
import { ENTRY, QUEUE } from '../cohort.ts';
import { CLASS, classUnits, EVENT, KEY, keyLayout, LINK, NODE, registersAt, START, type KeyLayout } from '../layout.ts';
import { WINDOW } from '../limits.ts';
import { SEEN } from '../once.ts';
import { ROSTER } from '../roster.ts';
import { BAG, PANE, PANES, SERIES } from '../aggregates/index.ts';
import { describeFeatures, FEATURE, type FeatureState } from '../features/index.ts';
import { BOX, CELLS } from '../windows/index.ts';

export interface TypeState {
  readonly name: string;
  /** Of the fields with a slot: slot and kind of value. */
  readonly fields: Readonly<Record<string, { readonly slot: number; readonly kind: string }>>;
  /** Names of the fields kept with a bound event, in order of their cells. */
  readonly kept: readonly string[];
  readonly bytes: boolean;
  /** Fields named by `id`; empty: by bytes. */
  readonly identity: readonly string[];
  readonly once: number;
}

export interface EdgeState { readonly kind: string; readonly to: number; readonly arrow: string; /** ms; 0: none */ readonly span: number }

export interface PositionState {
  /** Index in `stages`, -1: a silence. */
  readonly stage: number;
  readonly clock: boolean;
  readonly single: boolean;
  readonly registers: readonly string[];
  /** By slot, which is the edge's bit in masks too. */
  readonly out: readonly EdgeState[];
  /** Float cell of the registers from half the handle. */
  readonly at: number;
  readonly units: number;
}

export interface CohortState {
  readonly position: number;
  readonly cells: readonly CohortCell[];
  /** Slots of the exits among the position's edges. */
  readonly exits: readonly number[];
  readonly loop: number;
}

/** What a state says of a rule of any kind. */
export interface KindState {
  readonly kind: string;
  readonly name: string;
  readonly version: number;
  /** Only keeps the starts that others share. */
  readonly isGroup: boolean;
  /** Of the rule that keeps its shared starts, -1: it shares none. */
  readonly group: number;
  /** Parts of its key. */
  readonly width: number;
  /** Of `limit`, without its numbers; undefined: there is none. */
  readonly limit: string | undefined;
}

/** Of a rule with a pattern. */
export interface RuleState extends KindState {
  readonly kind: 'pattern';
  readonly identity: RuleIdentity;
  readonly layout: KeyLayout;
  readonly stages: readonly string[];
  readonly positions: readonly PositionState[];
  /** Target positions. */
  readonly starts: readonly number[];
  readonly leading: boolean;
  readonly sequences: readonly { readonly text: string; readonly logged: boolean; readonly predicates: readonly number[] }[];
  readonly cohort: CohortState | undefined;
  readonly tracked: boolean;
  readonly split: RulePlan['split'];
  readonly hasTimeout: boolean;
}

export interface StateDescription {
  /** Where the cells of records lie; a state whose records lie otherwise is not read by this version. */
  readonly records: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly slots: number;
  readonly types: readonly TypeState[];
  readonly rules: readonly KindState[];
  readonly features: readonly FeatureState[];
}

const RECORDS = { EVENT, NODE, LINK, KEY, START, CLASS, QUEUE, ENTRY, SEEN, WINDOW, ROSTER, BOX, CELLS, PANE, PANES, BAG, SERIES, FEATURE };

/** `describe`: a rule, by its kind. */
export function describeState(plan: Plan, describe: (plan: Plan, rule: AnyRulePlan) => KindState): StateDescription {
  return {
    records: RECORDS, slots: plan.schema.slots,
    types: plan.schema.types.map((type, t) => {
      const fields = [...plan.fields[t]!];
      const nameOf = (slot: number): string => fields.find(([, field]) => field.slot === slot)![0];
      return {
        name: type.name, fields: Object.fromEntries(fields.map(([name, field]) => [name, { slot: field.slot, kind: cellKind(field.type.kind) }])),
        kept: plan.kept[t]!.map(nameOf), bytes: plan.keepBytes[t]!, identity: plan.identity[t]!.map(({ slot }) => nameOf(slot)), once: plan.once[t]!,
      };
    }),
    rules: plan.rules.map((rule) => describe(plan, rule)),
    features: plan.features.map(describeFeatures),
  };
}

export function describePattern(plan: Plan, rule: RulePlan): RuleState {
  const { cohort } = rule;
  return {
    kind: 'pattern', width: plan.keys[rule.key]!.width, limit: rule.identity.limit, name: rule.rule.name, version: rule.rule.version, isGroup: rule.isGroup, group: rule.group, identity: rule.identity, layout: keyLayout(rule, plan.keys[rule.key]!.width),
    stages: rule.stages.map((stage) => stage.name),
    positions: rule.positions.map((position) => ({
      stage: position.stage, clock: position.clock, single: position.single, registers: position.registers,
      out: position.out.map((edge) => ({ kind: edge.kind, to: edge.to, arrow: edge.arrow, span: edge.span })), at: registersAt(position), units: classUnits(position),
    })),
    starts: rule.starts.map((edge) => edge.to),
    leading: rule.leading.some((start) => start.conds.length > 0),
    sequences: rule.sequences.map(({ steps, logged }) => ({
      text: steps.map((step, i) => `${i === 0 ? '' : ` ${step.arrow} `}${rule.stages[step.cond.stage]!.name}`).join(''), logged, predicates: steps.map((step) => step.cond.predicate),
    })),
    cohort: cohort === undefined ? undefined : { position: cohort.position, cells: cohort.cells, exits: cohort.exits.map((exit) => exit.slot), loop: cohort.loop.slot },
    tracked: rule.tracked, split: rule.split, hasTimeout: rule.hasTimeout,
  };
}

/** Names the rules as far as a state depends on them: their records, and what is done with them, down to the constants. */
export function fingerprintOf(plan: Plan, described: string): string {
  const hash = createHash('sha256').update(described);
  const part = (value: unknown): void => { hash.update(`\n${JSON.stringify(value)}`); };
  part(plan.pool);
  part(plan.keys);
  for (const { source, types } of plan.predicates) part([source, types]);
  for (const rulePlan of plan.rules) {
    const { rule, functions, sees, filters, filterRests, group, isGroup, key, having, outputs, limitBy, severity } = rulePlan;
    part([
      rule.keep, rule.limit === undefined ? null : [rule.limit.count, rule.limit.per], rule.mode, rule.evidence,
      functions, sees, filters, filterRests, group, isGroup, key, having, outputs, limitBy, severity,
      rulePlan.kind === 'window' ? [rulePlan.shape, rulePlan.late, rulePlan.trigger, rulePlan.inputs, rulePlan.inputRests, rulePlan.aggregates]
        : [rulePlan.rule.match.mode, rulePlan.rule.match.skip, rulePlan.within, rulePlan.session?.constant, rulePlan.roster],
    ]);
  }
  part(plan.features);
  return hash.digest('hex').slice(0, 32);
}

/** The rules of a state as they were written. JSON. */
export interface RuleTexts {
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** Values of params. */
  readonly params: readonly (readonly [name: string, value: Literal])[];
}

/** The description as the first page of its section; the texts, compressed, as the second. They are no part of the fingerprint: another comment is no change of rules. */
export class RulesPage {
  readonly described: StateDescription;
  readonly fingerprint: string;
  readonly pages: readonly Uint8Array[];
  /** It is in no image yet. */
  dirty = true;

  constructor(plan: Plan, describe: (plan: Plan, rule: AnyRulePlan) => KindState) {
    this.described = describeState(plan, describe);
    const text = JSON.stringify(this.described);
    const texts: RuleTexts = { files: plan.program.sources, params: [...plan.params] };
    this.pages = [new TextEncoder().encode(text), new Uint8Array(deflateRawSync(JSON.stringify(texts)))];
    this.fingerprint = fingerprintOf(plan, text);
  }
}

export function readDescription(pages: readonly Uint8Array[] | undefined): StateDescription {
  const page = pages?.[0];
  if (page === undefined) throw new Error('The state does not say which rules made it.');
  const described = JSON.parse(new TextDecoder().decode(page)) as StateDescription;
  if (JSON.stringify(described.records) !== JSON.stringify(RECORDS)) throw new Error('The records of the state lie otherwise than those of this version; only the version that wrote it can take it up.');
  return described;
}

/** The texts of the rules that made a state; undefined: it has none. */
export function ruleTexts(image: WholeImage): RuleTexts | undefined {
  const page = image.sections.get('rules')?.[1];
  return page === undefined ? undefined : JSON.parse(inflateRawSync(page).toString()) as RuleTexts;
}

/** Names of the rules that drain in a state; none: it is that of rules at work. */
export function drainingRules(image: WholeImage): readonly string[] { return (JSON.parse(image.header) as { readonly draining?: readonly string[] }).draining ?? []; }

/** Names of the rules that made a state. */
export function ruleNames(image: WholeImage): string[] {
  return readDescription(image.sections.get('rules')).rules.filter((rule) => !rule.isGroup).map((rule) => rule.name);
}
