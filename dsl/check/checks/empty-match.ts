import { START } from '../flow.ts';
import type { Check } from './finished.ts';

/** A pattern takes at least one event. */
export const emptyMatch: Check = ({ report, shape, flow }) => {
  if (!flow.firsts.has(START)) return;
  report.add('empty-match', shape.match.pattern.span, 'This pattern can match without any event: every step of it can be left out.', { hint: 'make one of them necessary: x+ in place of x*' });
};
