import { START } from '../flow.ts';
import type { Check } from './finished.ts';

/** A pattern takes at least one event. */
export const emptyMatch: Check = ({ report, shape, flow }) => {
  if (!flow.firsts.has(START)) return;
  report.add('empty-match', shape.match.pattern.span, 'This pattern can match without any event: every step of it can be left out.', {
    hint: [...shape.counts.values()].some((counts) => !counts.fixed && counts.least === 0) ? 'make one of them necessary, or raise the lower bound of the param that counts it to 1' : 'make one of them necessary: x+ in place of x*',
  });
};
