import { describe, expect, test } from '@jest/globals';
import { parseFile } from '../../../dsl/index.ts';
import { findings } from './support.ts';

/** The findings of a rule's body, and their hints. */
function inRule(body: string): { finding: string; hint: string | undefined }[] {
  const text = `rule R {\n${body}\n}`;
  const hints = parseFile('a.cep', text).diagnostics.map((one) => one.hint);
  return findings(text).map((finding, index) => ({ finding, hint: hints[index] }));
}

describe('usual slips are named, with what to write', () => {
  test.each([
    ['having a = 5', "assignment '=' '=' does not compare", "write '=='"],
    ['having a && b', "foreign-operator '&&' unknown operator '&&'", "'and' is written as a word"],
    ['having a || b', "foreign-operator '||' unknown operator '||'", "'or' is written as a word"],
    ['having !a', "foreign-operator '!' unknown operator '!'", "'not' is written as a word"],
    ['having a <> 1', "foreign-operator '<>' unknown operator '<>'", "'!=' compares"],
    ['having a AND b', "foreign-operator 'AND' unknown operator 'AND'", "write 'and'"],
    ['having a => 1', "foreign-operator '=>' '=>' does not compare", "write '>='"],
    ['having a < b < c', "chained-comparison '<' comparisons cannot be chained", 'write a < b and b < c, or x between a and b'],
    ['having a is 3', "syntax '3' expected null after 'is', found '3'", "'is null' and 'is not null' test for null; '==' compares"],
    ['having if a then b', "syntax '}' expected 'else', found '}'", "every 'if' has both: if c then a else b"],
    ['having 1 + not a', "needs-parentheses 'not' 'not' binds more loosely than what stands before it", 'put parentheses around not and what it negates'],
    ["title 'x'", "wrong-quotes ''x'' text stands between double quotes", 'write "x"'],
    ['title “x”', "wrong-quotes '“x”' text stands between double quotes", 'write "x"'],
    ['title "x";', "stray-semicolon ';' ';' has no meaning here", 'clauses and fields end by themselves; leave it out'],
    ['title "x', "unterminated-text '\"x' this text is not closed", 'add a \'"\' before the end of the line; a line break inside text is \\n'],
    ['match a within 5', "bad-duration '5' expected a duration such as 10m, found '5'", 'a duration has a unit: 5s, 5m, 5h'],
    ['match a within 5 min', "bad-duration '5 min' expected a duration such as 10m, found '5 min'", 'write 5m'],
    ['match a within 1.5h', "bad-duration '1.5h' expected a duration such as 10m, found '1.5h'", 'write 1h30m'],
    ['match a within 5minutes', "bad-duration '5minutes' expected a duration such as 10m, found '5minutes'", 'write 5m'],
    ['match a within 59s9m', "bad-duration '59s9m' the duration '59s9m' is out of order: units go from the largest to the smallest, as in 1h30m", undefined],
    ['match a -> b 10m', "missing-within '10m' unexpected duration '10m' after the pattern", 'write within 10m'],
    ['match a a: T within 10m', "syntax 'within' a stage's 'within' names the stage that it counts from", 'write within 10m of a; a bound for the whole match stands right after the pattern, before the stages'],
    ['match a a: T then skip none', "syntax 'then' 'then' does not stand here", "'within', 'gap', 'without' and 'then skip' stand right after the pattern, before the stages"],
    ['match a or b -> c', "mixed-pattern '->' one pair of parentheses holds only arrows, only 'and', or only 'or'; here 'or' and '->' meet", 'put parentheses around the inner part'],
    ['match (a and b or c)', "mixed-pattern 'or' one pair of parentheses holds only arrows, only 'and', or only 'or'; here 'and' and 'or' meet", 'put parentheses around the inner part'],
    ['match a+?', "two-quantifiers '?' a stage takes one quantifier, found also '?'", 'put parentheses around the stage and the first one, as in (a{3})?'],
    ['match a greedy', "not-a-loop 'greedy' 'greedy' stands on a step that is not a loop", "'greedy' follows a quantifier, as in x+ greedy"],
    ['match a+ strict any', "contradiction 'any' 'any' contradicts 'strict'", 'the iterations of a loop follow each other in one way'],
    ['match a{,3}', "syntax ',' a count is missing before ','", 'write {0,5} for up to five'],
    ['match any any: T', "reserved-name 'any' 'any' cannot be the name of a stage: it has a meaning of its own in patterns", 'choose another name, such as any_'],
    ['match a a: A or B', "foreign-operator 'or' types are joined by |", 'write A | B'],
    ['sevrity high', "unknown-clause 'sevrity' unknown clause 'sevrity'", "did you mean 'severity'?"],
    ['mode canary 5', "syntax '}' expected '%' after 5, found '}'", 'write canary 5%'],
    ['mode on', "syntax 'on' expected 'live', 'shadow', 'canary 5%' or 'off', found 'on'", undefined],
    ['by a.b', "syntax '.' a key is a field, or has a name of its own", 'write by name = a.…'],
    ['alert { a }', "syntax '{' expected the channel of the alert, found '{'", undefined],
    ['if: Payment', "syntax 'if' expected a clause such as match, alert or severity, or a stage such as hit: Payment, found 'if'", "'if' is a reserved word and cannot be the name of a stage"],
  ])('%s', (body, finding, hint) => {
    expect(inRule(body)).toEqual([{ finding, hint }]);
  });

  test.each([
    ['event A { in: int }', "syntax 'in' expected a field's name, found 'in'"],
    ['event A { x: strng }', "unknown-type 'strng' unknown type 'strng'"],
    ['event A { X: int }', "name-case 'X' the name of a field starts with a small letter or '_', found 'X'"],
    ['event payment { }', "name-case 'payment' the name of an event type starts with a capital letter, found 'payment'"],
    ['param x int = 5', "syntax 'int' expected ':', found 'int'"],
    ['param x: int = 5 in 1, 2', "syntax ',' expected '..' and the upper bound, found ','"],
    ['const x = 12abc', "bad-number '12abc' '12abc' is neither a number nor a duration: no letter may follow"],
    ['const x = 9007199254740993', "bad-number '9007199254740993' the whole number '9007199254740993' is beyond 2^53 and would not be exact"],
    ['const x = 1e999', "bad-number '1e999' the number '1e999' is too large"],
    ['const x = "a\\q"', "bad-escape '\\q' '\\q' is no escape"],
    ['const x = f(/a/g)', "bad-regex '/a/g' the only letter that may follow a regex is i, found 'g'"],
    ['/* a', "unterminated-comment '/*' this comment is not closed"],
    ['# a', "unknown-character '#' unknown character '#'"],
    ['evnt A { }', "syntax 'evnt' expected a declaration such as event, param, rule or test, found 'evnt'"],
    ['}', "syntax '}' unexpected '}': nothing is open here"],
    ['rule', "syntax '' expected the rule's name, found the end of the file"],
    ['rule A { title "x"', "missing-brace '' missing '}' at the end of rule A"],
    ['test A "x" { @10 P { } }', "bad-duration '10' expected a duration such as 10m, found '10'"],
    ['test A "x" { expect }', "syntax '}' expected '@' and a time, 'timeout', 'emit' or 'nothing', found '}'"],
  ])('%s', (text, finding) => {
    expect(findings(text)[0]).toBe(finding);
  });
});

describe('all errors of a file are reported', () => {
  test('reading goes on at the next clause, stage, field, step and declaration', () => {
    const text = `event A { x: , y: int z int
  w: bool }
rule R {
  title 5
  match a -> -> b
    a: A where
    b: A where x > (1
  alert c { x: == }
  limit per 1h
  having x >
  emit { }
}
param p: int
test R "t" {
  @1s A { x: }
  expect @
  @2s A { x: 1 }
}
rule S { by }
`;
    expect(findings(text)).toEqual([
      "syntax ',' expected a type: string, int, float, bool, time, duration, texts such as \"ok\" | \"fail\", a list [T] or a record { … }, found ','",
      "syntax 'int' expected ':', found 'int'",
      "syntax '5' expected text in double quotes, found '5'",
      "syntax '->' expected a stage, found '->'",
      "syntax 'b' expected a value, found 'b'",
      "syntax 'alert' expected ')', found 'alert'",
      "syntax '==' expected a value, found '=='",
      "syntax '1h' expected 'per', found '1h'",
      "syntax '{' expected a clause such as match, alert or severity, or a stage such as hit: Payment, found '{'",
      "syntax 'test' expected '=', found 'test'",
      "syntax '}' expected a value, found '}'",
      "syntax '@' expected a value, found '@'",
      "syntax '}' expected a key field, found '}'",
    ]);
  });

  test('a rule that is not closed does not swallow the next one', () => {
    const { file, diagnostics } = parseFile('a.cep', 'rule A {\n  alert x { a }\nrule B {\n  alert y { b }\n}\n');
    expect(diagnostics.map((one) => one.code)).toEqual(['missing-brace']);
    expect(diagnostics[0]!.related).toHaveLength(1);
    expect(file.declarations).toMatchObject([{ name: { text: 'A' }, clauses: [{ kind: 'alert' }] }, { name: { text: 'B' }, clauses: [{ kind: 'alert' }] }]);
  });

  test('braces left open in a clause do not swallow the clauses behind it', () => {
    const { file } = parseFile('a.cep', 'rule A {\n  alert x { a: ==\n  alert y { b }\n  severity high\n}\n');
    expect(file.declarations).toMatchObject([{ clauses: [{ kind: 'alert', channel: { text: 'y' } }, { kind: 'severity' }] }]);
  });

  test('what is right around an error is kept', () => {
    const { file } = parseFile('a.cep', 'event A { a: int b: ? c: int }\nrule R { title "t" severity ==\n by a }\n');
    expect(file.declarations).toMatchObject([{ fields: [{ name: { text: 'a' } }, { name: { text: 'c' } }] }, { clauses: [{ kind: 'title' }, { kind: 'by' }] }]);
  });

  test('diagnostics come in reading order', () => {
    const starts = parseFile('a.cep', 'rule A { ; having ; x == ; }\n$ $ rule B { ; } "x').diagnostics.map((one) => one.span.start);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(starts.length).toBeGreaterThan(5);
  });
});
