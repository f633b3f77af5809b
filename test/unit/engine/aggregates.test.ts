import { expect, test } from '@jest/globals';
import { run, s } from './harness.ts';

const TYPES = 'event A { s: string?, at: time } time at\nevent B { s: string?, at: time } time at\n';

/** Texts are ids in the engine: the order of ids is that of their coming, not that of the alphabet. */
test.each([['min', 'alpha'], ['max', 'zeta']])('%s of text goes by the text, in conditions and in alerts', (fn, text) => {
  const rule = `${TYPES} rule R { match all a{3} -> b a: A b: B where s == ${fn}(a.s) alert ch { found: ${fn}(a.s) } }`;
  const events = ['mid', 'zeta', 'alpha'].map((value, i) => ({ type: 'A', at: s(i), s: value }));
  expect(run(rule, [...events, { type: 'B', at: s(3), s: text }]).alerts.map((alert) => alert.fields)).toEqual([{ found: text }]);
  expect(run(rule, [...events, { type: 'B', at: s(3), s: 'mid' }]).alerts).toEqual([]);
});
