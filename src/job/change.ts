/** The state of a job whose rules may have changed: which of its engines each group of rules goes on from, and what becomes of every rule. */
import { drainingRules, Engine, ruleNames, rulesOf, type Change, type RestoreOptions, type RuleChange } from '../engine/index.ts';
import type { Program } from '../../dsl/typed.ts';
import type { Log } from '../connect/types.ts';
import type { StateStore } from '../state/stores/index.ts';
import type { WholeImage } from '../state/image.ts';
import type { JobConfig } from './config/index.ts';
import { CannotDrain, drainLost, drainOf } from './drain.ts';
import { groupRules } from './groups.ts';
import { TaskStore, type Restored } from './state.ts';
import type { Watermarks } from './watermarks.ts';

export interface Group {
  readonly engine: Engine;
  readonly watermarks?: Watermarks;
  /** Decodes an event that was held back once more. */
  readonly again: RestoreOptions['again'];
}

const namesOf = ({ engine }: Group): string[] => engine.plan.rules.filter((rule) => !rule.isGroup).map(({ rule }) => rule.name);

const featuresOf = ({ engine }: Group): string[] => engine.plan.features.flatMap(({ features }) => features.map(({ name }) => name));

/**
 * Restores a task's engines. Groups of rules may have been formed otherwise since: each goes on from the engine that had most of its rules. Returns what
 * became of the rules; undefined: they are those that made the state.
 */
export function takeUp(groups: readonly Group[], { engines, watermarks }: Pick<Restored, 'engines' | 'watermarks'>): Change | undefined {
  const names = engines.map((image) => new Set(ruleNames(image)));
  const from = groups.map((group) => {
    const shares = names.map((set) => namesOf(group).filter((name) => set.has(name)).length);
    const most = Math.max(0, ...shares);
    return most === 0 ? -1 : shares.indexOf(most);
  });
  const changes = groups.map((group, i): Change | undefined => {
    const image = engines[from[i]!];
    if (image === undefined) return { rules: namesOf(group).map((rule): RuleChange => ({ rule, what: 'new', reason: undefined, runs: 0, of: 'run', keys: 0 })), notes: [] };
    const change = group.engine.restoreImage(image, { accept: () => undefined, again: group.again, elsewhere: new Set(groups.flatMap((other, k) => (k !== i && from[k] === from[i] ? featuresOf(other) : []))) });
    group.watermarks?.restore(watermarks[from[i]!]!);
    return change;
  });
  const isMoved = from.length !== engines.length || from.some((image, i) => image !== i);
  // A store knows what it has of an engine by the engine's number.
  if (isMoved) for (const { engine } of groups) engine.markDirty();
  return isMoved || changes.some((change) => change !== undefined) ? together(groups, from, changes, engines, names) : undefined;
}

function together(groups: readonly Group[], from: readonly number[], changes: readonly (Change | undefined)[], engines: readonly WholeImage[], names: readonly ReadonlySet<string>[]): Change {
  const counted = new Map<number, readonly RuleChange[]>();
  const count = (image: number, rule: string): RuleChange => {
    const known = counted.get(image) ?? rulesOf(engines[image]!);
    counted.set(image, known);
    return known.find((one) => one.rule === rule)!;
  };
  const rules: RuleChange[] = [];
  const seen = new Set<string>();
  groups.forEach((group, i) => {
    for (const rule of namesOf(group)) {
      seen.add(rule);
      const own = changes[i]?.rules.find((one) => one.rule === rule);
      if (own === undefined) rules.push({ ...count(from[i]!, rule), what: 'goes on', reason: undefined });
      else {
        const elsewhere = own.what === 'new' ? names.findIndex((set) => set.has(rule)) : -1;
        rules.push(elsewhere < 0 ? own : { ...count(elsewhere, rule), what: 'fresh', reason: 'it waits for other sources than before, together with other rules' });
      }
    }
  });
  names.forEach((set, image) => { for (const rule of set) if (!seen.has(rule)) rules.push(count(image, rule)); });
  return { rules, notes: [...new Set(changes.flatMap((change) => change?.notes ?? []))] };
}

export interface PlannedTask {
  readonly task: string;
  /** Number of the checkpoint looked at. */
  readonly checkpoint: number;
  /** undefined: the rules are those that made the state. */
  readonly change: Change | undefined;
  /** Why what would be lost cannot drain; undefined: it can, or nothing would be. */
  readonly cannotDrain: string | undefined;
}

/** What would become of the state of a job under these rules, from the newest checkpoint of each task; nothing is changed. */
export async function planChange(job: JobConfig, program: Program, store: StateStore, log: Log): Promise<PlannedTask[]> {
  const planned: PlannedTask[] = [];
  for (const task of (await store.tasks()).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
    const { state } = await new TaskStore(store, task, job.state.checkpoint.retain, log).read(undefined);
    if (state === undefined) continue;
    const groups = groupRules(job, program).map(({ plan }): Group => ({ engine: new Engine(plan, { watermarks: 'given', onAlert: () => undefined }), again: () => true }));
    const isAtWork = state.engines.map((image) => drainingRules(image).length === 0);
    const change = takeUp(groups, { engines: state.engines.filter((_, i) => isAtWork[i]), watermarks: state.watermarks.filter((_, i) => isAtWork[i]) });
    const { drained, cannotDrain } = change === undefined ? { drained: undefined, cannotDrain: undefined } : tryDrain(change, state.engines, job);
    const still = state.engines.flatMap((image) => drainingRules(image).map((name) => rulesOf(image).find(({ rule }) => rule === name)!));
    const notes = still.filter(({ runs }) => runs > 0).map(({ rule, runs, of }) => `${rule} drains since an earlier change: ${runs} open ${of}${runs === 1 ? '' : 's'}`);
    const told = job.state.onChange === 'drain' ? drained ?? change : change;
    planned.push({ task, checkpoint: state.checkpoint, change: told === undefined ? undefined : { rules: told.rules, notes: [...told.notes, ...notes] }, cannotDrain });
  }
  return planned;
}

function tryDrain(change: Change, engines: readonly WholeImage[], job: JobConfig): { readonly drained: Change | undefined; readonly cannotDrain: string | undefined } {
  try {
    return { drained: drainLost(change, engines, drainOf(job)).change, cannotDrain: undefined };
  } catch (error) {
    if (!(error instanceof CannotDrain)) throw error;
    return { drained: undefined, cannotDrain: error.message };
  }
}

/** The changes of all tasks as one: a rule starts fresh where it does in any. */
export function summed(tasks: readonly PlannedTask[]): Change {
  const rules = new Map<string, RuleChange>();
  for (const { change } of tasks) {
    for (const rule of change?.rules ?? []) {
      const known = rules.get(rule.rule);
      const worst = known === undefined || SEVERITY.indexOf(rule.what) > SEVERITY.indexOf(known.what) ? rule : known;
      rules.set(rule.rule, { ...worst, runs: (known?.runs ?? 0) + rule.runs, keys: (known?.keys ?? 0) + rule.keys });
    }
  }
  return { rules: [...rules.values()], notes: [...new Set(tasks.flatMap(({ change }) => change?.notes ?? []))] };
}

const SEVERITY: readonly RuleChange['what'][] = ['new', 'goes on', 'drains', 'fresh', 'dropped'];
