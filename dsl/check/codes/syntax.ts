import type { CodeInfo } from './info.ts';

/** Found while the text is read. */
export const syntaxCodes = {
  'syntax': {
    severity: 'error', meaning: 'Something else was expected here.', cause: 'A word or sign is missing, misplaced or one too many. The message says what could stand here.',
    example: 'param ceiling float = 5', corrected: 'param ceiling: float = 5',
  },
  'unknown-clause': {
    severity: 'error', meaning: 'No clause of a rule has this name.', cause: 'Usually a misspelt keyword, or a stage whose `:` is missing.',
    example: '  match a\n  a: Payment\n  sevrity high', corrected: '  match a\n  a: Payment\n  severity high',
  },
  'missing-arrow': {
    severity: 'error', meaning: 'Two steps of a pattern stand side by side with no arrow between them.', cause: 'Steps are joined by `->`, `->>` or `=>`. A misspelt word before a step, as in `match longst a`, is read as a step, too.',
    example: '  match a b within 5m\n  a, b: Payment', corrected: '  match a -> b within 5m\n  a, b: Payment',
  },
  'wrong-encoding': {
    severity: 'error', meaning: 'The file is not UTF-8.', cause: 'It was saved in another encoding, such as Latin-1 or UTF-16: some bytes of it are no characters.',
    example: 'const name = "Jos\ufffd"', corrected: 'const name = "José"',
  },
  'assignment': {
    severity: 'error', meaning: '`=` stands where two values are compared.', cause: '`==` compares; `=` gives a const, a param or a function its value.',
    example: '  match a\n  a: Payment where card = "c1"', corrected: '  match a\n  a: Payment where card == "c1"',
  },
  'foreign-operator': {
    severity: 'error', meaning: 'This operator is one of another language.', cause: 'Conditions are joined by `and`, `or` and `not`; types by `|`.',
    example: '  match a\n  a: Payment where amount > 5 && items > 1', corrected: '  match a\n  a: Payment where amount > 5 and items > 1',
  },
  'chained-comparison': {
    severity: 'error', meaning: 'A comparison is compared again.', cause: '`a < b < c` is written as two comparisons, or with `between`.',
    example: '  match a\n  a: Payment where 1 < amount < 5', corrected: '  match a\n  a: Payment where 1 < amount and amount < 5',
  },
  'needs-parentheses': {
    severity: 'error', meaning: '`not` stands behind an operator that binds more tightly than it does.', cause: '`not` negates all that follows up to `and` or `or`.',
    example: '  match a\n  a: Payment where true == not (amount > 5)', corrected: '  match a\n  a: Payment where true == (not (amount > 5))',
  },
  'mixed-pattern': {
    severity: 'error', meaning: 'Arrows, `and` and `or` meet in one pair of parentheses.', cause: 'Each pair of parentheses holds one of them only, so that nobody has to know which binds first.',
    example: '  match a -> b or c within 5m\n  a, b, c: Payment', corrected: '  match a -> (b or c) within 5m\n  a, b, c: Payment',
  },
  'two-quantifiers': {
    severity: 'error', meaning: 'A step has two quantifiers.', cause: 'A part that is itself repeated is put into parentheses.',
    example: '  match a{2}? -> b within 5m\n  a, b: Payment', corrected: '  match (a{2})? -> b within 5m\n  a, b: Payment',
  },
  'missing-within': {
    severity: 'error', meaning: 'A duration stands behind the pattern by itself.', cause: 'The word that says which bound it is was left out.',
    example: '  match a -> b 5m\n  a, b: Payment', corrected: '  match a -> b within 5m\n  a, b: Payment',
  },
  'missing-brace': {
    severity: 'error', meaning: 'A `{` is not closed.', cause: 'The `}` is missing at the end; the message shows which `{` it belongs to.',
    example: 'event A { x: int\n\nevent B { y: int }', corrected: 'event A { x: int }\n\nevent B { y: int }',
  },
  'too-deep': {
    severity: 'error', meaning: 'An expression is nested too deep, or is too long a chain.', cause: 'A list of values is written with `in [ … ]`; a long expression is split by functions.',
    example: `const deep = ${'('.repeat(120)}1${')'.repeat(120)}`, corrected: 'const deep = (1)',
  },
  'reserved-name': {
    severity: 'error', meaning: 'This word cannot be the name of a stage.', cause: 'Words with a meaning inside patterns, such as `first` or `within`, name no stages.',
    example: '  match last\n  last: Payment', corrected: '  match final\n  final: Payment',
  },
  'name-case': {
    severity: 'error', meaning: 'A name starts with a letter of the wrong size.', cause: 'Event types start with a capital letter, everything else with a small one. A field of the data that does not fit takes an alias.',
    example: 'event Order { ID: string }', corrected: 'event Order { id: string from "ID" }',
  },
  'bad-duration': {
    severity: 'error', meaning: 'This is no duration.', cause: 'A duration is a whole number with a unit, or several from the largest unit to the smallest: `90s`, `1h30m`.',
    example: '  match a -> b within 10\n  a, b: Payment', corrected: '  match a -> b within 10s\n  a, b: Payment',
  },
  'bad-number': {
    severity: 'error', meaning: 'This is no number that can be used here.', cause: 'A letter follows the digits, the number is not exact beyond 2^53, or a whole number is asked for.',
    example: 'const limit = 12x', corrected: 'const limit = 12',
  },
  'bad-escape': {
    severity: 'error', meaning: 'A backslash in a text is followed by a letter that means nothing.', cause: 'A backslash itself is written twice.',
    example: 'const path = "C:\\data"', corrected: 'const path = "C:\\\\data"',
  },
  'wrong-quotes': {
    severity: 'error', meaning: 'A text stands between other signs than double quotes.', cause: 'Texts are written with double quotes.',
    example: "const name = 'Ada'", corrected: 'const name = "Ada"',
  },
  'unterminated-text': {
    severity: 'error', meaning: 'A text is not closed before its line ends.', cause: 'The closing quote is missing; a line break inside a text is written \\n.',
    example: 'const name = "Ada\n', corrected: 'const name = "Ada"\n',
  },
  'unterminated-comment': {
    severity: 'error', meaning: 'A comment is not closed.', cause: 'The closing `*/` is missing.',
    example: 'const a = 1 /* one', corrected: 'const a = 1 /* one */',
  },
  'unknown-character': {
    severity: 'error', meaning: 'This character has no meaning in a rule file.', cause: 'It came with a copy from elsewhere, or belongs into a text.',
    example: 'const a = 5 €', corrected: 'const a = 5',
  },
  'stray-semicolon': {
    severity: 'error', meaning: 'A semicolon has no meaning here.', cause: 'Clauses and fields end by themselves.',
    example: 'const a = 5;', corrected: 'const a = 5',
  },
  'file-not-read': {
    severity: 'error', meaning: 'A file that `use` names, or that was given, could not be read.', cause: 'Paths are relative to the file that uses them.',
    example: 'use "no-such-file.cep"', corrected: 'const a = 5',
  },
  'limit-takes-by': {
    severity: 'warning', meaning: '`by` behind `limit` belongs to the limit, and the rule has no key of its own.', cause: 'If the rule\'s key is meant, write it before `limit`.',
    example: '  match a\n  a: Payment\n  alert out {}\n  limit 1 per 1h\n  by a.card', corrected: '  by card\n  match a\n  a: Payment\n  alert out { card }\n  limit 1 per 1h',
  },
} as const satisfies Record<string, CodeInfo>;
