/** What a rule costs: per event, in memory, and which clause is to blame. */
import type { RulePlan } from '../compile/plan.ts';
import { indexRegister, positionName, registerText, walkedAggregates } from './parts.ts';

/** Statements for the author, the general before the particular. */
export function costsOf(plan: RulePlan): string[] {
  const { rule, automaton } = plan;
  const { match } = rule;
  const costs: string[] = [];
  for (const position of plan.positions) {
    const waiting = automaton.positions[position.id]!;
    if (waiting.out.length === 0 && !waiting.accepts.some((accept) => accept.absence.length > 0)) continue;
    const name = positionName(plan, position.id);
    const index = indexRegister(position);
    const registers = position.registers.filter((register) => register !== index && !register.startsWith('#mask'));
    if (position.registers.length === 0) {
      costs.push(`after ${name}: flat. However many runs of a key wait here, they are one group, and an event moves all of them at once.`);
    } else if (index !== undefined) {
      const rest = registers.length === 0 ? '' : `, in as many groups as they differ in ${list(registers)}`;
      costs.push(`after ${name}: an event finds the runs with its ${registerText(index)} by hash${rest}.`);
    } else {
      costs.push(`after ${name}: an event is compared with each group of the key's runs; runs are in one group when they agree on ${list(registers)}.`);
    }
  }
  const loops = automaton.edges.filter((edge) => edge.arrow === 'any');
  if (loops.length > 0) {
    const steps = [...new Set(loops.map((edge) => positionName(plan, edge.to)))];
    costs.push(`->> to ${steps.join(', ')}: every later event is considered, so runs stay open after a match, and loops make one run for each choice of events.`);
  }
  if (plan.needsEveryEvent) costs.push('Every event that the rule sees is looked at, also one that no stage takes: => and sessions ask for it.');
  for (const aggregate of walkedAggregates(plan)) costs.push(`${aggregate} walks the events bound so far each time it is evaluated.`);
  if (plan.split === 'run') costs.push('Runs are kept one by one: a silence, or a condition that walks bound events, tells them apart.');
  else if (plan.split === 'start') costs.push('Runs with different first events are kept apart: a time-out, an absence, `longest` or `skip to next` tells them apart.');
  if (match.within === undefined && match.session === undefined && match.gap === undefined && ![...match.stages.values()].some((stage) => stage.within !== undefined)) {
    costs.push('No time bound: a run that is not completed is never given up but by `keep`; state grows with the number of keys that ever began one.');
  }
  const evidence = { full: 'the bytes of', refs: 'the place of', none: 'no' }[rule.evidence];
  costs.push(`evidence ${rule.evidence}: open runs hold ${evidence} their bound events, at most ${rule.keep.count} of one key (keep; drop ${rule.keep.drop}).`);
  return costs;
}

function list(registers: readonly string[]): string {
  return [...new Set(registers.map(registerText))].join(', ');
}
