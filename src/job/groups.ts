/** Which rules of a job share an engine: those that wait for the same sources, so that a slow source holds back only the rules that read it. */
import type { Program, Rule } from '../../dsl/typed.ts';
import { compile, typesRead, type Plan } from '../compile/index.ts';
import { paramsOf, rulesOf, typesOf, type JobConfig } from './config/index.ts';

export interface RuleGroup {
  readonly plan: Plan;
  /** Names of the sources that give any event type of its rules, as listed in the job file. */
  readonly inputs: readonly string[];
  /** Names in the data of a source, where they are not those that the job's rules of now have; as of `TaskInput.map`. */
  readonly mapOf?: ((source: string) => ReadonlyMap<string, ReadonlyMap<string, string>>) | undefined;
}

/**
 * A rule reads what its features are of like what it sees. Rules joined by derived events are one group, since those come in the order of their causes. A source that may give any type (its events say
 * theirs) is waited for by every rule. @throws ParamError, CompileError
 */
export function groupRules(job: JobConfig, program: Program): RuleGroup[] {
  const rules = rulesOf(job, program);
  const emits = new Map<string, Rule[]>();
  for (const rule of rules) for (const output of rule.outputs) if (output.kind === 'emit') emits.set(output.target, [...emits.get(output.target) ?? [], rule]);
  const leader = new Map<Rule, Rule>(rules.map((rule) => [rule, rule]));
  const find = (rule: Rule): Rule => { const above = leader.get(rule)!; return above === rule ? rule : find(above); };
  const derived = new Set<string>();
  for (const rule of rules) {
    for (const type of typesRead(program, rule)) {
      for (const cause of emits.get(type) ?? []) {
        derived.add(type);
        leader.set(find(rule), find(cause));
      }
    }
  }
  const families = new Map<Rule, Rule[]>();
  for (const rule of rules) families.set(find(rule), [...families.get(find(rule)) ?? [], rule]);
  const groups = new Map<string, { inputs: string[]; rules: string[] }>();
  for (const family of families.values()) {
    const inputs = inputsOf(job, program, family);
    const known = groups.get(inputs.join('\n'));
    if (known === undefined) groups.set(inputs.join('\n'), { inputs, rules: family.map(({ name }) => name) });
    else known.rules.push(...family.map(({ name }) => name));
  }
  const params = paramsOf(job, program);
  return [...groups.values()].filter(({ inputs }) => inputs.length > 0).map(({ inputs, rules: names }) => ({ inputs, plan: compile(program, { params, rules: names }) }));
}

/** Names of the sources that give any event type of the rules. */
export function inputsOf(job: JobConfig, program: Program, rules: readonly Rule[]): string[] {
  const seen = new Set(rules.flatMap((rule) => [...typesRead(program, rule)]));
  return [...job.sources].filter(([, source]) => {
    const { types, open } = typesOf(source);
    return open || types.some((type) => program.events.get(type)?.accepts.some((name) => seen.has(name)) === true || seen.has(type));
  }).map(([name]) => name);
}
