/** A rule over windows as data for people: what it keeps, when it reports, and what that costs and how exact it is. */
import type { WindowPlan, WindowShape } from '../compile/plan.ts';
import { conjunctsOf } from '../compile/walk.ts';
import type { RuleDescription, StateDescription } from './describe.ts';
import { printDuration, printExpr } from './print.ts';

/** What patterns and windows have each of their own. */
export type OwnParts = Pick<RuleDescription, 'match' | 'stages' | 'timers' | 'state' | 'costs' | 'positions' | 'edges'>;

export function describeWindow(plan: WindowPlan): OwnParts {
  const { rule, shape, trigger } = plan;
  return {
    match: [`window ${shapeText(shape)}`, triggerText(trigger), plan.late === 0 ? '' : `late within ${printDuration(plan.late)}`].filter((part) => part !== '').join(', '),
    stages: rule.window.inputs.map((input, i) => ({
      name: plan.stages[i]!.name, types: input.types, loop: false, banned: false,
      conditions: conjunctsOf(input.where).map((conjunct) => ({ text: printExpr(conjunct, rule), where: 'event', clause: 'where' })),
    })),
    positions: [], edges: [],
    timers: timersOf(plan),
    state: plan.aggregates.map(({ expr, fn }, i): StateDescription => ({ position: i, name: printExpr(expr, rule), registers: [KEPT[fn]], bytes: 8 * CELLS[fn] })),
    costs: costsOf(plan),
  };
}

const KEPT: Readonly<Record<WindowPlan['aggregates'][number]['fn'], string>> = {
  count: 'a count', sum: 'a sum of twice the precision', avg: 'a count and a sum of twice the precision', min: 'the least value', max: 'the greatest value',
  stddev: 'sums of the values and their squares, of twice the precision', variance: 'sums of the values and their squares, of twice the precision',
  first: 'the first value', last: 'the last value', slope: 'sums of times, values, their squares and products, of twice the precision', any: 'two counts', all: 'two counts',
  distinct: 'each value with its count; exact up to 1,024 different ones, above 2,048 estimated from a sample (standard error 3.8 %)',
  top: 'each value with its count; exact up to 1,024 different ones, above 2,048 a count is too low by at most 1/1,024 of all events',
  percentile: 'counts by size (DDSketch): within 1 % of the value', values: 'the values', lasting: 'the time it held', timeAvg: 'the sum of values over time',
};
/** Float cells, without records of its own. */
const CELLS: Readonly<Record<WindowPlan['aggregates'][number]['fn'], number>> = {
  count: 1, sum: 3, avg: 3, min: 2, max: 2, stddev: 5, variance: 5, first: 3, last: 3, slope: 10, any: 2, all: 2, distinct: 1, top: 1, percentile: 1, values: 1, lasting: 8, timeAvg: 8,
};

function shapeText(shape: WindowShape): string {
  switch (shape.kind) {
    case 'tumbling': return `tumbling ${printDuration(shape.size)}${shape.offset === 0 ? '' : ` offset ${printDuration(shape.offset)}`}`;
    case 'calendar': return `tumbling ${shape.unit} in ${shape.zone}`;
    case 'session': return `session gap ${printDuration(shape.gap)}${shape.max === Infinity ? '' : ` max ${printDuration(shape.max)}`}`;
    case 'global': return 'global';
    case 'sliding': return `sliding ${printDuration(shape.size)}${shape.every === 0 ? '' : ` every ${printDuration(shape.every)}`}`;
    case 'count': return `count ${shape.size}${shape.every === 0 ? '' : ` every ${shape.every}`}`;
  }
}

function triggerText(trigger: WindowPlan['trigger']): string {
  switch (trigger.kind) {
    case 'none': return '';
    case 'rise': return 'trigger on rise';
    case 'time': return `trigger early every ${printDuration(trigger.every)}`;
    case 'events': return trigger.every === 1 ? 'trigger every event' : `trigger every ${trigger.every} events`;
  }
}

function timersOf({ shape, trigger, late }: WindowPlan): string[] {
  const timers: string[] = [];
  switch (shape.kind) {
    case 'tumbling': case 'calendar': timers.push('the end of each window in which the key has an event'); break;
    case 'session': timers.push('the end of the session, put off by each event'); break;
    case 'sliding': timers.push(shape.every > 0 ? 'each step, as long as the window holds an event' : trigger.kind === 'rise' ? 'each moment at which an event leaves' : 'the last event leaves: the key goes'); break;
    case 'count': case 'global': break;
  }
  if (trigger.kind === 'time') timers.push(`every ${printDuration(trigger.every)} from the start of a window on, where an event came since the last report`);
  if (late > 0) timers.push(`${printDuration(late)} after its end a window is given up`);
  return timers;
}

function costsOf({ rule, shape, aggregates, trigger, late, steady }: WindowPlan): string[] {
  const costs: string[] = [];
  if (shape.kind === 'sliding' && shape.every > 0) {
    costs.push(`An event goes into one pane of ${printDuration(shape.pane)}, however many windows it is in; a window is read off running states, not put together from its ${shape.size / shape.pane} panes.${steady && trigger.kind !== 'time' ? ' Steps at which having would say the same as before are left out.' : ''}`);
  } else if (shape.kind === 'sliding') {
    costs.push(`Each event keeps its part in every aggregate until its ${printDuration(shape.size)} are over; having is read at each event${trigger.kind === 'rise' ? ', and as events leave' : ''}.`);
  } else if (shape.kind === 'count' && shape.every > 0) costs.push(`An event goes into one pane of ${shape.pane} events, however many windows it is in.`);
  else costs.push('An event goes into one window; the window keeps the states of the aggregates and no events.');
  if ((shape.kind === 'sliding' || shape.kind === 'count') && shape.every > 0 && (trigger.kind === 'time' || trigger.kind === 'events')) {
    costs.push(`${trigger.kind === 'events' ? 'At each event the panes of the open windows are gone through' : 'When a window may report early the panes of the open ones are gone through'}; those that are reported are put together from their panes, all in one go.`);
  }
  if (late > 0) {
    const turns = trigger.kind === 'rise' || rule.outputs.some((output) => output.onClear === true);
    costs.push(`A window is kept for ${printDuration(late)} after its end; a late event reads those that it changes ${turns ? 'without it and with it' : 'again'}${shape.kind === 'sliding' ? ', each put together from its panes' : ''}.`);
  }
  for (const { fn, expr, argument } of aggregates) {
    if (fn === 'distinct' || fn === 'top' || fn === 'percentile') costs.push(`${printExpr(expr, rule)} keeps ${KEPT[fn]}.`);
    else if (fn === 'values') costs.push(`${printExpr(expr, rule)} keeps at most ${Math.min(argument ?? Infinity, 10_000)} values, the latest.`);
  }
  if (shape.kind === 'global' || shape.kind === 'count') costs.push('A key is never given up: state grows with the number of keys that ever had an event.');
  return costs;
}
