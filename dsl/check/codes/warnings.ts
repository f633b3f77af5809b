import type { CodeInfo } from './info.ts';

const RULE = 'rule R {\n  by card\n  match a\n  a: Payment where amount > 5\n  alert out { card, sum: a.amount }\n}';

/** What is allowed and most likely not meant. */
export const warningCodes = {
  'no-time-bound': {
    severity: 'warning', meaning: 'A run of this rule can live for ever.', cause: 'Nothing ends a run that waits for an event that never comes: it and its events are kept until `keep` drops the oldest. Add `within`, `gap` or `within session`.',
    example: '  match a -> b\n  a, b: Payment', corrected: '  match a -> b within 5m\n  a, b: Payment',
  },
  'never-matches': {
    severity: 'warning', meaning: 'No event can satisfy a stage\'s condition, or no match `having`.', cause: 'Its constants contradict each other, or `on` lets no such event through.',
    example: '  match a\n  a: Payment where amount > 10 and amount < 5', corrected: '  match a\n  a: Payment where amount > 5 and amount < 10',
  },
  'no-effect': {
    severity: 'warning', meaning: 'A clause or a part of one changes nothing.', cause: 'The message says why. Remove it, or look whether something else is meant.',
    example: '  match a -> b within 5m gap 10m\n  a, b: Payment', corrected: '  match a -> b within 10m gap 5m\n  a, b: Payment',
  },
  'no-output': {
    severity: 'warning', meaning: 'A rule reports nothing.', cause: 'It has neither `alert` nor `emit`.',
    example: 'rule R {\n  match a\n  a: Payment\n}', corrected: 'rule R {\n  match a\n  a: Payment\n  alert out {}\n}',
  },
  'redundant-modifier': {
    severity: 'warning', meaning: '`greedy` or `lazy` changes nothing where it stands.', cause: 'The last loop under `match all` gives a match for every event anyway; a loop of a fixed count has no choice.',
    example: '  match all a -> b+ greedy within 5m\n  a, b: Payment', corrected: '  match all a -> b+ within 5m\n  a, b: Payment',
  },
  'redundant-loop': {
    severity: 'warning', meaning: 'A loop at the end under `match first` takes no more than its least.', cause: 'The pattern is complete as soon as that is met, and the match is reported at once. `match longest` waits for all.',
    example: '  match first a -> b+ within 5m\n  a, b: Payment', corrected: '  match longest a -> b+ within 5m\n  a, b: Payment',
  },
  'redundant-ban': {
    severity: 'warning', meaning: 'A ban keeps no match from being reported.', cause: 'Nothing lies between neighbours (`=>`); before an end that may be left out the match is complete already.',
    example: '  match all a -> not b -> c? within 5m\n  a, b, c: Payment', corrected: '  match all a -> not b -> c within 5m\n  a, b, c: Payment',
  },
  'unpinned-equality': {
    severity: 'warning', meaning: 'A stage equates a field of an earlier one of which only the first is tried.', cause: '`->` takes the first event that fits. If its field is not the one that comes later, other events are not looked at. `->>` considers each.',
    example: '  match all a -> b -> c within 5m\n  a: Login\n  b: Payment where amount > 5\n  c: Payment where merchant == b.merchant',
    corrected: '  match all a ->> b -> c within 5m\n  a: Login\n  b: Payment where amount > 5\n  c: Payment where merchant == b.merchant',
  },
  'lower-time-bound': {
    severity: 'warning', meaning: 'A step reached by `->` asks for a least time since an earlier one.', cause: 'Events that come sooner are skipped, not refused. To refuse matches that are too quick, use `having`.',
    example: '  match all a -> b within 1h\n  a: Payment\n  b: Login where at - a.at > 5m', corrected: '  match all a -> b within 1h\n  a: Payment\n  b: Login\n  having b.at - a.at > 5m',
  },
  'first-drops-others': {
    severity: 'warning', meaning: 'Under `match first`, stages equate a field that is not in the key.', cause: 'A match drops all runs that began before it, those with other values of the field included. Add the field to `by`, or use `match all`.',
    example: '  by card\n  match a -> b within 5m\n  a: Payment\n  b: Payment where merchant == a.merchant', corrected: '  by card, merchant\n  match a -> b within 5m\n  a: Payment\n  b: Payment where merchant == a.merchant',
  },
  'time-field-filled': {
    severity: 'warning', meaning: 'The event time is given where it is filled in.', cause: 'An emitted event has the time of its report, an event of a test the time after `@`.',
    example: '  by card\n  match a\n  a: Payment\n  emit Exposure { card, level: 1.0, at: a.at }', corrected: '  by card\n  match a\n  a: Payment\n  emit Exposure { card, level: 1.0 }',
  },
  'test-without-expect': {
    severity: 'warning', meaning: 'A test does not say what it expects.', cause: 'It fails on any alert, as with `expect nothing`: write that, or what is expected.',
    example: `${RULE}\ntest R "t" {\n  @1s Payment { amount: 1 }\n}`, corrected: `${RULE}\ntest R "t" {\n  @1s Payment { amount: 1 }\n  expect nothing\n}`,
  },
} as const satisfies Record<string, CodeInfo>;
