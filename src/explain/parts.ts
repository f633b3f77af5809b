/** Words for the parts of a plan. */
import type { PositionPlan, RulePlan } from '../compile/plan.ts';
import { walk } from '../compile/walk.ts';
import { printExpr } from './print.ts';

/** The register by which the runs at a position are found, or undefined. */
export function indexRegister(position: PositionPlan): string | undefined {
  return position.indexCell < 0 ? undefined : position.registers[position.indexCell];
}

export function positionName({ automaton, rule }: RulePlan, id: number): string {
  if (id < 0) return 'start';
  const position = automaton.positions[id]!;
  return position.stage ?? `not ${position.silence!.stages.join(' or ')} for ${printExpr(position.silence!.duration, rule)}`;
}

/** What the parts of running aggregates are called. */
const AGGREGATE_WORDS: Readonly<Record<string, string>> = {
  n: 'count', k: 'count', m2: 'deviation', mean: 'deviation', du: 'lasting', pl: 'lasting', lt: 'time of the last', ws: 'timeAvg', wt: 'timeAvg', pv: 'timeAvg',
};

/** A register of the plan in the author's words. */
export function registerText(register: string): string {
  if (register.startsWith('f:')) return register.slice(2);
  if (register.startsWith('t:')) return `timeOf(${register.slice(2)})`;
  if (register.startsWith('d:')) return 'a duration read as its span began';
  if (register.startsWith('p:')) return register === 'p:#time' ? 'timeOf(prev)' : `prev.${register.slice(2)}`;
  if (register.startsWith('a:')) {
    const [stage = '', ...rest] = register.slice(2).split('|');
    const kept = rest.join('|').split(':').at(-1) ?? '';
    return `${AGGREGATE_WORDS[kept] ?? kept} over ${stage}`;
  }
  if (/^#c\d+$/.test(register)) return 'turns of the loop';
  if (register === '#start') return 'the first event';
  if (register === '#run') return 'the run itself';
  if (register === '#bound') return 'number of bound events';
  if (register === '#mask') return 'steps that are over';
  if (register.startsWith('#closed')) return 'loop closed by until';
  if (register === '#lazy') return 'steps that could have taken the event';
  return register;
}

/** All expressions of a rule's conditions that walk the bound events each time. */
export function walkedAggregates({ rule }: RulePlan): string[] {
  const found = new Set<string>();
  for (const stage of rule.match.stages.values()) {
    for (const expr of [stage.where, stage.until]) {
      if (expr === undefined) continue;
      walk(expr, (e) => { if (e.kind === 'aggregate' && (e.fn === 'distinct' || e.fn === 'values')) found.add(printExpr(e, rule)); });
    }
  }
  return [...found];
}
