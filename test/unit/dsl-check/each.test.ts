import { describe, expect, test } from '@jest/globals';
import { bare, findings, programOf, ruleOf } from './support.ts';

const BATCH = `event Batch { site: string, sent: time, readings: [{ id: string, v: float?, ts: time(s), ok: "y" | "n", parts: [int] }], more: { list: [int] }? } time sent
event BigBatch extends Batch { n: int }
`;
const READING = 'event Reading = each r in Batch.readings { sensor: r.id, value: r.v, site, at: r.ts, ok: r.ok, parts: r.parts, double: r.v * 2 } time at id sensor\n';

const codesOf = (text: string): string[] => findings(text).filter((finding) => !finding.startsWith('~')).map((finding) => finding.split(':')[0]!);
const rule = (body: string): string => `rule R {\n${body}\n alert out {}\n}\n`;

describe('an event made of each element of a list', () => {
  test('has the fields that are given, with the types of their values', () => {
    const type = programOf(BATCH + READING).events.get('Reading')!;
    expect(bare(type)).toMatchObject({
      name: 'Reading', time: 'at', id: ['sensor'], accepts: ['Reading'],
      fields: [
        { name: 'sensor', type: { kind: 'string' }, optional: false }, { name: 'value', type: { kind: 'float' }, optional: true }, { name: 'site', type: { kind: 'string' } }, { name: 'at', type: { kind: 'time', unit: 'ms' } },
        { name: 'ok', type: { kind: 'oneOf', values: ['y', 'n'] } }, { name: 'parts', type: { kind: 'list' } }, { name: 'double', optional: true },
      ],
      each: { source: 'Batch', list: { kind: 'eventField', field: 'readings' }, values: [
        { kind: 'member', field: 'id', object: { kind: 'lambdaParam', depth: 0 } }, { kind: 'member', field: 'v' }, { kind: 'eventField', field: 'site' }, { kind: 'member', field: 'ts' }, { field: 'ok' }, { field: 'parts' }, { kind: 'arith' },
      ] },
    });
  });
  test('of events made so, of lists in records, with functions and params', () => {
    const { events } = programOf(`${BATCH}event Part = each p in Reading.parts { part: p, sensor, at } time at\n${READING}event Item = each x in Batch.more.list { x: scaled(x), sent } time sent once within 1m id x\nparam f: int = 2\nfn scaled(x: int) = x * f`);
    expect(bare(events.get('Part'))).toMatchObject({ fields: [{ name: 'part', type: { kind: 'int' } }, { name: 'sensor' }, { name: 'at', type: { kind: 'time' } }], each: { source: 'Reading' } });
    expect(bare(events.get('Item'))).toMatchObject({ once: 60_000, each: { list: { kind: 'member', field: 'list', object: { field: 'more' } }, values: [{ kind: 'arith', left: { kind: 'lambdaParam', depth: 0 }, right: { kind: 'param' } }, {}] } });
    expect([...events.keys()]).toEqual(['Batch', 'BigBatch', 'Part', 'Reading', 'Item']);
  });
  test('inside a lambda the element is one further out', () => {
    const type = programOf('event B { rows: [{ tags: [string], t: string }], at: time } time at\nevent E = each r in B.rows { has: any(r.tags, x => x == r.t), at } time at').events.get('E')!;
    expect(bare(type.each!.values[0])).toMatchObject({ kind: 'call', args: [{ object: { depth: 0 } }], lambda: { left: { kind: 'lambdaParam', depth: 0 }, right: { object: { kind: 'lambdaParam', depth: 1 } } } });
  });
  test('is read like any other', () => expect(codesOf(`${BATCH}${READING}${rule('by sensor\n match a{3} within 1h\n a: Reading where value > 5 and ok == "y"')}`)).toEqual([]));
  test.each([
    ['each r in Batch { x: r }', ['each-source']], ['each r in readings { x: r }', ['each-source']], ['each r in Batch.readings[0].parts { x: r }', ['each-source']], ['each r in Btch.readings { x: r }', ['unknown-type']], ['each r in Batch.reading { x: r }', ['unknown-name']],
    ['each r in Batch.site { x: r }', ['type-mismatch']], ['each r in Batch.readings { x: r.idd }', ['unknown-field']], ['each r in Batch.readings { x: r.id, x: r.id }', ['field-twice']], ['each r in Batch.readings { x: q.id }', ['unknown-name']],
    ['each r in Batch.readings { x: null }', ['type-mismatch']], ['each r in Batch.readings { x: r.id } time at', ['unknown-field']], ['each r in Batch.readings { x: r.id } time x', ['bad-time-field']], ['each r in Batch.readings { x: r.id } id y', ['unknown-field']],
    ['each r in E.list { list: [1] }', ['each-cycle']], ['each r in Batch.readings { x: count(r) }', ['aggregate-needs-stage']],
  ])('= %s', (text, codes) => expect(codesOf(`${BATCH}event E = ${text}`)).toEqual(codes));
  test('two that are made of each other', () => expect(codesOf('event A = each x in B.list { list: [x] }\nevent B = each x in A.list { list: [x] }')).toEqual(['each-cycle']));
  test('is extended, emitted and given by nobody', () => {
    expect(codesOf(`${BATCH}${READING}event Sub extends Reading { n: int }`)).toEqual(['each-base']);
    expect(codesOf(`${BATCH}event E = each r in Batch.readings { x: r.id }\nrule R {\n match a\n a: Batch\n emit E { x: "x" }\n}`)).toEqual(['made-of-list']);
    expect(codesOf(`${BATCH}${READING}${rule('match a\n a: Reading')}test R "t" {\n @1s Reading { sensor: "x" }\n expect nothing\n}`)).toEqual(['made-of-list']);
    expect(codesOf(`${BATCH}${READING}${rule('match a\n a: Reading')}test R "t" {\n @1s Batch { readings: [{ id: "x", v: 1.5, ts: 1s }] }\n expect nothing\n}`)).toEqual([]);
  });
  test('is on the way where a rule would read what it emits', () => {
    const emits = (type: string) => codesOf(`${BATCH}event E = each r in Batch.readings { x: r.id }\nrule R {\n match a\n a: E\n emit ${type} { site: a.x, readings: none()${type === 'Batch' ? '' : ', n: 1'} }\n}\nfn none() = []`).filter((code) => code !== 'type-mismatch');
    expect([emits('Batch'), emits('BigBatch')]).toEqual([['emit-cycle'], ['emit-cycle']]);
  });
});

describe('lasting and timeAvg', () => {
  test('go through a stage like other aggregates', () => {
    const rule_ = ruleOf('by card\n match a+ until lasting(a.level > 8) > 5m -> b within 1h\n a: Alarm\n b: Login\n having lasting(a.level > 8 where a.note is not null) > 5m and timeAvg(a.level) > 3\n alert out { hot: lasting(a.level > 8), mean: timeAvg(a.level) }'.replace('a+ until lasting(a.level > 8) > 5m ', 'a+ ').replace('a: Alarm', 'a: Alarm until lasting(a.level > 8) > 5m'));
    expect(bare(rule_.outputs[0]!.fields.map(({ value }) => value))).toMatchObject([
      { kind: 'aggregate', fn: 'lasting', stage: 'a', type: { kind: 'duration' }, value: { kind: 'compare', left: { kind: 'eachField', field: 'level' } } }, { kind: 'aggregate', fn: 'timeAvg', type: { kind: 'float' }, value: { kind: 'eachField' } },
    ]);
    expect(bare(rule_.match.stages.get('a')!.until)).toMatchObject({ left: { fn: 'lasting' } });
  });
  test.each([['lasting(a.level)', 'type-mismatch'], ['timeAvg(a.note)', 'type-mismatch'], ['lasting(a)', 'stage-without-field'], ['lasting()', 'aggregate-needs-stage'], ['lasting(b.card == "x")', undefined]])('%s', (expr, code) => {
    const text = `${BATCH}event Alarm { card: string, level: float, note: string?, at: time } time at\nrule R {\n by card\n match a+ -> b within 1h\n a, b: Alarm\n alert out { x: ${expr} }\n}`;
    expect(codesOf(text)).toEqual(code === undefined ? [] : [code]);
  });
});
