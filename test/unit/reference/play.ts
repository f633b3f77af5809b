import { check, parseFile, patternRule } from '../../../dsl/index.ts';
import type { Literal, PatternRule, Program } from '../../../dsl/typed.ts';
import { referenceMatches, splitByKey, type RefEvent, type RefMatch } from '../../reference/index.ts';

export interface Played {
  /** In the order of reports, each as the letters and places of its events, and `@` the second it is reported at: `a0 b2 @2`. */
  readonly matches: readonly string[];
  readonly timeouts: readonly string[];
}

/** @throws an error that lists the findings, when the rule has errors. */
export function programOf(text: string): Program {
  const parsed = parseFile('test.cep', text);
  const { program, diagnostics } = check([parsed.file]);
  const errors = [...parsed.diagnostics, ...diagnostics].filter((d) => d.severity === 'error');
  if (program === undefined) throw new Error(`${errors.map((d) => `${d.code}: ${d.message}`).join('\n')}\n${text}`);
  return program;
}

export function ruleOf(program: Program): PatternRule {
  return patternRule(program.rules[0]);
}

/**
 * Plays `match …` over a line of events: `a` or `a@3` (seconds; else one second after the one before) or `a@3:7` with v = 7; a lower-case letter is
 * an event of that name. Each stage `x` is `x: E where n == "x"` unless `stages` defines it; further clauses may follow in `clauses`.
 */
export function play(match: string, line: string, stages: readonly string[] = [], clauses = ''): Played {
  const defined = stages.map((stage) => stage.slice(0, stage.indexOf(':')));
  const named = [...new Set(match.match(/\b[a-h]\b/g))].filter((name) => !defined.includes(name));
  const program = programOf(`event E { n: string, v: int, at: time } time at
    rule R {
      match ${match}
      ${[...stages, ...named.map((name) => `${name}: E where n == "${name}"`)].join('\n      ')}
      ${clauses}
      alert out { at: match.to }
    }`);
  const events = eventsOf(line);
  const params = new Map<string, Literal>();
  const [keyed] = splitByKey(ruleOf(program), events, params);
  const { matches, timeouts } = referenceMatches(ruleOf(program), keyed?.events ?? [], { params });
  return { matches: matches.map(show), timeouts: timeouts.map(show) };
}

function eventsOf(line: string): RefEvent[] {
  let seconds = -1;
  return line.split(' ').filter((word) => word !== '').map((word, index) => {
    const [, n, at, v] = /^([a-z])(?:@([\d.]+))?(?::(\d+))?$/.exec(word) ?? [];
    if (n === undefined) throw new Error(`not an event: ${word}`);
    seconds = at === undefined ? seconds + 1 : Number(at);
    return { index, type: 'E', time: seconds * 1000, fields: { n, v: Number(v ?? 0), at: seconds * 1000 } };
  });
}

function show({ bindings, at }: RefMatch): string {
  return [...bindings.map(({ stage, index }) => `${stage}${index}`), at === Infinity ? '@end' : `@${at / 1000}`].join(' ');
}
