import type { CodeInfo } from './info.ts';

/** Expressions: types, nulls, stages and aggregates. */
export const expressionCodes = {
  'count-of-condition': {
    severity: 'error', meaning: '`count` is given a condition.', cause: '`count(x)` counts the events in which x has a value, and a condition always has one. What is to be counted stands behind `where`.',
    example: '  by card\n  on Payment\n  window tumbling 1h\n  having count(amount > 5) > 3', corrected: '  by card\n  on Payment\n  window tumbling 1h\n  having count(where amount > 5) > 3',
  },
  'type-mismatch': {
    severity: 'error', meaning: 'A value is of another type than what stands beside it, or than what is asked for.', cause: 'The message names both types.',
    example: '  match a\n  a: Payment where amount > "five"', corrected: '  match a\n  a: Payment where amount > 5',
  },
  'mixed-types': {
    severity: 'error', meaning: 'One name has different types in the event types that may stand here.', cause: 'Only fields of one type can be read from either.',
    example: 'event A { v: int }\nevent B { v: string }\nrule R {\n  match a\n  a: A | B where v == 5\n  alert out {}\n}',
    corrected: 'event A { v: int }\nevent B { v: float }\nrule R {\n  match a\n  a: A | B where v == 5\n  alert out {}\n}',
  },
  'not-in-set': {
    severity: 'error', meaning: 'A text is not one of those that its type has.', cause: 'A closed set of texts is compared with its own texts only.',
    example: '  match a\n  a: Payment where status == "failed"', corrected: '  match a\n  a: Payment where status == "fail"',
  },
  'not-a-condition': {
    severity: 'error', meaning: 'A value stands where something true or false is asked for.', cause: 'Compare the value with something.',
    example: '  match a\n  a: Payment where amount', corrected: '  match a\n  a: Payment where amount > 0',
  },
  'not-constant': {
    severity: 'error', meaning: 'This must be known when the rule is compiled.', cause: 'Here stand literals and consts; params and fields are known only when the rule runs.',
    example: '  match a\n  a: Payment where merchant matches card', corrected: '  match a\n  a: Payment where merchant matches /^m/',
  },
  'compare-with-null': {
    severity: 'error', meaning: 'A value is compared with null, which is never equal to anything.', cause: '`is null` and `is not null` test for it.',
    example: '  match a\n  a: Payment where country == null', corrected: '  match a\n  a: Payment where country is null',
  },
  'may-be-null': {
    severity: 'error', meaning: 'A field of an emitted event must always be there, and its value may be null.', cause: '`??` says what stands for null; or declare the field with `?`.',
    example: 'event Seen { card: string, country: string }\nrule R {\n  by card\n  match a\n  a: Payment\n  emit Seen { card, country: a.country }\n}',
    corrected: 'event Seen { card: string, country: string }\nrule R {\n  by card\n  match a\n  a: Payment\n  emit Seen { card, country: a.country ?? "?" }\n}',
  },
  'never-null': {
    severity: 'warning', meaning: 'A value that is never null is tested for null, or given a substitute.', cause: 'The field is declared without `?`. Drop the test, or look whether another field is meant.',
    example: '  match a\n  a: Payment where (merchant ?? "none") == "m1"', corrected: '  match a\n  a: Payment where (country ?? "none") == "FR"',
  },
  'compares-with-itself': {
    severity: 'warning', meaning: 'A field is compared with itself.', cause: 'A bare name is a field of the event being tested; that of an earlier event is written with its stage.',
    example: '  match all a ->> b within 5m\n  a: Payment\n  b: Payment where merchant == merchant', corrected: '  match all a ->> b within 5m\n  a: Payment\n  b: Payment where merchant == a.merchant',
  },
  'empty-range': {
    severity: 'warning', meaning: 'Nothing lies between the two bounds.', cause: 'The smaller bound comes first.',
    example: '  match a\n  a: Payment where amount between 10 and 1', corrected: '  match a\n  a: Payment where amount between 1 and 10',
  },
  'division-by-zero': {
    severity: 'warning', meaning: 'Something is divided by zero, which is always null.', cause: 'Usually a const that was meant to have another value.',
    example: '  match a\n  a: Payment where amount / 0 > 1', corrected: '  match a\n  a: Payment where amount / 2 > 1',
  },
  'bad-arguments': {
    severity: 'error', meaning: 'A function is called with too few, too many or the wrong kind of arguments.', cause: 'The message shows how it is called.',
    example: '  match a\n  a: Payment where pow(amount) > 4', corrected: '  match a\n  a: Payment where pow(amount, 2) > 4',
  },
  'bad-text': {
    severity: 'error', meaning: 'A text is no network, or no time zone.', cause: 'Networks are written as in `"10.0.0.0/8"`, zones as in `"Europe/Berlin"`.',
    example: '  match a\n  a: Payment where hour(at, "Berlin") > 20', corrected: '  match a\n  a: Payment where hour(at, "Europe/Berlin") > 20',
  },
  'bad-regex': {
    severity: 'error', meaning: 'A regular expression cannot be compiled.', cause: 'Regular expressions are those of RE2, which have no look-around and no back references, and take linear time.',
    example: '  match a\n  a: Payment where merchant matches /(a/', corrected: '  match a\n  a: Payment where merchant matches /(a)/',
  },
  'regex-here': {
    severity: 'error', meaning: 'A regular expression stands where a value is asked for.', cause: 'It stands after `matches`, and as the second argument of `split` and `replace`.',
    example: '  match a\n  a: Payment where contains(merchant, /m.*/)', corrected: '  match a\n  a: Payment where merchant matches /m.*/',
  },
  'record-here': {
    severity: 'error', meaning: 'A record stands where a value is asked for.', cause: 'Records are written out only in tests, as the value of a field that is a record.',
    example: 'rule R {\n  match a\n  a: Payment\n  alert out {}\n}\ntest R "t" {\n  with big = 5\n  @{ a: 1 }\n  expect nothing\n}',
    corrected: 'rule R {\n  match a\n  a: Payment\n  alert out {}\n}\ntest R "t" {\n  with big = 5\n  @1s\n  expect nothing\n}',
  },
  'too-large': {
    severity: 'error', meaning: 'With functions and consts put in place, an expression is too large to compile.', cause: 'Functions that use each other more than once grow fast. Make them simpler, or split the rule.',
    example: ['fn f0(x: float) = x + x', ...Array.from({ length: 18 }, (_, i) => `fn f${i + 1}(x: float) = f${i}(x) + f${i}(x)`)].join('\n'),
    corrected: 'fn f0(x: float) = x * 2\nfn f1(x: float) = f0(x) * 2',
  },
  'stage-without-field': {
    severity: 'error', meaning: 'A stage, `prev` or `match` stands where a value is asked for.', cause: 'Name one of its fields, or count its events.',
    example: '  match a -> b within 5m\n  a: Payment\n  b: Payment where amount > a', corrected: '  match a -> b within 5m\n  a: Payment\n  b: Payment where amount > a.amount',
  },
  'stage-not-bound': {
    severity: 'error', meaning: 'A condition reads a stage that cannot be bound yet.', cause: 'Conditions read the stages before their own; `having` reads all of them.',
    example: '  match a -> b within 5m\n  a: Payment where amount > b.amount\n  b: Payment', corrected: '  match a -> b within 5m\n  a: Payment\n  b: Payment where amount < a.amount',
  },
  'banned-stage-read': {
    severity: 'error', meaning: 'A stage that is only ever banned is read.', cause: 'No event is bound to it.',
    example: '  match a -> not b -> c within 5m\n  a, b, c: Payment\n  alert out { x: b.amount }', corrected: '  match a -> not b -> c within 5m\n  a, b, c: Payment\n  alert out { x: c.amount }',
  },
  'loop-needs-aggregate': {
    severity: 'error', meaning: 'The field of a loop is a list, and stands where one value is asked for.', cause: 'Pick one event with `last(x).f` or `first(x).f`, or take all with an aggregate.',
    example: '  match a+ -> b within 5m\n  a: Payment\n  b: Payment where amount > a.amount', corrected: '  match a+ -> b within 5m\n  a: Payment\n  b: Payment where amount > last(a).amount',
  },
  'aggregate-needs-stage': {
    severity: 'error', meaning: 'An aggregate names no stage whose events it could go through.', cause: 'Write the field with its stage.',
    example: '  match a+ -> b within 5m\n  a, b: Payment\n  alert out { total: sum(amount) }', corrected: '  match a+ -> b within 5m\n  a, b: Payment\n  alert out { total: sum(a.amount) }',
  },
  'aggregate-of-two': {
    severity: 'error', meaning: 'An aggregate names two stages, and it is not clear whose events it goes through.', cause: 'An aggregate goes through the events of one loop; beside it single stages may be read.',
    example: '  match a+ -> b+ -> c within 5m\n  a, b, c: Payment\n  alert out { x: sum(a.amount * b.amount) }', corrected: '  match a+ -> b+ -> c within 5m\n  a, b, c: Payment\n  alert out { x: sum(a.amount * c.amount) }',
  },
  'aggregate-of-tested': {
    severity: 'error', meaning: 'An aggregate is to go through the one event being tested.', cause: 'In the condition of a single stage its own name is the event being tested.',
    example: '  match a\n  a: Payment where sum(a.amount) > 5', corrected: '  match a\n  a: Payment where amount > 5',
  },
  'prev-here': {
    severity: 'error', meaning: 'There is no previous event here.', cause: '`prev` is the event that the run has bound last: it can be read in the conditions of stages and in reports.',
    example: '  on Payment where amount > prev.amount\n  match a\n  a: Payment', corrected: '  on Payment where amount > 5\n  match a\n  a: Payment',
  },
  'match-here': {
    severity: 'error', meaning: '`match.id`, `match.from` or `match.to` is read before there is a match.', cause: 'They can be read in `having`, `alert` and `emit`.',
    example: '  match a -> b within 5m\n  a: Payment\n  b: Payment where at - match.from < 1m', corrected: '  match a -> b within 5m\n  a: Payment\n  b: Payment where at - a.at < 1m',
  },
  'never-true': {
    severity: 'error', meaning: 'A condition compares something that must be null there, so it can never be true.', cause: '`prev` at the first step, what a loop has taken when it has taken nothing yet, a stage of another alternative. Say what holds for the first event: `count(x) == 0 or …`.',
    example: '  match a{3,} -> b within 5m\n  a: Payment where amount > last(a).amount\n  b: Login', corrected: '  match a{3,} -> b within 5m\n  a: Payment where count(a) == 0 or amount > last(a).amount\n  b: Login',
  },
} as const satisfies Record<string, CodeInfo>;
