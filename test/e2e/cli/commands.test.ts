import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CARD_TESTING, jsonLines, Workplace } from './alcedo.ts';

const place = new Workplace();
const WRONG = CARD_TESTING.replace('amount < 2', 'amuont < 2');

beforeAll(() => {
  place.write('rules/card-testing.cep', CARD_TESTING);
  place.write('wrong.cep', WRONG);
  place.write('failing.cep', CARD_TESTING.replace('amount: 900 }', 'amount: 400 }'));
});
afterAll(() => { place.remove(); });

describe('alcedo', () => {
  test('lists its commands, with examples, and each has help with examples', async () => {
    const { code, out } = await place.call(['--help']);
    expect(code).toBe(0);
    for (const command of ['run', 'check', 'test', 'explain', 'fmt', 'simulate', 'demo']) {
      expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
      const help = await place.call([command, '--help']);
      expect(help.code).toBe(0);
      expect(help.out).toMatch(/^Examples:\n {2}alcedo /m);
    }
  });
  test('without a command or with a wrong one it ends with 2', async () => {
    expect(await place.call([])).toMatchObject({ code: 2, out: '' });
    const { code, err } = await place.call(['chekc', 'rules']);
    expect(err).toContain('Did you mean check?');
    expect(code).toBe(2);
  });
  test('tells its version', async () => {
    expect(place.alcedo(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as unknown, err: '' });
  });
});

describe('alcedo check', () => {
  test('says how much was checked', async () => {
    expect(await place.call(['check', 'rules'])).toEqual({ code: 0, out: '1 file, 1 rule, 1 test: no errors\n', err: '' });
  });
  test('names file, line, column, source line, place and fix, and ends with 2', async () => {
    const { code, out } = await place.call(['check', 'wrong.cep']);
    const line = WRONG.split('\n').findIndex((text) => text.includes('amuont')) + 1;
    expect(out).toContain(`wrong.cep:${line}:26 error[unknown-name]`);
    expect(out).toContain('probe: Payment where amuont < 2');
    expect(out).toMatch(/did you mean "amount"/i);
    expect(out).toMatch(/1 error$/m);
    expect(code).toBe(2);
  });
  test('--json gives the same as data', async () => {
    const { code, out } = await place.call(['check', 'wrong.cep', '--json']);
    expect(JSON.parse(out)).toMatchObject({ ok: false, errors: 1, diagnostics: [{ file: 'wrong.cep', column: 26, severity: 'error', code: 'unknown-name' }] });
    expect(code).toBe(2);
  });
  test('a warning is an error under --strict only', async () => {
    place.write('warning.cep', CARD_TESTING.replace(' within 10m', ''));
    const loose = await place.call(['check', 'warning.cep']);
    expect(loose).toMatchObject({ code: 0, out: expect.stringMatching(/warning\[[a-z-]+\].*1 file, 1 rule, 1 test: no errors, 1 warning\n$/s) as unknown });
    expect((await place.call(['check', '--strict', 'warning.cep'])).code).toBe(2);
  });
  test('a folder without rule files is wrong usage', async () => {
    place.write('empty/readme.txt', '');
    expect(await place.call(['check', 'empty'])).toMatchObject({ code: 2, err: expect.stringContaining('There is no .cep file in the folder "empty"') as unknown });
  });
});

describe('alcedo test', () => {
  test('passes', async () => {
    expect(await place.call(['test', 'rules'])).toEqual({ code: 0, out: '1 passed, 0 failed\n', err: '' });
  });
  test('a failure shows expected and actual, and what stopped the nearest run, with its values', async () => {
    const { code, out } = await place.call(['test', 'failing.cep']);
    const line = CARD_TESTING.split('\n').findIndex((text) => text.startsWith('test ')) + 1;
    expect(out.split('\n')).toEqual([
      `FAIL CardTesting "three probes and a hit" (failing.cep:${line})`,
      '    expected  @40s { card: "c1", probes: 3 }      got  nothing',
      '    nearest run (card: "c1"): probe ×3 @0s..@20s, then waits for hit',
      '      @40s Payment amount=400',
      '          amount > big → 400 > 500 is false',
      '          amount > 10 * avg(probe.amount) → 400 > 10 is true',
      '0 passed, 1 failed',
      '',
    ]);
    expect(code).toBe(1);
  });
  test('--json gives the same as data', async () => {
    const { code, out } = await place.call(['test', 'failing.cep', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      ok: false, passed: 0, failed: 1,
      tests: [{ rules: ['CardTesting'], ok: false, failures: [{ got: 'nothing', nearest: [{ rule: 'CardTesting', next: [{ stage: 'hit', closest: { conditions: [{ holds: false }, { holds: true }] } }] }] }] }],
    });
    expect(code).toBe(1);
  });
  test('--filter chooses by rule and title; nothing to run is a failure', async () => {
    expect(await place.call(['test', 'rules', '--filter', 'PROBES', '--verbose'])).toMatchObject({ code: 0, out: expect.stringMatching(/^ok .*\n1 passed/) as unknown });
    expect(await place.call(['test', 'rules', '--filter', 'something else'])).toMatchObject({ code: 1, err: expect.stringContaining('No test of 1 test fits') as unknown });
  });
  test('rules with errors end with 2 and run nothing', async () => {
    const { code, err } = await place.call(['test', 'wrong.cep']);
    expect(err).toContain('error[unknown-name]');
    expect(code).toBe(2);
  });
});

describe('alcedo explain', () => {
  test('tells automaton, fields, conditions with their places, timers, state and cost', async () => {
    const { code, out } = await place.call(['explain', 'CardTesting', 'rules']);
    for (const heading of ['reads', 'automaton', 'conditions', 'timers', 'state of an open run', 'cost']) expect(out).toMatch(new RegExp(`^${heading}`, 'm'));
    expect(out).toContain('Payment: card, amount, at; checked only: country');
    expect(out).toMatch(/amount > big +on the event alone/);
    expect(out).toMatch(/amount > 10 \* avg\(probe\.amount\) +per group of open runs/);
    expect(code).toBe(0);
  });
  test('draws dot and mermaid, and gives JSON', async () => {
    expect((await place.call(['explain', 'rules/card-testing.cep', '--format', 'dot'])).out).toMatch(/^digraph "CardTesting" \{\n[^]*p0 -> p1 [^]*\n\}\n$/);
    expect((await place.call(['explain', 'rules', '--format', 'mermaid'])).out).toMatch(/^stateDiagram-v2\n[^]*\[\*\] --> p0/);
    expect(JSON.parse((await place.call(['explain', 'rules', '--json'])).out)).toMatchObject({ rule: 'CardTesting', positions: [{ stage: 'probe' }, { stage: 'hit' }] });
  });
  test('--cost tells only that; a wrong name hints at the right one', async () => {
    expect((await place.call(['explain', 'rules', '--cost'])).out).toMatch(/^CardTesting\n {2}after probe: /);
    expect(await place.call(['explain', 'CardTestin', 'rules'])).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean "CardTesting"?') as unknown });
  });
});

describe('alcedo fmt', () => {
  const MESSY = 'event   Payment{card:string,amount:float at:time}time at // of cards\nrule R{by card match all a->b within 5m a,b:Payment alert x{card}}';
  test('rewrites a file once, keeps comments, and is then content', async () => {
    place.write('messy.cep', MESSY);
    expect(await place.call(['fmt', '--check', 'messy.cep'])).toMatchObject({ code: 1, out: 'messy.cep is not in the layout\n' });
    expect(place.read('messy.cep')).toBe(MESSY);
    expect(await place.call(['fmt', 'messy.cep'])).toEqual({ code: 0, out: 'messy.cep\n', err: '' });
    expect(place.read('messy.cep')).toContain('// of cards');
    expect(await place.call(['fmt', '--check', 'messy.cep'])).toEqual({ code: 0, out: '', err: '' });
    expect(await place.call(['fmt', 'messy.cep'])).toEqual({ code: 0, out: '', err: '' });
    expect((await place.call(['check', 'messy.cep'])).code).toBe(0);
  });
  test('formats standard input to standard output', async () => {
    expect(place.alcedo(['fmt', '-'], { input: MESSY })).toMatchObject({ code: 0, out: place.read('messy.cep'), err: '' });
  });
  test('leaves a file with a syntax error as it is and ends with 2', async () => {
    place.write('broken.cep', 'rule {');
    const { code, err } = await place.call(['fmt', 'broken.cep']);
    expect(err).toContain('broken.cep:1:6 error[');
    expect(place.read('broken.cep')).toBe('rule {');
    expect(code).toBe(2);
  });
});

describe('alcedo simulate and demo', () => {
  test('simulated events can be piped into a run', async () => {
    place.write('any.cep', 'event Payment { card: string, amount: float, ts: time } time ts\nrule Big { by card match all a a: Payment where amount > 0 alert x { card } }\n');
    const { code, out } = place.shell('alcedo simulate payments --seed 7 --rate 10/s --for 20s | alcedo run any.cep --events - --quiet');
    expect(code).toBe(0);
    expect(jsonLines(out).length).toBeGreaterThan(50);
  });
  test('the same seed gives the same bytes', async () => {
    const once = place.alcedo(['simulate', 'payments', '--seed', '7', '--rate', '10/s', '--for', '10s']);
    expect(once.out).not.toBe('');
    expect(place.alcedo(['simulate', 'payments', '--seed', '7', '--rate', '10/s', '--for', '10s']).out).toBe(once.out);
  });
});
