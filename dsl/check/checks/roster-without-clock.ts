import type { Check } from './finished.ts';

/** A row of the roster is as a key that has just had an event: only a clock that runs from the start notices. */
export const rosterWithoutClock: Check = ({ rule, report, shape, flow }) => {
  const by = shape.rule.clauses.find((clause) => clause.kind === 'by');
  if (rule.roster === undefined || by?.from === undefined || flow.clocks.size > 0) return;
  report.add('no-effect', by.from.span, `\`from ${by.from.text}\` has no effect: a key without an event is noticed only by a silence at the start of the pattern.`, { hint: 'leave it out, or begin with a silence: match not a for 5m' });
};
