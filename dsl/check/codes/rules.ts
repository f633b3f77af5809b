import type { CodeInfo } from './info.ts';

const RULE = 'rule R {\n  by card\n  match a\n  a: Payment where amount > 5\n  alert out { card, sum: a.amount }\n}';

const names = (count: number): string => Array.from({ length: count }, (_, i) => `s${i}`).join(', ');
const steps = (count: number): string => names(count).replaceAll(', ', ' -> ');

/** Rules, patterns and tests. */
export const ruleCodes = {
  'no-match': {
    severity: 'error', meaning: 'A rule has neither a pattern nor a window.', cause: 'A rule says what it looks for with `match`, or gathers events with `window`.',
    example: '  by card', corrected: '  by card\n  match a\n  a: Payment',
  },
  'clause-twice': {
    severity: 'error', meaning: 'A clause or a word stands twice.', cause: 'Each clause stands at most once, but `alert`, `emit` and stages.',
    example: '  match a\n  a: Payment\n  severity high\n  severity low', corrected: '  match a\n  a: Payment\n  severity high',
  },
  'contradiction': {
    severity: 'error', meaning: 'Two words or clauses ask for what cannot both be.', cause: 'The message names both.',
    example: '  match a+ greedy lazy -> b within 5m\n  a, b: Payment', corrected: '  match a+ greedy -> b within 5m\n  a, b: Payment',
  },
  'undefined-stage': {
    severity: 'error', meaning: 'The pattern names a stage that is not defined.', cause: 'Each stage has a definition in the rule: its name, `:` and an event type.',
    example: '  match a -> b within 5m\n  a: Payment', corrected: '  match a -> b within 5m\n  a: Payment\n  b: Payment',
  },
  'unused-stage': {
    severity: 'error', meaning: 'A stage is defined and not used.', cause: 'Name it in the pattern, or remove it.',
    example: '  match a\n  a: Payment\n  b: Payment', corrected: '  match a -> b within 5m\n  a: Payment\n  b: Payment',
  },
  'stage-used-twice': {
    severity: 'error', meaning: 'A stage is used twice in the pattern.', cause: 'Two steps that look for the same have two names: `a, b: Payment`. Only a stage that is only ever banned may be used more often.',
    example: '  match a -> a within 5m\n  a: Payment', corrected: '  match a -> b within 5m\n  a, b: Payment',
  },
  'no-step': {
    severity: 'error', meaning: 'A pattern or a group holds nothing but bans.', cause: 'A pattern needs a step that takes an event. What is to be noticed when it does not come is a silence or an absence.',
    example: '  match not a within 5m\n  a: Payment', corrected: '  match not a for 5m\n  a: Payment',
  },
  'empty-match': {
    severity: 'error', meaning: 'The pattern can match without any event.', cause: 'Every step of it can be left out; make one necessary.',
    example: '  match a* within 5m\n  a: Payment', corrected: '  match all a+ within 5m\n  a: Payment',
  },
  'bad-count': {
    severity: 'error', meaning: 'A repeat count makes no sense.', cause: 'Counts are whole numbers, params, consts or their sums, differences and products, of zero or more, the smaller one first; a part that repeats no times is left out.',
    example: '  match a{5,2} -> b within 5m\n  a, b: Payment', corrected: '  match a{2,5} -> b within 5m\n  a, b: Payment',
  },
  'not-a-loop': {
    severity: 'error', meaning: 'A word that is about loops stands on a step that is none.', cause: '`until`, `greedy`, `lazy`, `strict` and `any` are about steps that repeat; `strict` and `any` about those that repeat more than once.',
    example: '  match a -> b within 5m\n  a: Payment until amount > 5\n  b: Payment', corrected: '  match a+ -> b within 5m\n  a: Payment until amount > 5\n  b: Payment',
  },
  'group-modifier': {
    severity: 'error', meaning: '`until`, `greedy` or `lazy` stands on a group, which is not available in this version.', cause: 'They stand on loops of one stage.',
    example: '  match (a -> b)+ greedy -> c within 5m\n  a, b, c: Payment', corrected: '  match (a -> b)+ -> c within 5m\n  a, b, c: Payment',
  },
  'ban-after-any': {
    severity: 'error', meaning: '`->> not` has no meaning.', cause: 'A ban is about all events between two steps. The arrow of the step after it says how that one is taken.',
    example: '  match a ->> not b -> c within 5m\n  a, b, c: Payment', corrected: '  match a -> not b ->> c within 5m\n  a, b, c: Payment',
  },
  'bad-ban': {
    severity: 'error', meaning: '`not` stands before something that cannot be banned.', cause: '`not` takes a stage, an `or` of stages, or a sequence in parentheses; with `for`, no sequence.',
    example: '  match a -> not b+ -> c within 5m\n  a, b, c: Payment', corrected: '  match a -> not b -> c within 5m\n  a, b, c: Payment',
  },
  'banned-sequence': {
    severity: 'error', meaning: 'A banned sequence is more than this version can run.', cause: 'It consists of single stages: no quantifiers and no alternatives in it, and no `values` over its stages in their conditions.',
    example: '  match a -> not (b{2} -> c) -> d within 5m\n  a, b, c, d: Payment', corrected: '  match a -> not (b -> b2 -> c) -> d within 5m\n  a, b, b2, c, d: Payment',
  },
  'bad-and': {
    severity: 'error', meaning: '`and` joins something else than two to four single stages.', cause: 'It stands for all orders of its stages, so it takes few and simple ones.',
    example: '  match (a and b+) -> c within 5m\n  a, b, c: Payment', corrected: '  match (a and b) -> c within 5m\n  a, b, c: Payment',
  },
  'not-in-choice': {
    severity: 'error', meaning: '`not` is an operand of `and` or `or`.', cause: 'A ban stands between steps.',
    example: '  match a -> (b or not c) within 5m\n  a, b, c: Payment', corrected: '  match a -> not c -> b within 5m\n  a, b, c: Payment',
  },
  'silence-arrow': {
    severity: 'error', meaning: 'A silence follows another arrow than `->`.', cause: 'A silence is a step without an event, at the start or after `->`.',
    example: '  match a => not b for 5m\n  a, b: Payment', corrected: '  match a -> not b for 5m\n  a, b: Payment',
  },
  'too-many-steps': {
    severity: 'error', meaning: 'A pattern has more steps than this version can run.', cause: 'Each mention of a stage is a step, and each order of an `and` has its own; a quantifier makes no more of them. A longer story is told by two rules: the first emits an event that begins the second.',
    example: `  match ${steps(128)} within 5m\n  ${names(128)}: Payment`, corrected: '  match a{128} within 5m\n  a: Payment',
  },
  'too-many-next': {
    severity: 'error', meaning: 'More steps may come next after one than this version can tell apart.', cause: 'Alternatives, and steps that may be left out, are all possible next; each repeat around a step adds its first ones again, and to be complete counts as one.',
    example: `  match a -> (${names(33).replaceAll(', ', ' or ').replace('s0 or ', '')}) within 5m\n  a, ${names(33).replace('s0, ', '')}: Payment`,
    corrected: '  match a -> b within 5m\n  a: Payment\n  b: Payment where items between 1 and 32',
  },
  'absence-without-bound': {
    severity: 'error', meaning: 'An absence at the end has no time bound, so it is never complete.', cause: 'It is complete when the first bound ends: add `within`, `gap` or `within session`.',
    example: '  match a -> not b\n  a, b: Payment', corrected: '  match a -> not b within 5m\n  a, b: Payment',
  },
  'timeout-without-bound': {
    severity: 'error', meaning: '`on timeout` stands in a rule without a time bound.', cause: 'Only what has a time can run out of it.',
    example: '  match a -> b\n  a, b: Payment\n  on timeout alert out {}', corrected: '  match a -> b within 5m\n  a, b: Payment\n  on timeout alert out {}',
  },
  'ban-looks-back': {
    severity: 'error', meaning: 'A ban at the start has no `within` that says how far it looks back.', cause: 'Without `for`, it asks that there was no such event in the `within` span that ends with the first bound event.',
    example: '  match not a -> b\n  a, b: Payment', corrected: '  match not a -> b within 5m\n  a, b: Payment',
  },
  'bound-on-itself': {
    severity: 'error', meaning: 'A single stage is bounded by its own time.', cause: 'A loop may name itself, which bounds the time between its events; other stages name an earlier one.',
    example: '  match a -> b within 1h\n  a: Payment\n  b: Payment within 5m of b', corrected: '  match a -> b within 1h\n  a: Payment\n  b: Payment within 5m of a',
  },
  'bad-severity': {
    severity: 'error', meaning: 'A severity is none of the four.', cause: 'It is low, medium, high or critical, or an expression that gives one of them.',
    example: '  match a\n  a: Payment\n  severity 3', corrected: '  match a\n  a: Payment\n  severity high',
  },
  'missing-field': {
    severity: 'error', meaning: '`emit` leaves out fields that the event must have.', cause: 'Give each a value, or declare it with `?`. The event time is filled in.',
    example: '  by card\n  match a\n  a: Payment\n  emit Exposure { card }', corrected: '  by card\n  match a\n  a: Payment\n  emit Exposure { card, level: a.amount }',
  },
  'emit-cycle': {
    severity: 'error', meaning: 'What a rule emits leads back to the rule.', cause: 'Emit a type that no rule on the way reads.',
    example: '  by card\n  match a\n  a: Exposure\n  emit Exposure { card, level: a.level + 1 }', corrected: '  by card\n  match a\n  a: Payment\n  emit Exposure { card, level: a.amount + 1 }',
  },
  'missing-value': {
    severity: 'error', meaning: 'A field of a test has no value.', cause: 'In a test every field is written with `:` and a value.',
    example: `${RULE}\ntest R "t" {\n  @1s Payment { card }\n  expect nothing\n}`, corrected: `${RULE}\ntest R "t" {\n  @1s Payment { card: "c1" }\n  expect nothing\n}`,
  },
  'never-reported': {
    severity: 'error', meaning: 'A test expects what none of its rules can report.', cause: 'None of the rules has an `alert`, `emit` or `on timeout alert` of that kind.',
    example: `${RULE}\ntest R "t" {\n  @1s Payment { amount: 9 }\n  expect emit Exposure @1s { level: 9 }\n}`, corrected: `${RULE}\ntest R "t" {\n  @1s Payment { amount: 9 }\n  expect @1s { sum: 9 }\n}`,
  },
} as const satisfies Record<string, CodeInfo>;
