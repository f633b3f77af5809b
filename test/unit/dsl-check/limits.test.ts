import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { check, MOST_NEXT, MOST_STEPS, parseFile, sizeOfPattern } from '../../../dsl/index.ts';
import type { Expr, Literal, Program } from '../../../dsl/typed.ts';
import type { buildAutomaton } from '../../../src/compile/automaton.ts';
import { compile } from '../../../src/compile/index.ts';
import { Engine } from '../../../src/engine/index.ts';
import { makeRule } from '../../fuzz/generate.ts';
import { Random } from '../../fuzz/random.ts';
import { print } from '../../fuzz/tree.ts';
import { errorCodes, programOf, ruleFindings } from './support.ts';

const DECLARATIONS = 'event A { k: string, v: int, at: time } time at\nparam n: int = 3 in 0 .. 10\nparam open: int = 2\n';

/** A pattern as text, with the names of its stages; an unquantified one can stand in an `and`. */
interface Made { readonly text: string; readonly stages: readonly string[] }

const QUANTIFIERS = ['?', '*', '+', '{2}', '{n}', '{n,}', '{0,n}', '{1,2 * n + 1}', '{open,}', '{1000000}', '{2,9007199254740991}', '{0,0 + 1}'];

/** A random pattern of about `size` stages, with wide choices and much that may be left out. */
function randomPattern(random: Random, size: number): Made {
  let count = 0;
  const stage = (): Made => {
    const name = `s${count++}`;
    return { text: name, stages: [name] };
  };
  const join = (parts: readonly Made[], by: (i: number) => string): Made => ({
    text: `(${parts.map(({ text }, i) => (i === 0 ? text : `${by(i)}${text}`)).join('')})`, stages: parts.flatMap((part) => part.stages),
  });
  const make = (left: number, depth: number): Made => {
    if (left <= 1 || depth > 6) return stage();
    const kind = random.weighted([[4, 'sequence'], [3, 'or'], [2, 'and'], [4, 'quantified']] as const);
    if (kind === 'quantified') {
      const inner = make(left - 1, depth + 1);
      return { ...inner, text: `(${inner.text})${random.pick(QUANTIFIERS)}` };
    }
    if (kind === 'and') return join(Array.from({ length: random.int(2, 4) }, stage), () => ' and ');
    const parts = Array.from({ length: random.int(2, Math.min(8, left)) }, (_, __, share = Math.ceil(left / 4)) => make(random.int(1, share), depth + 1));
    return kind === 'or' ? join(parts, () => ' or ') : join(parts, () => random.pick([' -> ', ' ->> ', ' => ', ' -> not x -> ', ' -> not x for 3s -> ']));
  };
  return make(size, 0);
}

function ruleOfPattern({ text, stages }: Made): string {
  return `${DECLARATIONS}rule R {\n by k\n match all ${text} -> end within 5m\n ${[...stages, 'end'].join(', ')}: A\n${text.includes('not x') ? ' x: A where v > 3\n' : ''} alert out { k }\n}\n`;
}

function checked(text: string): { readonly program: Program | undefined; readonly errors: readonly string[] } {
  const parsed = parseFile('case.cep', text);
  expect(parsed.diagnostics).toEqual([]);
  const { program, diagnostics } = check([parsed.file]);
  return { program, errors: diagnostics.filter(({ severity }) => severity === 'error').map(({ code }) => code) };
}

/** The value of a count. */
function number(expr: Expr, params: Readonly<Record<string, number>>): number {
  if (expr.kind === 'literal') return expr.value as number;
  if (expr.kind === 'param') return params[expr.name]!;
  if (expr.kind !== 'arith') throw new Error(expr.kind);
  const [left, right] = [number(expr.left, params), number(expr.right, params)];
  return expr.op === '+' ? left + right : expr.op === '-' ? left - right : left * right;
}

/** Compiles under each value of the params, makes the engine's code of it, and compares the automaton's size with what the checker counts. */
function runs(program: Program): void {
  const values: Record<string, Literal>[] = [{ n: 0, open: 0 }, { n: 1, open: 1 }, { n: 10, open: 7 }];
  for (const params of values) {
    const given = Object.fromEntries(Object.entries(params).filter(([name]) => program.params.has(name)));
    const plan = compile(program, { params: given });
    new Engine(plan, { onAlert: () => {}, lateness: 0, now: () => 0 });
    for (const { automaton, rule } of plan.rules.filter((each) => each.kind === 'pattern')) {
      const size = sizeOfPattern(rule.match.pattern, ({ min, max }) => ({
        least: number(min, params as Record<string, number>), most: max === undefined ? Infinity : number(max, params as Record<string, number>),
      }));
      expect([size.steps, size.busiest?.next ?? 0]).toEqual(sizeOfAutomaton(automaton));
    }
  }
}

function sizeOfAutomaton(automaton: ReturnType<typeof buildAutomaton>): [number, number] {
  return [automaton.positions.length, Math.max(0, ...automaton.positions.map((position) => position.out.length + position.accepts.length))];
}

test('what the checker takes, the compiler takes, whatever the params, and the automaton has the size that the checker counts', () => {
  let taken = 0;
  let refused = 0;
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 1, max: 90 }), (seed, size) => {
    const text = ruleOfPattern(randomPattern(new Random(seed), size));
    const { program, errors } = checked(text);
    if (program !== undefined) {
      taken++;
      runs(program);
      return;
    }
    expect(errors.filter((code) => code !== 'too-many-steps' && code !== 'too-many-next')).toEqual([]);
    refused++;
  }), { numRuns: 150, seed: 5 });
  expect(taken).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(20);
});

test('of the patterns of the fuzz, with their counts made large, too', () => {
  let taken = 0;
  for (let seed = 1; seed <= 250; seed++) {
    const random = new Random(seed);
    const text = print(makeRule(random)).replace(/\{2(,?)\}/g, (_, comma: string) => `{${random.pick([127, 128, 100_000, Number.MAX_SAFE_INTEGER])}${comma}}`)
      .replace(/\{1,2\}/g, '{1,1000000}').replaceAll('{n}', '{3 * n}');
    const { program } = checked(text);
    if (program === undefined) continue;
    taken++;
    runs(program);
  }
  expect(taken).toBeGreaterThan(100);
});

describe('the bounds', () => {
  const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `s${i}`);
  const body = (pattern: string, stages: readonly string[]): string => `match all ${pattern} within 5m\n ${stages.join(', ')}: Payment`;

  test(`${MOST_STEPS} steps run, one more does not`, () => {
    const most = names(MOST_STEPS);
    const text = (stages: readonly string[]): string => body(stages.join(' -> '), stages);
    expect(errorCodes(text(most))).toEqual([]);
    expect(compile(programOf(`event Payment { at: time } time at\nrule R { ${text(most)} alert out {} }`)).rules.filter((rule) => rule.kind === 'pattern')[0]!.automaton.positions).toHaveLength(MOST_STEPS);
    expect(errorCodes(text([...most, 'more']))).toEqual(['too-many-steps']);
    expect(errorCodes(text(names(5000)))).toEqual(['too-many-steps']);
  });
  test('each order of an `and` counts', () => {
    expect(ruleFindings(body('(s0 and s1 and s2 and s3) -> (s4 and s5 and s6 and s7)', names(8)))).toEqual([
      'too-many-steps: The pattern has 192 steps, each order of an `and` counted; this version runs up to 127. (write steps that are alike as one that repeats, x{3}, or let one rule emit an event that begins another)',
    ]);
  });
  test(`${MOST_NEXT} ways on run, one more does not; what is said names the step`, () => {
    const choice = (count: number): string => body(`first_ -> (${names(count).join(' or ')})`, ['first_', ...names(count)]);
    expect(errorCodes(choice(MOST_NEXT))).toEqual([]);
    compile(programOf(`event Payment { at: time } time at\nrule R { ${choice(MOST_NEXT)} alert out {} }`));
    expect(ruleFindings(choice(MOST_NEXT + 1))).toEqual([
      'too-many-next: After "first_" the pattern can go on in 32 ways, its end counted; this version runs up to 31. (write alternatives that differ only in their condition as one stage: x: Type where … or …)',
    ]);
    expect(errorCodes(body(names(40).map((name, i) => (i === 0 ? name : `${name}?`)).join(' -> '), names(40)))).toContain('too-many-next');
    expect(errorCodes(`match all ${'('.repeat(40)}s${'+)'.repeat(40)} within 5m\n s: Payment`)).toContain('too-many-next');
  });
  test('a param that may open more ways than the default does counts by its bounds', () => {
    const stages = names(33);
    const text = body(stages.map((name, i) => (i === 0 ? name : `${name}{many,}`)).join(' -> '), stages);
    expect(errorCodes(text, 'param many: int = 1 in 1 .. 5')).toEqual([]);
    expect(errorCodes(text, 'param many: int = 1 in 0 .. 5')).toEqual(['too-many-next']);
    expect(errorCodes(text, 'param many: int = 1')).toEqual(['too-many-next']);
  });
});

describe('a banned sequence', () => {
  test.each([
    ['not (x -> y)', []], ['not (x -> (y -> z))', []], ['not (x ->> y)', []], ['not ((x))', []],
    ['not (x{2} -> y)', ['banned-sequence']], ['not (x -> y?)', ['banned-sequence']], ['not (x -> (y or z))', ['banned-sequence']], ['not (x -> (y and z))', ['banned-sequence']],
    ['not (x -> (y -> z)+)', ['banned-sequence']],
  ])('a -> %s -> b: %j', (ban, codes) => {
    const names = ['x', 'y', 'z'].filter((name) => new RegExp(`\\b${name}\\b`).test(ban));
    for (const pattern of [`a -> ${ban} -> b`, `a -> ${ban}`, `(a -> ${ban} -> b)+`]) {
      const text = `match all ${pattern} within 5m\n a, ${pattern.includes('b') ? 'b, ' : ''}${names.join(', ')}: Payment`;
      expect(errorCodes(text)).toEqual(codes);
      if (codes.length === 0) compile(programOf(`event Payment { at: time } time at\nrule R { ${text} alert out {} }`));
    }
  });
  test('no `values` over its stages; other aggregates of theirs, and of bound ones, run', () => {
    const text = (condition: string): string => `match all a+ -> not (x -> y) -> b within 5m\n a, b, x: Payment\n y: Payment where ${condition}`;
    expect(errorCodes(text('amount in values(x.amount)'))).toEqual(['banned-sequence']);
    for (const condition of ['amount in values(a.amount)', 'distinct(x.amount) > 0', 'amount > max(x.amount)']) {
      expect(errorCodes(text(condition))).toEqual([]);
      compile(programOf(`event Payment { amount: float, at: time } time at\nrule R { ${text(condition)} alert out {} }`));
    }
  });
});

describe('a repeat count', () => {
  const counted = (count: string): string[] => ruleFindings(`match all a{${count}} -> b within 5m\n a, b: Payment`, 'param m: int = 2 in 0 .. 5\nparam free: int = 2\nconst two = 2\n');
  test.each(['n', 'n + 1', '2 * n - 2', 'two * two,', 'm,', 'free', '10 - n', '1,-(0 - n)'])('{%s}', (count) => {
    expect(counted(count)).toEqual([]);
  });
  test('is made of what is known before events come', () => {
    for (const count of ['max(n, 3)', 'if n > 2 then 1 else 2', '7 % n', 'size([1, 2])']) {
      expect(counted(count)).toEqual(['bad-count: How often something repeats is worked out before any event is read: of whole numbers, params and consts, with `+`, `-` and `*`. (make it a param of its own)']);
    }
  });
  test('is never below zero, whatever value a param has', () => {
    expect(counted('n - 3')).toEqual(['bad-count: A count cannot be below zero; this can be -2. (raise the lower bound of the param)']);
    expect(counted('2 - n')).toEqual(['bad-count: A count cannot be below zero; this can be -8. (raise the lower bound of the param)']);
  });
});
