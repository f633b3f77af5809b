import { describe, expect, test } from '@jest/globals';
import { check, loadFiles } from '../../../dsl/index.ts';

/** Three rules with their tests, without a finding. */
const RULES = `event Auth { merchant: string, card: string, amount: float, result: "approved" | "declined", ts: time } time ts
event Beat { gateway: string, seq: int, at: time } time at
event Down { gateway: string, at: time } time at
event Suspicion { merchant: string, score: float, at: time } time at

param minCards: int = 3 in 2 .. 100
param quiet: duration = 3m in 10s .. 1h
const offices = ["a", "b"]
fn known(card: string) = any(offices, office => card == office)

rule Probing {
  severity if count(declined) >= 5 then critical else high
  tags fraud, merchant
  by merchant
  match first declined{minCards,} greedy -> approved within 15m
    declined: Auth where result == "declined" and not known(card)
    approved: Auth where result == "approved"
  having sum(declined.amount) > 5
  alert merchants {
    merchant,
    cards: distinct(declined.card),
    last: last(declined).card
  }
  emit Suspicion { merchant, score: approved.amount }
  limit 1 per 1h
}

rule Silent {
  by gateway
  match longest beat+ strict -> not (down or late) within 1h
    beat: Beat where prev.seq is null or seq > prev.seq
    down: Down
    late: Beat where seq < 0
  alert ops { gateway, seq: last(beat).seq }
  on timeout alert lost { gateway }
}

test Probing "three" {
  @0s Auth { merchant: "m", card: "x", amount: 9, result: "declined" }
  expect nothing
}
test Silent "one" {
  @0s Beat { gateway: "g" }
  expect @1h { gateway: "g", seq: 0 }
  expect timeout @2h { gateway: "g" }
}
`;

function findings(text: string): string[] {
  const loaded = loadFiles(['a.cep'], () => text);
  return [...loaded.diagnostics, ...check(loaded.files).diagnostics].map(({ code, span, hint }) => `${code} '${text.slice(span.start, span.end).split('\n')[0]!}'${hint === undefined ? '' : ` ${hint}`}`);
}

test('the rules have no finding', () => {
  expect(findings(RULES)).toEqual([]);
});

/** What is written, what is written in its place, and all that is found then. */
const slips: readonly (readonly [string, string, readonly string[]])[] = [
  // the pattern
  ['greedy -> approved', 'greedy approved', ["missing-arrow 'approved' write -> approved"]],
  ['match longest', 'match longst', ["missing-arrow 'beat' did you mean 'longest'?"]],
  ['match longest', 'match every', ["missing-arrow 'beat' write -> beat"]],
  ['-> not (down or late)', '-> no (down or late)', ["missing-arrow '(' did you mean 'not'?"]],
  ['(down or late)', '(down, late)', ["syntax ','"]],
  ['} greedy', '} gredy', ["unknown-clause 'gredy' did you mean 'greedy'?"]],
  ['+ strict', '+ strct', ["unknown-clause 'strct' did you mean 'strict'?"]],
  ['beat+ strict', 'beat[2]', ["syntax '[' write x{3}"]],
  ['approved within', 'approved wihtin', ["unknown-clause 'wihtin' did you mean 'within'?"]],
  ['within 15m', 'in 15m', ["syntax 'in' write within 15m"]],
  ['within 15m', 'within 15mn', ["bad-duration '15mn' write 15m"]],
  ['within 15m', 'within "15m"', ['type-mismatch \'"15m"\' a duration stands without quotes: 10m']],
  ['-> approved', ', approved', ["missing-arrow ',' write a -> b, or (a or b) for either"]],
  ['match first declined{minCards,} greedy -> approved', 'match declined, approved', ["missing-arrow ',' write a -> b, or (a or b) for either"]],
  ['-> approved', '→ approved', ["foreign-operator '→' an arrow is written '->'"]],
  ['-> approved', '--> approved', ["foreign-operator '-->' an arrow is written '->'"]],
  ['{minCards,}', '{minCrds,}', ['unknown-name \'minCrds\' did you mean "minCards"?']],
  ['{minCards,}', '{three,}', ["unknown-name 'three'"]],
  // clauses and stages
  ['declined: Auth where', 'declined: Auth were', ["unknown-clause 'were' did you mean 'where'?"]],
  ['by merchant', 'by mechant', ['unknown-key \'mechant\' did you mean "merchant"?']],
  ['by merchant', 'key merchant', ["unknown-clause 'key' did you mean 'by'?"]],
  ['by merchant', 'by: merchant', ["unused-stage 'by' as a clause, `by` has no colon"]],
  ['severity if count(declined) >= 5 then critical else high', 'severity hi', ["unknown-name 'hi' write low, medium, high or critical"]],
  ['on timeout alert', 'timeout alert', ["unknown-clause 'timeout' write on timeout alert …, or on timeout emit …"]],
  ['prev.seq is', 'previous.seq is', ["unknown-stage 'previous' the event bound before this one is prev"]],
  ['seq > prev.seq', 'seq ≥ prev.seq', ["foreign-operator '≥' write '>='"]],
  ['sum(declined.amount) > 5', 'sum(declined.amount) > 5 and', ["syntax 'alert'"]],
  ['alert merchants {', 'alert {', ["syntax '{'"]],
  ['cards: distinct', 'cards = distinct', ["syntax '=' write cards: value"]],
  ['last(declined).card\n  }', 'last(declined).card', ["missing-brace ''"]],
  ['emit Suspicion', 'emit Suspicon', ['unknown-type \'Suspicon\' did you mean "Suspicion"?']],
  ['sum(declined.amount) > 5', 'sum(declined) > 5', ["stage-without-field 'declined' write sum(declined.amount)"]],
  ['> 5\n', '> 5_000\n', ["bad-number '5_000' write 5000"]],
  // declarations
  ['"approved" | "declined"', '"approved", "declined"', ['syntax \',\' write "approved" | "declined"']],
  ['card: string, amount', 'card string, amount', ["syntax 'string' write card: string"]],
  ['gateway: string, seq', 'Gateway: string, seq', ["name-case 'Gateway' write gateway: … from \"Gateway\""]],
  ['event Beat', 'Event Beat', ["syntax 'Event' did you mean 'event'?"]],
  ['event Beat', 'event beat', ["name-case 'beat' write Beat"]],
  ['at: time } time at\nevent Down', 'at: time } time ts\nevent Down', ["unknown-field 'ts' write time at"]],
  ['fn known', 'function known', ["syntax 'function' did you mean 'fn'?"]],
  ['(card: string)', '(card)', ["syntax ')' a type follows, as in card: string"]],
  ['office =>', 'office ->', ["syntax '->' a condition on each element is written office => …"]],
  ['const offices =', 'const offices: [string] =', ["syntax ':' a const has the type of its value: const offices = …"]],
  ['= 3m in', '= 3mins in', ["bad-duration '3mins' write 3m"]],
  // tests
  ['expect nothing', 'expects nothing', ["syntax 'expects' did you mean 'expect'?"]],
  ['expect timeout @2h', 'expect Suspicion @2h', ["syntax 'Suspicion' write expect emit Suspicion @10s"]],
];

describe('one slip is one finding, which names the place and the likely fix', () => {
  test.each(slips)('%s → %s', (written, slip, expected) => {
    expect(RULES.split(written).length).toBeGreaterThan(1);
    expect(findings(RULES.replace(written, slip))).toEqual(expected);
  });
});

test('a warning about a pattern waits until the pattern can be read', () => {
  const rule = (pattern: string): string => `event A { at: time } time at\nrule R { match ${pattern}\n a, b: A\n alert out {} }`;
  expect(findings(rule('a -> b'))).toEqual(["no-time-bound 'a -> b' add within 10m after the pattern"]);
  expect(findings(rule('a -> b witin 5m'))).toEqual(["unknown-clause 'witin' did you mean 'within'?"]);
});

describe('whatever a file holds, checking it ends soon, without an exception', () => {
  const rule = (condition: string, pattern = 'a'): string => `event A { x: int, at: time } time at\nrule R { match ${pattern}\n a: A where ${condition}\n alert out {} }\n`;
  const deep = (open: string, inner: string, close = ''): string => `${open.repeat(10_000)}${inner}${close.repeat(10_000)}`;
  const stages = Array.from({ length: 5000 }, (_, i) => `s${i}`);
  test.each<[string, string, string | undefined]>([
    ['nothing', '', undefined], ['a byte order mark', `\ufeff${rule('x > 1')}`, undefined], ['CRLF', rule('x > 1').replaceAll('\n', '\r\n'), undefined],
    ['a NUL', rule('x > \0 1'), 'unknown-character'], ['NULs only', '\0'.repeat(100_000), 'unknown-character'], ['UTF-16', '\ufffd\ufffde\0v\0e\0n\0t\0', 'wrong-encoding'], ['Latin-1', rule('x > 1 // \ufffd'), 'wrong-encoding'],
    ['a comment of 1 MB', `// ${'x'.repeat(1e6)}\n${rule('x > 1')}`, undefined], ['a word of 1 MB', 'a'.repeat(1e6), 'syntax'], ['a number of 1 MB', `const x = ${'9'.repeat(1e6)}`, 'bad-number'],
    ['a duration of 1 MB', `const x = ${'1s'.repeat(5e5)}`, 'bad-duration'], ['a list of 200,000', `const x = [${'1,'.repeat(2e5)}1]`, undefined], ['a sum of 200,000', `const x = ${'1+'.repeat(2e5)}1`, 'too-deep'],
    ['parentheses', `const x = ${deep('(', '1', ')')}`, 'too-deep'], ['open parentheses', `const x = ${deep('(', '')}`, 'too-deep'], ['brackets', `const x = ${deep('[', '', ']')}`, 'too-deep'], ['not not', rule(deep('not ', 'true')), 'too-deep'],
    ['minus minus', `const x = ${deep('-', '1')}`, 'too-deep'], ['a nested pattern', rule('x > 1', deep('(', 'a', ')')), 'too-deep'], ['nested types', `event A { x: ${deep('[', 'int', ']')} }`, 'too-deep'], ['nested records', `event A { x: ${deep('{ a: ', 'int', '}')} }`, 'too-deep'],
    ['braces', deep('{', ''), 'syntax'], ['closing braces', deep('}', ''), 'syntax'], ['semicolons', ';'.repeat(1e5), 'stray-semicolon'], ['an open text', 'const x = "abc', 'unterminated-text'], ['a backslash', 'const x = "\\', 'unterminated-text'],
    ['an open comment', `/* abc\n${rule('x > 1')}`, 'unterminated-comment'], ['an open regex', rule('"a" matches /abc'), 'syntax'], ['a nested regex', rule(`"a" matches /${deep('(', 'a', ')')}/`), 'bad-regex'],
    ['20,000 declarations of nothing', 'evnt X {\n'.repeat(20_000), 'syntax'], ['5,000 stages', `event A { at: time } time at\nrule R { match ${stages.join(' -> ')} within 5m\n ${stages.join(', ')}: A\n alert out {} }`, 'too-many-steps'],
    ['functions that grow', `${Array.from({ length: 60 }, (_, i) => `fn f${i}(x: int) = ${i === 0 ? 'x + x' : `f${i - 1}(x) + f${i - 1}(x)`}`).join('\n')}\n${rule('f59(x) > 1')}`, 'too-large'],
  ])('%s', (_, text, code) => {
    // The time of a processor, not of the clock: others may be at work on it.
    const before = process.cpuUsage();
    expect(findings(text)[0]?.split(' ')[0]).toBe(code);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(8000);
  });
});
