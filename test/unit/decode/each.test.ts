import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Alert } from '../../../src/core/alert.ts';
import { Expander, makeDecoder } from '../../../src/decode/index.ts';
import { Engine } from '../../../src/engine/index.ts';
import { planOf } from '../engine/harness.ts';

/** Decodes one text an event, and runs the rules: alerts and rejects, in the order in which they came. */
function run(rules: string, events: readonly (readonly [type: string, event: unknown])[], options: { readonly lateness?: number; readonly latest?: number; readonly snapshotAt?: number; readonly tables?: Readonly<Record<string, Record<string, unknown>[]>> } = {}) {
  const plan = planOf(rules);
  const alerts: Alert[] = [];
  const rejects: { reason: string; message: string; text: string }[] = [];
  const late: string[] = [];
  const make = (): { engine: Engine; push: (type: string, event: unknown, i: number) => void } => {
    const engine = new Engine(plan, {
      lateness: options.lateness ?? 0, onAlert: (alert) => alerts.push(alert), now: () => 0,
      onLate: (batch, row) => { late.push(Buffer.from(batch.bytes.subarray(batch.from[row]!, batch.to[row]!)).toString()); },
    });
    for (const [name, rows] of Object.entries(options.tables ?? {})) engine.setTable(name, rows);
    const expander = new Expander(plan.each, {
      schema: plan.schema, strings: engine.strings, tables: engine.tables,
      onReject: ({ reason, message }, _, bytes) => { rejects.push({ reason, message, text: Buffer.from(bytes).toString() }); },
    }, 2);
    const batch = engine.newBatch(1);
    return {
      engine,
      push: (type, event, i) => {
        const bytes = Buffer.from(typeof event === 'string' ? event : JSON.stringify(event));
        const reject = makeDecoder(engine.schema, engine.strings, { defaultType: type }).decode(bytes, 0, bytes.length, batch, 0);
        if (reject !== undefined) { rejects.push({ reason: reject.reason, message: reject.message, text: bytes.toString() }); return; }
        batch.bytes = bytes;
        batch.count = 1;
        batch.offset[0] = i;
        engine.push(expander.expand(batch, options.latest === undefined ? undefined : [options.latest]));
      },
    };
  };
  let job = make();
  events.forEach(([type, event], i) => {
    if (i === options.snapshotAt) {
      const bytes = job.engine.snapshot();
      job = make();
      job.engine.restore(bytes);
    }
    job.push(type, event, i);
  });
  job.engine.advance(Infinity);
  return { alerts, rejects, late, fields: alerts.map(({ fields }) => fields), stats: job.engine.stats() };
}

const BATCH = `
event Batch { gateway: string, readings: [{ id: string from "ID", v: float, ts: time(s), ports: [int]? }]?, at: time } time at
event Reading = each r in Batch.readings { sensor: r.id, value: r.v, at: r.ts, gateway, double: r.v * 2, first: r.ports[0] } time at
`;
const HOT = `${BATCH} rule Hot { by sensor match hot hot: Reading where value > 50 alert ch { sensor, v: hot.value, gw: hot.gateway, d: hot.double, f: hot.first, t: hot.at } }`;
const reading = (ID: string, v: unknown, ts: unknown, ports?: unknown) => ({ ID, v, ts, ...(ports !== undefined && { ports }) });

describe('events made of the elements of a list', () => {
  test('one an element, in list order, with the values as declared', () => {
    const { fields, rejects, stats, alerts } = run(HOT, [['Batch', { gateway: 'g1', at: 1000, readings: [reading('a', 60, 3, [7, 8]), reading('b', 10, 3), reading('c', 70.5, 4)] }]]);
    expect(fields).toEqual([{ sensor: 'a', v: 60, gw: 'g1', d: 120, f: 7, t: '1970-01-01T00:00:03.000Z' }, { sensor: 'c', v: 70.5, gw: 'g1', d: 141, f: null, t: '1970-01-01T00:00:04.000Z' }]);
    expect(rejects).toEqual([]);
    expect(stats.events).toBe(4);
    expect(alerts[0]!.events![0]!.events[0]).toMatchObject({ offset: 0, type: 'Reading', text: '{"sensor":"a","value":60,"at":3000,"gateway":"g1","double":120,"first":7}' });
  });

  test('an element that is wrong is rejected by itself, with its bytes and place; the others and the event live', () => {
    const { fields, rejects } = run(`${HOT} rule All { match b b: Batch alert all { g: b.gateway } }`, [
      ['Batch', '{"gateway":"g1","at":1000,"readings":[{"ID":"a","v":"x","ts":3}, 7 ,{"ID":"b","v":60,"ts":3},{"v":99,"ts":3}, null]}'],
    ]);
    expect(fields.map((one) => one['g'] ?? one['sensor'])).toEqual(['g1', 'b']);
    expect(rejects).toEqual([
      { reason: 'wrong-type', message: 'element 1 of Batch.readings: Reading.v is "x", not a float', text: '{"ID":"a","v":"x","ts":3}' },
      { reason: 'not-object', message: expect.stringMatching(/^element 2 of Batch\.readings: /), text: '7' },
      { reason: 'missing-field', message: expect.stringMatching(/^element 4 of Batch\.readings: Reading\.id \("ID" in the data\) is missing/), text: '{"v":99,"ts":3}' },
      { reason: 'not-object', message: expect.stringMatching(/^element 5 of/), text: 'null' },
    ]);
  });

  test('no list, a null one and an empty one give no element; what is no list rejects the event', () => {
    const { fields, rejects, stats } = run(HOT, [
      ['Batch', { gateway: 'g', at: 1 }], ['Batch', { gateway: 'g', at: 2, readings: null }], ['Batch', { gateway: 'g', at: 3, readings: [] }], ['Batch', { gateway: 'g', at: 4, readings: { a: 1 } }],
    ]);
    expect([fields, stats.events, rejects.map(({ reason }) => reason)]).toEqual([[], 3, ['wrong-type']]);
  });

  test('each has an event time of its own, and lateness by it', () => {
    const { fields, late } = run(HOT, [
      ['Batch', { gateway: 'g', at: 10_000, readings: [reading('a', 60, 12), reading('b', 61, 11), reading('c', 62, 9)] }],
      ['Batch', { gateway: 'g', at: 13_000, readings: [reading('d', 63, 10), reading('e', 64, 20)] }],
    ], { lateness: 2000 });
    expect(fields.map(({ sensor }) => sensor)).toEqual(['b', 'a', 'e']);
    expect(late.map((text) => (JSON.parse(text) as { sensor: string }).sensor)).toEqual(['c', 'd']);
  });

  test('one too far ahead of its arrival is rejected as future', () => {
    const { fields, rejects } = run(HOT, [['Batch', { gateway: 'g', at: 10_000, readings: [reading('a', 60, 12), reading('b', 61, 11)] }]], { latest: 11_500 });
    expect([fields.map(({ sensor }) => sensor), rejects.map(({ reason, text }) => [reason, text])]).toEqual([['b'], [['future', '{"ID":"a","v":60,"ts":12}']]]);
  });

  test('identities: equal elements are different events, and the ids are those of every run', () => {
    const events = [['Batch', { gateway: 'g', at: 1000, readings: [reading('a', 60, 3), reading('a', 60, 3)] }]] as const;
    const ids = run(HOT, events).alerts.map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
    expect(run(HOT, events).alerts.map(({ id }) => id)).toEqual(ids);
    const none = HOT.replace('rule Hot {', 'rule Hot { evidence none');
    expect(run(none, events).alerts.map(({ id }) => id)).toEqual(ids);
  });

  test('a list in a record, elements that are no records, and a made event without a time of its own', () => {
    const rules = `
      event Msg { at: time, body: { vals: [float], names: [string] from "n" } } time at
      event Val = each x in Msg.body.vals { x, half: x / 2 }
      event Named = each n in Msg.body.names { n, big: upper(n) }
      rule V { match v v: Val where x > 1 alert ch { x: v.x, h: v.half, at: timeOf(v) } }
      rule N { match v v: Named alert ch { n: v.n, b: v.big } }`;
    const { fields, rejects } = run(rules, [['Msg', { at: 5, body: { n: ['p', 4, 'q'], vals: [1, 3, 'x', 4] } }]]);
    expect(fields).toEqual([{ x: 3, h: 1.5, at: '1970-01-01T00:00:00.005Z' }, { x: 4, h: 2, at: '1970-01-01T00:00:00.005Z' }, { n: 'p', b: 'P' }, { n: 'q', b: 'Q' }]);
    expect(rejects.map(({ message, text }) => [message.split(':')[0], text])).toEqual([['element 3 of Msg.body.vals', '"x"'], ['element 2 of Msg.body.n', '4']]);
  });

  test('lists in elements of lists', () => {
    const rules = `
      event Ship { at: time, hold: string, boxes: [{ id: string, items: [{ sku: string, n: int }] }] } time at
      event Box = each b in Ship.boxes { box: b.id, items: b.items, hold }
      event Item = each i in Box.items { sku: i.sku, n: i.n, box, place: hold }
      rule R { by sku match i i: Item where n > 1 alert ch { sku, box: i.box, place: i.place } }`;
    const { fields, rejects } = run(rules, [['Ship', { at: 5, hold: 'h', boxes: [{ id: 'b1', items: [{ sku: 's1', n: 2 }, { sku: 's2', n: 'x' }] }, { id: 'b2', items: [{ sku: 's3', n: 3 }] }, { id: 'b3' }] }]]);
    expect(fields).toEqual([{ sku: 's1', box: 'b1', place: 'h' }, { sku: 's3', box: 'b2', place: 'h' }]);
    expect(rejects.map(({ message }) => message)).toEqual([
      'element 2 of element 1 of Ship.boxes.items: Item.n is "x", not a int', expect.stringMatching(/^element 3 of Ship\.boxes: Box\.items is missing/),
    ]);
  });

  test('a field looked up in a table, by the row that holds at the time of the event that is made', () => {
    const rules = `
      table owners { id: string key, from: time, name: string }
      event Batch { readings: [{ id: string, ts: time }], at: time } time at
      event Reading = each r in Batch.readings { owner: owners[r.id].name ?? "nobody", id: r.id, at: r.ts } time at
      rule R { by owner match r r: Reading alert ch { owner, id: r.id } }`;
    const { fields } = run(rules, [['Batch', { at: 9, readings: [{ id: 'a', ts: 4 }, { id: 'a', ts: 5 }, { id: 'b', ts: 6 }] }]], {
      tables: { owners: [{ id: 'a', from: 0, name: 'Ann' }, { id: 'a', from: 5, name: 'Bob' }] }, lateness: 100,
    });
    expect(fields).toEqual([{ owner: 'Ann', id: 'a' }, { owner: 'Bob', id: 'a' }, { owner: 'nobody', id: 'b' }]);
  });

  test('a rule that reads the list itself reads the elements that are right', () => {
    const rules = `${BATCH} rule S { match b b: Batch where size(readings) > 1 alert ch { n: size(b.readings) } } rule H { by sensor match r r: Reading alert ch { sensor } }`;
    const { fields } = run(rules, [['Batch', { gateway: 'g', at: 1000, readings: [reading('a', 1, 3), reading('b', 'x', 3), reading('c', 1, 3)] }]]);
    expect(fields).toEqual([{ n: 2 }, { sensor: 'a' }, { sensor: 'c' }]);
  });

  test('random batches, decoded as the readings by themselves would be, with a snapshot at a random place', () => {
    const single = 'event Reading { sensor: string, value: float, at: time } time at id sensor, at rule R { by sensor match a -> b within 5s a: Reading where value > 5 b: Reading where value > a.value alert ch { sensor, a: a.value, b: b.value } }';
    const batched = single.replace(/event Reading.*?rule/s, 'event Batch { list: [{ s: string, v: float, t: time }], at: time } time at event Reading = each r in Batch.list { sensor: r.s, value: r.v, at: r.t } time at id sensor, at rule');
    const element = fc.record({ s: fc.constantFrom('a', 'b', 'é"\\'), v: fc.double({ min: 0, max: 20, noNaN: true }), gap: fc.integer({ min: 0, max: 2000 }) });
    fc.assert(fc.property(fc.array(fc.array(element, { maxLength: 6 }), { maxLength: 12 }), fc.nat({ max: 11 }), fc.boolean(), (batches, snapshotAt, spaced) => {
      let time = 0;
      const texts: [string, unknown][] = [];
      const alone: [string, unknown][] = [];
      for (const batch of batches) {
        const list = batch.map(({ s, v, gap }) => ({ s, v, t: time += gap }));
        const event = { list, at: list[0]?.t ?? time };
        texts.push(['Batch', spaced ? JSON.stringify(event, null, 2) : event]);
        for (const { s, v, t } of list) alone.push(['Reading', { sensor: s, value: v, at: t }]);
      }
      const made = run(batched, texts, { snapshotAt, lateness: 10_000 });
      const expected = run(single, alone, { lateness: 10_000 });
      expect(made.rejects).toEqual([]);
      expect(made.alerts.map(({ id, fields }) => [id, fields])).toEqual(expected.alerts.map(({ id, fields }) => [id, fields]));
    }), { numRuns: 150 });
  });
});
