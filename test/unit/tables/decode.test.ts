import { describe, expect, test } from '@jest/globals';
import type { Field, Type } from '../../../dsl/typed.ts';
import { decodeRows, type RawRow, type TableShape } from '../../../src/connect/tables/index.ts';

const column = (name: string, type: Type, optional = true, source = name): Field => ({ name, source, type, optional });
const SHAPE: TableShape = {
  name: 'all', key: 'id', history: false,
  columns: [
    column('id', { kind: 'int' }, false, 'ID'), column('name', { kind: 'string' }), column('share', { kind: 'float' }), column('on', { kind: 'bool' }),
    column('since', { kind: 'time', unit: 's' }), column('every', { kind: 'duration' }), column('level', { kind: 'oneOf', values: ['low', 'high'] }),
    column('ports', { kind: 'list', element: { type: { kind: 'int' }, optional: false } }),
  ],
};
const json = (...values: Record<string, unknown>[]): RawRow[] => values.map((one, i) => ({ where: `row ${i + 1}`, values: one, isText: false }));
const text = (...values: Record<string, string>[]): RawRow[] => values.map((one, i) => ({ where: `line ${i + 2}`, values: one, isText: true }));

describe('rows by their columns', () => {
  const READ = { id: 7, name: 'a b', share: 0.5, on: true, since: 1_767_225_600_000, every: 90_000, level: 'high', ports: [1, 2] };
  test('of text', () => {
    const { rows, rejected } = decodeRows(SHAPE, text(
      { ID: '7', name: 'a b', share: '.5', on: 'TRUE', since: '1767225600', every: '1m30s', level: 'high', ports: '[1, 2]', other: 'x' },
      { ID: '8', name: '', share: ' 1e3 ', on: '0', since: '2026-01-01T00:00:00Z', every: '90000', level: '' },
    ));
    expect(rejected).toEqual([]);
    expect(rows).toEqual([READ, { id: 8, share: 1000, on: false, since: READ.since, every: 90_000 }]);
  });
  test('of JSON', () => {
    const { rows, rejected } = decodeRows(SHAPE, json({ ...READ, id: undefined, ID: 7, since: 1_767_225_600, every: '90s' }, { ID: 8, name: null, since: '2026-01-01T00:00:00Z', every: 5 }));
    expect(rejected).toEqual([]);
    expect(rows).toEqual([READ, { id: 8, since: READ.since, every: 5 }]);
  });
  test('what is wrong is told by column, and the other rows stand', () => {
    const { rows, rejected } = decodeRows(SHAPE, [
      ...text({ ID: '1', share: 'much' }, { ID: '2', level: 'medium' }, { name: 'x' }, { ID: '4.5' }, { ID: '5', every: 'soon' }, { ID: '6', since: 'yesterday' }, { ID: '7', ports: '[1' }, { ID: '8', on: 'maybe' }, { ID: '9' }),
      ...json({ ID: '10' }, { ID: 2 ** 53 + 2 }, { ID: 11, ports: [1, 'x'] }, { ID: null }, { ID: 12 }),
    ]);
    expect(rows).toEqual([{ id: 9 }, { id: 12 }]);
    expect(rejected.map(({ where, problem }) => `${where}: ${problem}`)).toEqual([
      'line 2: column "share" is "much", not a float', 'line 3: column "level" is "medium", not one of "low" | "high"', 'line 4: the key, column "ID", is missing',
      'line 5: column "ID" is "4.5", not a int', 'line 6: column "every" is "soon", not a duration',
      'line 7: column "since" is "yesterday", which is no time(s): ISO-8601 text or a number, up to the year 275760', 'line 8: column "ports" is "[1", not a list',
      'line 9: column "on" is "maybe", not a bool', 'row 1: column "ID" is "10", not a int', 'row 2: column "ID" is a number past 2^53, which an int cannot hold exactly',
      'row 3: column "ports"[1] is "x", not a int', 'row 4: the key, column "ID", is missing',
    ]);
  });
  test('the last of a key is the one, and stands where it stood', () => {
    const { rows, replaced } = decodeRows(SHAPE, json({ ID: 1, name: 'a' }, { ID: 2 }, { ID: 1, name: 'b' }));
    expect([rows, replaced]).toEqual([[{ id: 2 }, { id: 1, name: 'b' }], 1]);
  });
  test('with a history the rows of a key stand beside each other, one a `from`', () => {
    const shape: TableShape = { name: 'h', key: 'id', history: true, columns: [column('id', { kind: 'string' }, false), column('from', { kind: 'time', unit: 'ms' }), column('v', { kind: 'int' })] };
    const { rows, replaced } = decodeRows(shape, json({ id: 'a', v: 0 }, { id: 'a', from: 5, v: 1 }, { id: 'a', from: 9, v: 2 }, { id: 'a', from: 5, v: 3 }));
    expect([rows.map(({ v }) => v), replaced]).toEqual([[0, 2, 3], 1]);
  });
  test('a key that the row does not hold is that of its source', () => {
    const rows: RawRow[] = [{ where: 'field "7"', values: { name: 'x' }, isText: false, key: '7' }, { where: 'key "x"', values: {}, isText: true, key: 'x' }];
    expect(decodeRows(SHAPE, rows)).toEqual({ rows: [{ id: 7, name: 'x' }], rejected: [{ where: 'key "x"', problem: 'column "ID" is "x", not a int' }], replaced: 0 });
  });
});
