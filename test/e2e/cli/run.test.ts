import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CARD_TESTING, jsonLines, payment, PAYMENTS, Workplace } from './alcedo.ts';

const place = new Workplace();

beforeAll(() => {
  place.write('rules/card-testing.cep', CARD_TESTING);
  place.write('pay.jsonl', `${PAYMENTS.join('\n')}\n`);
});
afterAll(() => { place.remove(); });

const alertOf = (text: string): Record<string, unknown> => {
  const alerts = jsonLines(text);
  expect(alerts).toHaveLength(1);
  return alerts[0]!;
};

describe('alcedo run', () => {
  test('writes alerts as JSON Lines on standard output and a summary on standard error', () => {
    const { code, out, err } = place.alcedo(['run', 'rules', '--events', 'pay.jsonl']);
    expect(alertOf(out)).toMatchObject({
      rule: 'CardTesting', version: 1, title: 'Small probes, then one large payment', severity: 'high', tags: ['fraud', 'card'], channel: 'fraud_alerts',
      key: { card: 'c1' }, from: '2026-01-05T08:00:00.000Z', to: '2026-01-05T08:00:40.000Z', suppressed: 0,
      fields: { card: 'c1', probes: 3, spent: 903 },
      events: { probe: [{ amount: 1 }, { amount: 1.5 }, { amount: 0.5 }], hit: [{ amount: 900 }] },
    });
    expect(err).toMatch(/CardTesting +4 +1 +0 +– +0/);
    expect(err).toContain('4 events');
    expect(code).toBe(0);
  });

  test('the same events give the same alert ids from a file, standard input, gzip and zstd', () => {
    const lines = `${PAYMENTS.join('\n')}\n`;
    place.write('pay.jsonl.gz', gzipSync(lines));
    place.write('pay.jsonl.zst', zstdCompressSync(lines));
    const ids = [
      place.alcedo(['run', 'rules', '--events', 'pay.jsonl']), place.alcedo(['run', 'rules', '--events', '-'], { input: lines }),
      place.alcedo(['run', 'rules', '--events', 'pay.jsonl.gz']), place.alcedo(['run', 'rules', '--events', 'pay.jsonl.zst']),
    ].map(({ out }) => alertOf(out)['id']);
    expect(new Set(ids).size).toBe(1);
  });

  test('reads CSV, with fields under other names', async () => {
    place.write('tx.csv', ['customer,value,ts', 'c9,1,2026-01-05 08:00:00', 'c9,1,2026-01-05 08:00:01', 'c9,1.0,2026-01-05 08:00:02', 'c9,"800",2026-01-05 08:00:03', ''].join('\n'));
    const { code, out } = await place.call(['run', 'rules', '--events', 'Payment=tx.csv', '--map', 'Payment.card=customer,Payment.amount=value', '--map', 'Payment.at=ts']);
    expect(alertOf(out)).toMatchObject({ key: { card: 'c9' }, fields: { spent: 803 } });
    expect(code).toBe(0);
  });

  test('merges several inputs by event time', async () => {
    place.write('a.jsonl', [PAYMENTS[0], PAYMENTS[2]].join('\n'));
    place.write('b.jsonl', [PAYMENTS[1], PAYMENTS[3]].join('\n'));
    const { out, err } = await place.call(['run', 'rules', '--events', 'b.jsonl', '--events', 'a.jsonl', '--json']);
    expect(alertOf(out)).toMatchObject({ fields: { probes: 3 } });
    expect(JSON.parse(err)).toMatchObject({ events: 4, late: 0, rejected: 0, alerts: 1, inputs: ['b.jsonl', 'a.jsonl'], rules: [{ rule: 'CardTesting', events: 4, alerts: 1 }] });
  });

  test('params, rules, times and the number of events can be chosen', async () => {
    const count = async (...args: string[]): Promise<number> => jsonLines((await place.call(['run', 'rules', '--events', 'pay.jsonl', ...args])).out).length;
    expect(await count('--param', 'big=899')).toBe(1);
    expect(await count('--param', 'big=900')).toBe(0);
    expect(await count('--limit', '3')).toBe(0);
    expect(await count('--from', '2026-01-05T08:00:00Z', '--to', '2026-01-05T08:00:40.001Z')).toBe(1);
    expect(await count('--to', '2026-01-05T08:00:40Z')).toBe(0);
    expect(await count('--rule', 'CardTesting')).toBe(1);
  });

  test('alerts, late and rejected events and the summary go to the files named', () => {
    const input = [PAYMENTS[0], PAYMENTS[1], PAYMENTS[2], payment(5, 'c1', 0.25), 'nonsense', payment(30, 'c1', 'x'), PAYMENTS[3]].join('\n');
    const { code, out, err } = place.alcedo(
      ['run', 'rules', '-e', '-', '--alerts', 'alerts.jsonl', '--late', 'late.jsonl', '--rejects', 'rejects.jsonl', '--summary', 'summary.json', '--quiet'], { input });
    expect({ code, out, err }).toEqual({ code: 0, out: '', err: '' });
    expect(place.lines('alerts.jsonl')).toMatchObject([{ fields: { probes: 3 } }]);
    expect(place.read('late.jsonl')).toBe(`${payment(5, 'c1', 0.25)}\n`);
    expect(place.lines('rejects.jsonl')).toMatchObject([
      { reason: 'not-json', line: 5, text: 'nonsense', source: 'standard input' }, { reason: 'wrong-type', line: 6, text: payment(30, 'c1', 'x') },
    ]);
    expect(JSON.parse(place.read('summary.json'))).toMatchObject({ events: 4, late: 1, rejected: 2, alerts: 1 });
    // As it is, the file of rejects gives the same again; mended in its place, what was meant.
    const again = JSON.parse(place.alcedo(['run', 'rules', '-e', 'rejects.jsonl', '--summary', 'again.json', '--quiet']).code === 0 ? place.read('again.json') : '{}') as object;
    expect(again).toMatchObject({ events: 0, rejected: 2, rejects: [{ reason: 'not-json' }, { reason: 'wrong-type' }] });
    place.write('mended.jsonl', place.read('rejects.jsonl').replace('\\"amount\\":\\"x\\"', '\\"amount\\":7'));
    expect(place.alcedo(['run', 'rules', '-e', 'mended.jsonl', '--summary', 'again.json', '--quiet']).code).toBe(0);
    expect(JSON.parse(place.read('again.json'))).toMatchObject({ events: 1, rejected: 1 });
  });

  test('events within the lateness are put in order', () => {
    const input = [PAYMENTS[1], PAYMENTS[0], PAYMENTS[2], PAYMENTS[3]].join('\n');
    expect(jsonLines(place.alcedo(['run', 'rules', '-e', '-'], { input }).out)).toHaveLength(0);
    expect(jsonLines(place.alcedo(['run', 'rules', '-e', '-', '--lateness', '10s'], { input }).out)).toHaveLength(1);
  });

  test('--pretty tells a person', async () => {
    const { out } = await place.call(['run', 'rules', '-e', 'pay.jsonl', '--pretty']);
    expect(out).toMatch(/^2026-01-05T08:00:40\.000Z HIGH +CardTesting +Small probes, then one large payment +card: "c1"\n +probes: 3, spent: 903\n/);
    expect(out).not.toContain('\u001b');
    expect((await place.call(['run', 'rules', '-e', 'pay.jsonl', '--pretty'], { FORCE_COLOR: '1' })).out).toContain('\u001b[31mHIGH');
    expect((await place.call(['run', 'rules', '-e', 'pay.jsonl', '--pretty'], { FORCE_COLOR: '1', NO_COLOR: '1' })).out).not.toContain('\u001b');
  });

  test('a reader that goes away ends it quietly', () => {
    place.write('many.cep', 'event Payment { card: string, amount: float, at: time } time at\nrule Any { by card match all a a: Payment alert x { card } }\n');
    place.write('many.jsonl', `${Array.from({ length: 20_000 }, (_, i) => payment(i, 'c1', 1)).join('\n')}\n`);
    const { code, out, err } = place.shell('alcedo run many.cep --events many.jsonl --quiet | head -n 2');
    expect(jsonLines(out)).toHaveLength(2);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('Ctrl-C ends it with the summary so far', async () => {
    const run = place.start(['run', 'rules', '-e', '-']);
    let out = '';
    let err = '';
    run.stdout!.on('data', (chunk) => { out += String(chunk); if (out.includes('\n')) run.kill('SIGINT'); });
    run.stderr!.on('data', (chunk) => { err += String(chunk); });
    run.stdin!.write(`${PAYMENTS.join('\n')}\n${PAYMENTS.at(-1)}\n`);
    const code = await new Promise((resolve) => { run.on('close', resolve); });
    expect(jsonLines(out)).toHaveLength(1);
    expect(err).toMatch(/CardTesting +\d+ +1/);
    expect(err).toContain('Interrupted');
    expect(code).toBe(130);
  });
});

describe('what can be wrong with the input', () => {
  const run = async (input: string | Uint8Array): Promise<{ code: number | null; alerts: number; summary: Record<string, unknown> }> => {
    place.write('input.jsonl', input);
    const { code, out, err } = await place.call(['run', 'rules', '-e', 'input.jsonl', '--json']);
    return { code, alerts: jsonLines(out).length, summary: JSON.parse(err) as Record<string, unknown> };
  };
  const reasons = (summary: Record<string, unknown>): unknown => Object.fromEntries((summary['rejects'] as { reason: string; count: number }[]).map(({ reason, count }) => [reason, count]));

  test('an empty input', async () => {
    const { code, summary } = await run('');
    expect(code).toBe(0);
    expect(summary).toMatchObject({ events: 0, rejected: 0, notes: [expect.stringContaining('no event in input.jsonl')] });
  });

  test('no newline at the end, blank lines, carriage returns, a byte order mark', async () => {
    expect(await run(`\ufeff${PAYMENTS.join('\r\n\r\n')}`)).toMatchObject({ code: 0, alerts: 1, summary: { events: 4, rejected: 0 } });
  });

  test('text that is no JSON, NUL bytes, bytes that are no UTF-8, values that are no object', async () => {
    const bad = Buffer.concat([Buffer.from('hello\n\u0000\u0000\n{"type":"Payment","card":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n[1,2]\n42\nnull\n{"type":\n')]);
    const { code, alerts, summary } = await run(Buffer.concat([bad, Buffer.from(PAYMENTS.join('\n'))]));
    expect({ code, alerts }).toEqual({ code: 0, alerts: 1 });
    expect(summary).toMatchObject({ events: 4, rejected: 7 });
  });

  test('wrong types, missing fields, unknown types, times that are none', async () => {
    const { code, summary } = await run([
      payment(0, 'c1', '1'), payment(0, 'c1', null), payment(0, 'c1', true), '{"type":"Payment","card":"c1"}', '{"type":"Refund","card":"c1"}',
      payment(0, 'c1', 1, { at: 'yesterday' }), payment(0, 'c1', 1, { country: 7 }), payment(0, 'c1', 7).replace('7', '1e400'),
    ].join('\n'));
    expect(code).toBe(0);
    expect(summary).toMatchObject({ events: 0, rejected: 8 });
    expect(reasons(summary)).toMatchObject({ 'unknown-type': 1, 'bad-time': 1 });
    expect(summary['notes']).toEqual([expect.stringMatching(/No event could be used: \d of 8 were rejected as /)]);
  });

  test('a line of 10 MB, one that is an event and one that is not', async () => {
    const long = 'x'.repeat(10_000_000);
    const input = [PAYMENTS[0], payment(1, 'c1', 1, { country: long }), long, PAYMENTS[1], PAYMENTS[3]].join('\n');
    const { code, alerts, summary } = await run(input);
    expect({ code, alerts }).toEqual({ code: 0, alerts: 1 });
    expect(summary).toMatchObject({ events: 4, rejected: 1 });
  });

  test('a compressed file that was cut off ends with 1, with the summary', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => payment(i, `c${i % 97}`, (i * 7919) % 1000)).join('\n');
    const packed = gzipSync(`${PAYMENTS.join('\n')}\n${lines}\n`);
    place.write('cut.jsonl.gz', packed.subarray(0, packed.length / 2));
    const { code, err } = await place.call(['run', 'rules', '-e', 'cut.jsonl.gz']);
    expect(err).toMatch(/error: cut\.jsonl\.gz cannot be read on: .* What came before was run; the rest was not read\.\n$/);
    expect(err).toContain('The input was not read to its end');
    expect(code).toBe(1);
  });

  test('numbers past 2^53, lone surrogates, repeated fields', async () => {
    const { code, summary } = await run([
      payment(0, 'c1', 7).replace('7', '12345678901234567890'), `{"type":"Payment","card":"\\ud800","amount":1,"at":0}`, '{"type":"Payment","card":"c1","card":"c2","amount":1,"at":1767600000000}',
    ].join('\n'));
    expect(code).toBe(0);
    expect(summary).toMatchObject({ rejected: 0 });
  });

  test('says why nothing came of it', async () => {
    expect((await run(payment(0, 'c1', 1))).summary['notes']).toEqual([
      'CardTesting reported nothing: 1 run open at the end; runs whose time was up before are not counted (`on timeout` reports them).',
    ]);
    place.write('unbounded.cep', `${CARD_TESTING.slice(0, CARD_TESTING.indexOf('param'))} rule Big { by card match a a: Payment where amount > 1000 alert x { card } }`);
    const { err } = await place.call(['run', 'unbounded.cep', '-e', 'pay.jsonl']);
    expect(err).toContain('Big reported nothing: no run was open at the end and none timed out, so most likely no event satisfies its first step (a).');
  });
});

test('what is read by way of the elements of a list, or of a feature, is read; the rest is named', async () => {
  place.write('lists.cep', `event Batch { site: string, readings: [{ id: string, v: float, ts: time }], sent: time } time sent
    event Reading = each r in Batch.readings { id: r.id, v: r.v, at: r.ts } time at
    event Rate { id: string, v: float, at: time } time at
    event Other { id: string, at: time } time at
    feature rate = last(v) of Rate by id
    rule High { by id match r  r: Reading where v > 5 and v > (rate ?? 0)  alert out { id } }`);
  place.write('lists.jsonl', [
    { type: 'Batch', site: 's', readings: [{ id: 'a', v: 9, ts: '2026-01-05T08:00:00Z' }], sent: '2026-01-05T08:00:00Z' }, { type: 'Rate', id: 'a', v: 1, at: '2026-01-05T08:00:00Z' },
    { type: 'Other', id: 'a', at: '2026-01-05T08:00:01Z' },
  ].map((event) => JSON.stringify(event)).join('\n'));
  const { err } = await place.call(['run', 'lists.cep', '-e', 'lists.jsonl']);
  expect(err).toContain('No rule reads Other (1 event).');
});

describe('wrong usage ends with 2 and says what to do', () => {
  test.each<[string, string[], string]>([
    ['no events', ['run', 'rules'], '--events'],
    ['no rules', ['run', '--events', 'pay.jsonl'], "missing required argument 'rules'"],
    ['a rule file that is not there', ['run', 'nope.cep', '-e', 'pay.jsonl'], 'Cannot read "nope.cep": there is no such file'],
    ['an input that is not there', ['run', 'rules', '-e', 'nope.jsonl'], 'Cannot read events from "nope.jsonl": there is no such file'],
    ['a rule that is not there', ['run', 'rules', '-e', 'pay.jsonl', '--rule', 'CardTestin'], 'Did you mean "CardTesting"?'],
    ['a param that is not there', ['run', 'rules', '-e', 'pay.jsonl', '--param', 'bog=1'], 'Did you mean "big"?'],
    ['a param out of bounds', ['run', 'rules', '-e', 'pay.jsonl', '--param', 'big=-1'], '0 .. 100000'],
    ['a param of another type', ['run', 'rules', '-e', 'pay.jsonl', '--param', 'big=much'], '"much" is not a number'],
    ['an event type that is not there', ['run', 'rules', '-e', 'Paiment=pay.jsonl'], 'Did you mean "Payment"?'],
    ['a mapped field that is not there', ['run', 'rules', '-e', 'pay.jsonl', '--map', 'Payment.crad=x'], 'Did you mean "card"?'],
    ['a duration that is none', ['run', 'rules', '-e', 'pay.jsonl', '--lateness', '5'], 'not a duration'],
    ['an option that is not there', ['run', 'rules', '-e', 'pay.jsonl', '--lateniss', '5s'], 'Did you mean --lateness?'],
  ])('%s', async (_, args, message) => {
    const { code, out, err } = await place.call(args);
    expect(err).toContain(message);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('an output that cannot be written ends with 1', async () => {
    const { code, err } = await place.call(['run', 'rules', '-e', 'pay.jsonl', '--alerts', 'no/such/folder.jsonl']);
    expect(err).toContain('Cannot write "no/such/folder.jsonl"');
    expect(code).toBe(1);
  });
});
