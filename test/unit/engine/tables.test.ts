import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Strings } from '../../../src/core/strings.ts';
import { Table, TableError } from '../../../src/engine/tables.ts';
import type { Field, Type } from '../../../dsl/typed.ts';

const field = (name: string, type: Type, optional = false): Field => ({ name, source: name, type, optional });
const ID = field('id', { kind: 'string' });
const RISK = field('risk', { kind: 'float' });
const OWNER = field('owner', { kind: 'string' }, true);
const FROM = field('from', { kind: 'time', unit: 'ms' }, true);

function merchants(): { strings: Strings; table: Table; risk: (id: string) => number; owner: (id: string) => string | null } {
  const strings = new Strings();
  const table = new Table({ name: 'merchants', columns: [ID, RISK, OWNER], history: undefined }, strings);
  return {
    strings, table, risk: (id) => table.get(strings.intern(id), 1),
    owner: (id) => { const text = table.get(strings.intern(id), 2); return Number.isNaN(text) ? null : strings.text(text); },
  };
}

describe('a table', () => {
  test('gives the columns of a key; null for a missing row, a null key and a null column', () => {
    const { table, risk, owner } = merchants();
    table.set([{ id: 'm1', risk: 0.5, owner: 'Ann' }, { id: 'm2', risk: 1 }, { id: null, risk: 3 }]);
    expect([table.count, risk('m1'), risk('m2'), risk('m3'), table.get(NaN, 1)]).toEqual([2, 0.5, 1, NaN, NaN]);
    expect([owner('m1'), owner('m2'), owner('m3')]).toEqual(['Ann', null, null]);
  });
  test('of several rows with one key the last holds, and a table set again has the new rows only', () => {
    const { table, risk } = merchants();
    table.set([{ id: 'm1', risk: 1 }, { id: 'm2', risk: 2 }, { id: 'm1', risk: 3 }]);
    expect([risk('m1'), risk('m2'), table.count]).toEqual([3, 2, 2]);
    table.set([{ id: 'm2', risk: 5 }]);
    expect([risk('m1'), risk('m2')]).toEqual([NaN, 5]);
  });
  test('a value that does not fit is an error that names row and column, and leaves the table as it was', () => {
    const { table, risk } = merchants();
    table.set([{ id: 'm1', risk: 1 }]);
    for (const [bad, text] of [[{ id: 'm1', risk: 'high' }, '"risk"'], [{ id: 7, risk: 1 }, '"id"'], [{ id: 'm1' }, 'missing'], [{ id: 'm1', risk: Infinity }, '"risk"']] as const) {
      expect(() => { table.set([{ id: 'm9', risk: 2 }, bad]); }).toThrow(TableError);
      expect(() => { table.set([{ id: 'm9', risk: 2 }, bad]); }).toThrow(text);
    }
    expect([risk('m1'), risk('m9')]).toEqual([1, NaN]);
  });
  test('its texts outlive a sweep as long as a row names them, and not longer', () => {
    const { strings, table, owner } = merchants();
    table.set([{ id: 'm1', risk: 1, owner: 'Ann' }, { id: 'm2', risk: 1, owner: 'Bob' }]);
    strings.sweep(() => false);
    expect([owner('m1'), owner('m2')]).toEqual(['Ann', 'Bob']);
    table.set([{ id: 'm1', risk: 1, owner: 'Ann' }]);
    strings.sweep(() => false);
    expect(owner('m1')).toBe('Ann');
    expect(strings.find('Bob')).toBe(-1);
  });
  test('is the same after its texts have other ids', () => {
    const { strings, table, risk, owner } = merchants();
    table.set([{ id: 'm1', risk: 1, owner: 'Ann' }, { id: 'm2', risk: 2 }]);
    const other = new Strings();
    for (const text of ['x', 'm2', 'y', 'm1']) other.intern(text);
    const texts = table.texts();
    strings.restore(other.snapshot());
    table.rename(texts);
    expect([risk('m1'), risk('m2'), owner('m1'), owner('m2')]).toEqual([1, 2, 'Ann', null]);
  });
});

describe('a table with `from`', () => {
  test('gives the latest row that holds at the time', () => {
    fc.assert(fc.property(
      fc.array(fc.record({ id: fc.constantFrom('a', 'b', 'c'), risk: fc.integer(), from: fc.option(fc.integer({ min: 0, max: 12 })) }), { maxLength: 40 }),
      fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: -1, max: 13 }),
      (rows, id, time) => {
        const strings = new Strings();
        const table = new Table({ name: 't', columns: [ID, RISK], history: FROM }, strings);
        table.set(rows);
        let holds: (typeof rows)[number] | undefined;
        for (const row of rows) {
          if (row.id !== id || (row.from ?? -Infinity) > time) continue;
          if (holds === undefined || (row.from ?? -Infinity) >= (holds.from ?? -Infinity)) holds = row;
        }
        expect(table.at(strings.intern(id), time, 1)).toBe(holds?.risk ?? NaN);
      },
    ));
  });
  test('takes times as text too', () => {
    const strings = new Strings();
    const table = new Table({ name: 't', columns: [ID, RISK], history: FROM }, strings);
    table.set([{ id: 'a', risk: 1, from: '2026-01-01T00:00:00Z' }, { id: 'a', risk: 2, from: Date.parse('2026-02-01') }]);
    expect(['2025-12-31', '2026-01-01', '2026-01-31', '2026-02-01'].map((day) => table.at(strings.intern('a'), Date.parse(day), 1))).toEqual([NaN, 1, 1, 2]);
  });
});
