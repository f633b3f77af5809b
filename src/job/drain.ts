/**
 * Rules that would lose their open runs by a change, and drain instead: they go on in an engine of their own, made of the texts that the state was made by, until nothing of
 * them is open (section 7 of the language).
 */
import { check, parseFile } from '../../dsl/index.ts';
import type { Program, Rule } from '../../dsl/typed.ts';
import { compile, typesRead } from '../compile/index.ts';
import { drainingRules, isLost, ruleNames, ruleTexts, type Change, type Engine, type RestoreOptions, type RuleChange } from '../engine/index.ts';
import type { WholeImage } from '../state/image.ts';
import { fieldMapOf, type JobConfig } from './config/index.ts';
import { inputsOf, type RuleGroup } from './groups.ts';

/** A rule of a state that cannot drain, and why. */
export class CannotDrain extends Error {
  constructor(rule: string, reason: string) { super(`${rule} cannot drain: ${reason}.`); }
}

/** What makes the engine of rules that drain. @throws CannotDrain */
export type MakeDrain = (image: WholeImage, names: readonly string[]) => RuleGroup;

export function drainOf(job: JobConfig): MakeDrain {
  return (image, names) => {
    const texts = ruleTexts(image);
    const parsed = texts?.files.map(({ path, text }) => parseFile(path, text)) ?? [];
    const checked = check(parsed.map(({ file }) => file));
    const errors = [...parsed.flatMap(({ diagnostics }) => diagnostics), ...checked.diagnostics].filter(({ severity }) => severity === 'error');
    if (texts === undefined || checked.program === undefined || errors.length > 0) throw new CannotDrain(names[0]!, errors.length > 0 ? `its old text has errors by now (${errors[0]!.message})` : 'the state does not have its text');
    const { program } = checked;
    const rules = names.map((name) => program.rules.find((rule) => rule.name === name)!);
    for (const rule of rules) {
      const reason = whyNot(program, rule);
      if (reason !== undefined) throw new CannotDrain(rule.name, reason);
    }
    const plan = compile(program, { params: Object.fromEntries(texts.params), rules: names });
    if (plan.tables.length > 0) throw new CannotDrain(names[0]!, `it, or a rule beside it, reads the table ${plan.tables[0]!.name}, of which there are only the rows of now`);
    const inputs = inputsOf(job, program, rules);
    if (inputs.length === 0) throw new CannotDrain(names[0]!, 'no source of the job gives its events any more');
    return { plan, inputs, mapOf: (source) => fieldMapOf(job.sources.get(source)!, program) };
  };
}

function whyNot(program: Program, rule: Rule): string | undefined {
  if (rule.outputs.some(({ kind }) => kind === 'emit')) return 'it emits events, which rules of now would not see';
  const read = typesRead(program, rule);
  const cause = program.rules.find(({ outputs }) => outputs.some(({ kind, target }) => kind === 'emit' && read.has(target)));
  if (cause !== undefined) return `it reads events that ${cause.name} emits`;
  if (rule.kind === 'pattern') {
    const { within, session, gap } = rule.match;
    return within ?? session ?? gap ? undefined : 'it has no `within`, `session` or `gap`, so that its runs may never end';
  }
  const { shape } = rule.window;
  if (shape.kind === 'global') return 'its window never ends';
  return shape.kind === 'sliding' || (shape.kind === 'count' && shape.every !== undefined) ? 'its windows overlap, which cannot be told to begin no more' : undefined;
}

/** Engines that take the runs up. */
export interface Drained { readonly change: Change; readonly drains: readonly { readonly image: WholeImage; readonly index: number; readonly group: RuleGroup; readonly names: readonly string[] }[] }

/** Lets what a change would lose drain. `engines`: of the state, those that drain already among them. @throws CannotDrain */
export function drainLost(change: Change, engines: readonly WholeImage[], make: MakeDrain): Drained {
  const lost = new Set(change.rules.filter((rule) => isLost(rule) && rule.runs > 0).map(({ rule }) => rule));
  const drains = engines.flatMap((image, index) => {
    const names = drainingRules(image).length > 0 ? [] : ruleNames(image).filter((name) => lost.has(name));
    return names.length === 0 ? [] : [{ image, index, names, group: make(image, names) }];
  });
  const rules = change.rules.map((rule): RuleChange => (lost.has(rule.rule) ? { ...rule, what: 'drains' } : rule));
  return { change: { rules, notes: change.notes }, drains };
}

/** Takes the runs of draining rules up: of rules at work until now, or of those that drained before. @throws CannotDrain */
export function takeUpDrain(engine: Engine, image: WholeImage, names: readonly string[], again: RestoreOptions['again']): void {
  const change = engine.restoreImage(image, { accept: () => undefined, again });
  const unfit = change?.rules.find(({ rule, what }) => names.includes(rule) && what !== 'goes on');
  if (unfit !== undefined) throw new CannotDrain(unfit.rule, unfit.reason ?? 'this version cannot take its runs up');
  if (engine.draining.length === 0) engine.drain();
  engine.markDirty();
}
