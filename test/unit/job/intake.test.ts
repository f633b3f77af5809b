import { expect, test } from '@jest/globals';
import { check, parseFile } from '../../../dsl/index.ts';
import { compile } from '../../../src/compile/index.ts';
import type { RecordBatch } from '../../../src/connect/types.ts';
import { Engine } from '../../../src/engine/index.ts';
import { Intake, type IntakeOptions, type Rejected } from '../../../src/job/intake.ts';

const RULES = `event A { k: string, v: float, at: time } time at
event B { k: string }
rule R { by k match a -> b within 1m a: A where v > 1 b: B alert out { k } }`;

function intake(options: Partial<IntakeOptions> = {}): { readonly intake: Intake; readonly rejected: Rejected[] } {
  const { program } = check([parseFile('r.cep', RULES).file]);
  const engine = new Engine(compile(program!), { onAlert: () => {}, watermarks: 'given' });
  const rejected: Rejected[] = [];
  const made = new Intake(engine, {
    source: 's', index: 2, typeField: 'type', type: undefined, time: { kind: 'field' }, ahead: 300_000, map: new Map(), ...options,
  }, (one) => { rejected.push(one); });
  return { intake: made, rejected };
}

function records(values: readonly (string | null)[], more: Partial<RecordBatch> = {}): RecordBatch {
  return {
    stream: 's/0', partition: 0, count: values.length, values: values.map((value) => (value === null ? null : Buffer.from(value))),
    offsets: values.map((_, i) => 100 + 2 * i), next: 200, times: values.map(() => 1_000_000), behind: 0, ...more,
  };
}

const A = (v: number, at = 1_000_000): string => JSON.stringify({ type: 'A', k: 'x', v, at });

test('events have the offsets of their records; what cannot be read is rejected with reason, offset and bytes', () => {
  const { intake: taken, rejected } = intake();
  const next = taken.take(records([A(1), 'no json', null, '', '{"type":\n "A",\r\n"k":"y","v":2,"at":5}', '{"type":"Z"}']), 0, 1_000_000);
  expect(next).toBe(6);
  expect([...taken.batch.offset.subarray(0, taken.batch.count)]).toEqual([100, 108]);
  expect(taken.batch.source).toBe(2);
  expect(rejected.map(({ reason, offset }) => [reason, offset]).sort()).toEqual([['no-value', 104], ['no-value', 106], ['not-json', 102], ['unknown-type', 110]]);
  expect(Buffer.from(rejected.find(({ reason }) => reason === 'not-json')!.bytes).toString()).toBe('no json');
});

test('an event too far ahead of its record is rejected as future; one without a time field has its record\'s', () => {
  const { intake: taken, rejected } = intake();
  taken.take(records([A(1, 1_300_001), A(1, 1_300_000), '{"type":"B","k":"x"}']), 0, 5);
  expect(rejected.map(({ reason, offset }) => [reason, offset])).toEqual([['future', 100]]);
  expect([...taken.batch.time.subarray(0, taken.batch.count)]).toEqual([1_300_000, 1_000_000]);
});

test('event time by the record, the arrival or a header', () => {
  const time = (kind: IntakeOptions['time'], more: Partial<RecordBatch> = {}): number[] => {
    const { intake: taken } = intake({ time: kind, ahead: Infinity });
    taken.take(records([A(1, 7)], more), 0, 42);
    return [...taken.batch.time.subarray(0, taken.batch.count)];
  };
  expect(time({ kind: 'record' })).toEqual([1_000_000]);
  expect(time({ kind: 'arrival' })).toEqual([42]);
  expect(time({ kind: 'header', name: 't' }, { header: () => '2026-01-05T00:00:00Z' })).toEqual([1_767_571_200_000]);
  expect(time({ kind: 'header', name: 't' }, { header: () => undefined })).toEqual([]);
});

test('the type that a topic or header says holds for its records alone', () => {
  const { intake: taken, rejected } = intake();
  const given = records(['{"k":"x","v":1,"at":1}', '{"k":"x"}', '{"k":"x"}', '{"k":"x"}'], { type: (i) => ['A', 'B', 'B', 'Nope'][i] });
  const types: string[] = [];
  for (let at = 0; at < given.count;) {
    at = taken.take(given, at, 1);
    for (let row = 0; row < taken.batch.count; row++) types.push(`${taken.batch.type[row]}@${taken.batch.offset[row]}`);
  }
  expect(types).toEqual(['0@100', '1@102', '1@104']);
  expect(rejected.map(({ reason, offset }) => [reason, offset])).toEqual([['unknown-type', 106]]);
});
