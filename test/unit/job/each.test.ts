import { expect, test } from '@jest/globals';
import { Engine } from '../../../src/engine/index.ts';
import { Intake, type Rejected } from '../../../src/job/intake.ts';
import { planOf } from '../engine/harness.ts';

test('records with lists: events made of them carry the record\'s offset, are rejected one by one, and may be in the future by themselves', () => {
  const fields: unknown[] = [];
  const offsets: number[] = [];
  const rejects: Rejected[] = [];
  const engine = new Engine(planOf(`
    event Batch { readings: [{ id: string, v: float, ts: time }], at: time } time at
    event Reading = each r in Batch.readings { sensor: r.id, value: r.v, at: r.ts } time at
    rule R { by sensor match r r: Reading where value > 1 alert ch { sensor, v: r.value } }`), {
    watermarks: 'given', now: () => 0, onAlert: (alert) => { fields.push(alert.fields); offsets.push(alert.events![0]!.events[0]!.offset); },
  });
  const intake = new Intake(engine, {
    source: 'gateway', index: 0, typeField: 'type', type: 'Batch', time: { kind: 'field' }, ahead: 60_000, map: new Map([['Batch', new Map([['readings', 'data']])]]),
  }, (rejected) => rejects.push(rejected));
  const records = [
    { data: [{ id: 'a', v: 2, ts: 1000 }, { id: 'b', v: 'x', ts: 1001 }, { id: 'c', v: 3, ts: 999_999 }], at: 1002 },
    { data: [{ id: 'd', v: 4, ts: 2000 }], at: 2001 },
  ].map((record) => Buffer.from(JSON.stringify(record)));
  intake.take({ stream: 'gateway/0', partition: 0, count: 2, values: records, offsets: [17, 18], next: 19, times: [2000, 2000], behind: 0 }, 0, 2000);
  const events = intake.events();
  expect([events.count, [...events.offset.subarray(0, 4)]]).toEqual([4, [17, 17, 18, 18]]);
  engine.push(events);
  engine.advance(Infinity);
  expect([fields, offsets]).toEqual([[{ sensor: 'a', v: 2 }, { sensor: 'd', v: 4 }], [17, 18]]);
  expect(rejects.map(({ reason, offset, element, stream, bytes }) => [reason, offset, element, stream, Buffer.from(bytes).toString()])).toEqual([
    ['wrong-type', 17, 1, 'gateway/0', '{"id":"b","v":"x","ts":1001}'], ['future', 17, 2, 'gateway/0', '{"id":"c","v":3,"ts":999999}'],
  ]);
});
