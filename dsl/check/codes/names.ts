import type { CodeInfo } from './info.ts';

/** Declarations, and names that mean nothing or too much. */
export const nameCodes = {
  'declared-twice': {
    severity: 'error', meaning: 'Two declarations have one name.', cause: 'All files of a check share one space of names; the message shows both places.',
    example: 'const a = 1\nconst a = 2', corrected: 'const a = 1\nconst b = 2',
  },
  'unknown-type': {
    severity: 'error', meaning: 'There is no such type.', cause: 'A misspelt name, or a `use` that is missing.',
    example: '  match a\n  a: Paymnt', corrected: '  match a\n  a: Payment',
  },
  'unknown-field': {
    severity: 'error', meaning: 'The event, record or alert has no such field.', cause: 'A misspelt name, or a field of another type.',
    example: '  match a -> b within 5m\n  a: Payment\n  b: Payment where amount > a.amout', corrected: '  match a -> b within 5m\n  a: Payment\n  b: Payment where amount > a.amount',
  },
  'unknown-name': {
    severity: 'error', meaning: 'The name means nothing here.', cause: 'In a condition a bare name is a field of the event being tested, a param or a const; in `alert`, `emit` and `having` it is a part of the key, a param or a const. Fields of bound events are written with their stage.',
    example: '  by card\n  match a\n  a: Payment\n  alert out { amount }', corrected: '  by card\n  match a\n  a: Payment\n  alert out { amount: a.amount }',
  },
  'unknown-stage': {
    severity: 'error', meaning: 'The rule has no such stage.', cause: 'A misspelt name.',
    example: '  match a -> b within 5m\n  a: Payment\n  b: Payment where amount > aa.amount', corrected: '  match a -> b within 5m\n  a: Payment\n  b: Payment where amount > a.amount',
  },
  'unknown-function': {
    severity: 'error', meaning: 'There is no such function.', cause: 'A misspelt name, or a function of another language.',
    example: '  match a\n  a: Payment where rond(amount) == 5', corrected: '  match a\n  a: Payment where round(amount) == 5',
  },
  'unknown-rule': {
    severity: 'error', meaning: 'A test names a rule that is not there.', cause: 'A misspelt name, or a `use` that is missing.',
    example: 'rule R {\n  match a\n  a: Payment\n  alert out {}\n}\ntest S "s" {\n  expect nothing\n}', corrected: 'rule R {\n  match a\n  a: Payment\n  alert out {}\n}\ntest R "s" {\n  expect nothing\n}',
  },
  'unknown-param': {
    severity: 'error', meaning: 'A test sets a param that is not there.', cause: 'A misspelt name; consts cannot be set.',
    example: 'rule R {\n  match a\n  a: Payment where amount > big\n  alert out {}\n}\ntest R "s" {\n  with bigg = 5\n  expect nothing\n}',
    corrected: 'rule R {\n  match a\n  a: Payment where amount > big\n  alert out {}\n}\ntest R "s" {\n  with big = 5\n  expect nothing\n}',
  },
  'unknown-key': {
    severity: 'error', meaning: 'An event type that the rule reads has no field for the key.', cause: 'Every type must have the key\'s fields, or the key says what stands for one.',
    example: '  by device\n  match l -> p within 5m\n  l: Login\n  p: Payment', corrected: '  by device (Payment: card)\n  match l -> p within 5m\n  l: Login\n  p: Payment',
  },
  'field-twice': {
    severity: 'error', meaning: 'A field, key or parameter is given twice.', cause: 'Each name stands once.',
    example: 'event A { x: int, x: float }', corrected: 'event A { x: int, y: float }',
  },
  'field-redeclared': {
    severity: 'error', meaning: 'A subtype declares a field that its base has.', cause: 'A subtype has all fields of its base.',
    example: 'event Refund extends Payment { amount: float }', corrected: 'event Refund extends Payment { reason: string }',
  },
  'extends-cycle': {
    severity: 'error', meaning: 'An event type extends itself, by way of others or not.', cause: 'One of the types on the way must have no base.',
    example: 'event A extends B {}\nevent B extends A {}', corrected: 'event A extends B {}\nevent B {}',
  },
  'value-twice': {
    severity: 'error', meaning: 'A closed set of texts has one text twice.', cause: 'Each text stands once.',
    example: 'event A { s: "on" | "off" | "on" }', corrected: 'event A { s: "on" | "off" }',
  },
  'bad-time-field': {
    severity: 'error', meaning: 'The field that is to carry event time is no time, or may be absent.', cause: 'Event time is a field of type `time`, without `?`.',
    example: 'event A { at: int } time at', corrected: 'event A { at: time } time at',
  },
  'once-without-id': {
    severity: 'error', meaning: '`once within` stands on an event without `id`.', cause: 'Two events are the same one when the fields that `id` names are equal.',
    example: 'event A { n: string } once within 1h', corrected: 'event A { n: string } id n once within 1h',
  },
  'const-cycle': {
    severity: 'error', meaning: 'A const is defined by itself.', cause: 'One of the consts on the way must have a value of its own.',
    example: 'const a = b + 1\nconst b = a + 1', corrected: 'const a = b + 1\nconst b = 1',
  },
  'recursive-fn': {
    severity: 'error', meaning: 'A function calls itself, by way of others or not.', cause: 'Functions are put in place where they are called, so none may call itself.',
    example: 'fn twice(x: float) = twice(x) * 2', corrected: 'fn twice(x: float) = x * 2',
  },
  'shadows-function': {
    severity: 'error', meaning: 'A function has the name of one of the language.', cause: 'Functions of the language cannot be declared anew.',
    example: 'fn round(x: float) = x + 0.5', corrected: 'fn rounded(x: float) = x + 0.5',
  },
  'not-a-literal': {
    severity: 'error', meaning: 'The value or a bound of a param is an expression.', cause: 'A param\'s value and bounds are literals, so that they can be read and set from outside.',
    example: 'param limit: float = 5 * 10', corrected: 'param limit: float = 50',
  },
  'bad-bounds': {
    severity: 'error', meaning: 'The bounds of a param hold no value.', cause: 'The lower bound comes first, and only values that have an order have bounds.',
    example: 'param limit: int = 5 in 10 .. 0', corrected: 'param limit: int = 5 in 0 .. 10',
  },
  'out-of-bounds': {
    severity: 'error', meaning: 'A value is not within its bounds.', cause: 'A param\'s value lies within its bounds, both ends included; spans of time, limits and the like are above zero.',
    example: 'param limit: int = 50 in 0 .. 10', corrected: 'param limit: int = 5 in 0 .. 10',
  },
  'each-source': {
    severity: 'error', meaning: 'What an event is made of is no list of an event type.', cause: '`each` goes through a list in the fields of a declared event type.',
    example: 'event Tag = each t in Payment { name: t, at } time at', corrected: 'event Tag = each t in Payment.tags { name: t, at } time at',
  },
  'each-cycle': {
    severity: 'error', meaning: 'An event is made of itself.', cause: 'The list is one of an event that comes from a source, or of an event made of that.',
    example: 'event A = each x in B.list { list: [x] }\nevent B = each x in A.list { list: [x] }', corrected: 'event A = each x in B.list { list: [x] }\nevent B { list: [int] }',
  },
  'each-base': {
    severity: 'error', meaning: 'An event type extends one that is made of a list.', cause: 'Its events are the elements of that list, and none can be of a subtype. Extend the type that has the list.',
    example: 'event Tag = each t in Payment.tags { name: t, at } time at\nevent Vip extends Tag { x: int }', corrected: 'event Tag = each t in Payment.tags { name: t, at } time at',
  },
  'made-of-list': {
    severity: 'error', meaning: 'A rule emits, or a test gives, an event that is made of a list.', cause: 'Its events are the elements of a list of another one: give or emit that.',
    example: 'event Tag = each t in Payment.tags { name: t, at } time at\nrule R {\n  by card\n  match a\n  a: Payment\n  emit Tag { name: "x" }\n}',
    corrected: 'event Tag { name: string, at: time } time at\nrule R {\n  by card\n  match a\n  a: Payment\n  emit Tag { name: "x" }\n}',
  },
} as const satisfies Record<string, CodeInfo>;
