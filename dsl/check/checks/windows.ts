import type { Expr, WindowRule } from '../../typed.ts';
import type { RuleDecl } from '../../ast.ts';
import { conjunctsOf } from '../../walk.ts';
import type { Globals } from '../globals.ts';
import type { Report } from '../report.ts';
import { contradiction } from './constraints.ts';

/** A rule with a window as a whole. What was wrong in it is left out. */
export interface FinishedWindow {
  readonly globals: Globals;
  readonly report: Report;
  readonly decl: RuleDecl;
  readonly rule: WindowRule;
}

export type WindowCheck = (window: FinishedWindow) => void;

/** A trigger must have something to report, and a time at which it can. */
export const triggers: WindowCheck = ({ globals: { unread }, report, decl, rule }) => {
  const { shape, trigger } = rule.window;
  const clause = (kind: string) => decl.clauses.find((one) => one.kind === kind);
  const written = clause('trigger');
  if (trigger?.kind === 'rise' && clause('having') === undefined && !unread.inside(decl.span, /\bhav/)) {
    report.add('rise-without-having', written!.span, '`trigger on rise` reports when `having` turns true, and there is none.', { hint: 'add having count() > 10' });
  }
  // A trigger that could not be read has been reported.
  const isTriggerRead = !unread.inside(decl.span, /\btrig|\brise\b/);
  const isHavingRead = clause('having') !== undefined || unread.inside(decl.span, /\bhav/);
  const isLateRead = clause('late') !== undefined || unread.inside(decl.span, /\blat/);
  for (const one of trigger?.kind !== 'rise' && isTriggerRead ? decl.clauses : []) {
    if ((one.kind !== 'alert' && one.kind !== 'emit') || one.when !== 'clear') continue;
    if (!isLateRead) report.add('clear-without-rise', one.span, '`on clear` reports that a condition is false again after `trigger on rise` has reported that it is true; here is no `trigger on rise`, nor `late within`, after which a late event could turn it false.', { hint: 'add trigger on rise' });
    else if (!isHavingRead) report.add('clear-without-rise', one.span, '`on clear` reports that a late event turned `having` false, and there is none.', { hint: 'add having count() > 10' });
  }
  if (shape.kind === 'global' && written === undefined && isTriggerRead) {
    report.add('window-without-report', rule.window.span, 'A global window has no end, so it is never reported.', { hint: 'add trigger every event, trigger early every 10s, or trigger on rise' });
  }
  if (unread.breaks(rule.window.span)) return;
  if (shape.kind === 'sliding' && shape.every === undefined && trigger?.kind === 'early') {
    const isEvent = trigger.every.kind === 'events' && trigger.every.amount.kind === 'literal' && trigger.every.amount.value === 1;
    if (isEvent) report.add('no-effect', written!.span, 'This has no effect: a sliding window without `every` is read at each event.', { hint: 'leave it out' });
    else report.add('trigger-here', written!.span, 'A sliding window without `every` is read at each event: it has no end before which it could be reported.', { hint: 'write window sliding … every …; or trigger on rise' });
  }
};

/** `late within` keeps a window past its end. */
export const lateness: WindowCheck = ({ globals, report, decl, rule }) => {
  const { shape } = rule.window;
  const clause = decl.clauses.find((one) => one.kind === 'late');
  if (clause === undefined || globals.unread.breaks(rule.window.span)) return;
  const why = shape.kind === 'count' ? 'A window of a count of events ends with its last one, whatever the time is'
    : shape.kind === 'global' ? 'A global window is never closed' : shape.kind === 'sliding' && shape.every === undefined ? 'A sliding window without `every` is read at each event, and not kept' : undefined;
  if (why !== undefined) report.add('late-here', clause.span, `${why}, so no event is late for it.`, { hint: 'how far out of order events may come is said by the source: lateness' });
};

/** `having` can hold for some window that has an event. */
export const canHold: WindowCheck = ({ report, rule }) => {
  const { having, window } = rule;
  if (having === undefined) return;
  const empty = emptiness(having, window.inputs.length === 1);
  if (empty !== undefined) {
    report.add('empty-window', empty.span, 'A window in which a key has no event does not exist, so this can never be true.', { hint: 'that nothing comes is a silence: match not a for 1h; a key that never had an event is named by a table: by … from' });
    return;
  }
  // Under `trigger on rise` it is also read when the last event has left.
  for (const part of window.trigger?.kind === 'rise' ? [] : conjunctsOf(having)) {
    if (holdsOfAny(part, window.inputs.length === 1) === true) report.add('no-effect', part.span, 'This has no effect: a window has an event, or it does not exist.', { hint: 'leave it out' });
  }
  const conflict = contradiction(conjunctsOf(having), (expr) => expr.kind === 'windowAggregate' && (expr.fn === 'count' || expr.fn === 'distinct'));
  if (conflict !== undefined) report.add('never-matches', conflict.at.span, `\`having\` can never be true: ${conflict.why}.`);
};

/** The part of a condition that asks for no event at all. `single`: what is counted of the only input is counted of all. */
function emptiness(condition: Expr, single: boolean): Expr | undefined {
  if (condition.kind === 'and' || condition.kind === 'or') return emptiness(condition.left, single) ?? emptiness(condition.right, single);
  const holds = holdsOfAny(condition.kind === 'not' ? condition.operand : condition, single);
  return holds === (condition.kind === 'not') ? condition : undefined;
}

/** What a comparison of the number of a window's events comes to in every window that has one; undefined: it depends. */
function holdsOfAny(condition: Expr, single: boolean): boolean | undefined {
  if (condition.kind !== 'compare') return undefined;
  const { left, right, op } = condition;
  const isCount = (expr: Expr): boolean => expr.kind === 'windowAggregate' && expr.fn === 'count' && expr.where === undefined && expr.value === undefined && (expr.input === undefined || single);
  const [compared, limit] = isCount(left) ? [op, right] : isCount(right) ? [FLIPPED[op], left] : [];
  if (compared === undefined || limit?.kind !== 'literal' || typeof limit.value !== 'number') return undefined;
  const { value } = limit;
  switch (compared) {
    case '==': return value < 1 ? false : undefined;
    case '!=': return value < 1 ? true : undefined;
    case '<': return value <= 1 ? false : undefined;
    case '<=': return value < 1 ? false : undefined;
    case '>': return value < 1 ? true : undefined;
    case '>=': return value <= 1 ? true : undefined;
  }
}

const FLIPPED = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;
