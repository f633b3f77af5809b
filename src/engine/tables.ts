/**
 * Reference data: rows looked up by key (`merchants[merchant].risk`). A table comes from outside, whole, between two batches; it is no part of the
 * state, so that who restores an engine gives it its tables again. A missing row, or a null key, gives null for every column.
 *
 * Values lie in columns of numbers like all values of the engine (src/core/values.ts). Texts are held as long as a row names them: the tables are
 * asked for their ids at each sweep (`Strings.addHolder`).
 */
import type { Field, Type } from '../../dsl/typed.ts';
import type { TablePlan } from '../compile/plan.ts';
import type { Strings } from '../core/strings.ts';

/**
 * Plain values by column name: texts, numbers, bools, null or nothing; times and durations in ms (a time also as ISO-8601 text), lists as arrays, records
 * as objects. Columns that the table does not declare are not read.
 */
export type Row = Readonly<Record<string, unknown>>;

/** A table that was not declared, or a value that is not of its column's type. The table is then as it was. */
export class TableError extends Error {}

export class Table {
  readonly plan: TablePlan;
  readonly #strings: Strings;
  /** Key → its row; with a history the first of its rows. */
  #rowOf = new Map<number, number>();
  /** Of each column that is read, the key first; rows of one key lie together, by when they hold. */
  #columns: Float64Array[];
  /** ms; from when a row holds. Without a history: empty. */
  #from = new Float64Array(0);
  #count = 0;
  #isSet = false;

  constructor(plan: TablePlan, strings: Strings) {
    this.plan = plan;
    this.#strings = strings;
    this.#columns = plan.columns.map(() => new Float64Array(0));
    strings.addHolder((keep) => {
      plan.columns.forEach((column, c) => {
        if (!isText(column.type)) return;
        const cells = this.#columns[c]!;
        for (let row = 0; row < this.#count; row++) keep(cells[row]!);
      });
    });
  }

  /** Were rows put in? */
  get isSet(): boolean { return this.#isSet; }
  /** Number of rows. */
  get count(): number { return this.#count; }

  /** A column of the row of a key. */
  get(key: number, column: number): number {
    const row = this.#rowOf.get(key);
    return row === undefined ? NaN : this.#columns[column]![row]!;
  }

  /** A column of the row of a key that holds at a time: the latest whose `from` is not after it. */
  at(key: number, time: number, column: number): number {
    let row = this.#rowOf.get(key);
    if (row === undefined || !(this.#from[row]! <= time)) return NaN;
    const keys = this.#columns[0]!;
    // A key has few versions, and what is asked for is mostly the latest: gallop, then halve.
    let step = 1;
    while (row + step < this.#count && keys[row + step] === key && this.#from[row + step]! <= time) { row += step; step *= 2; }
    for (; step >= 1; step >>= 1) if (row + step < this.#count && keys[row + step] === key && this.#from[row + step]! <= time) row += step;
    return this.#columns[column]![row]!;
  }

  /** A column of a row by the row's number. */
  cell(row: number, column: number): number { return this.#columns[column]![row]!; }

  /** Puts rows in place of all there are. Of several with one key (and one `from`) the last holds; a row without a key is not there. Throws TableError. */
  set(rows: readonly Row[]): void {
    const { columns, history } = this.plan;
    const cells = columns.map(() => new Float64Array(rows.length));
    const from = new Float64Array(history === undefined ? 0 : rows.length);
    rows.forEach((row, r) => {
      columns.forEach((column, c) => { cells[c]![r] = this.#encode(row[column.name], column, r); });
      if (history !== undefined) {
        const since = this.#encode(row[history.name], { ...history, optional: true }, r);
        from[r] = Number.isNaN(since) ? -Infinity : since;
      }
    });
    const keys = cells[0]!;
    const order = new Map<number, number[]>();
    for (let r = 0; r < rows.length; r++) {
      const k = keys[r]!;
      if (Number.isNaN(k)) continue;
      const versions = order.get(k);
      if (versions === undefined) order.set(k, [r]);
      else if (history === undefined) versions[0] = r;
      else versions.push(r);
    }
    const rowOf = new Map<number, number>();
    const sorted: number[] = [];
    for (const [k, versions] of order) {
      rowOf.set(k, sorted.length);
      if (history === undefined) { sorted.push(versions[0]!); continue; }
      versions.sort((a, b) => from[a]! - from[b]! || a - b);
      versions.forEach((r, i) => { if (i + 1 === versions.length || from[versions[i + 1]!] !== from[r]) sorted.push(r); });
    }
    const inOrder = (column: Float64Array): Float64Array => Float64Array.from(sorted, (r) => column[r]!);
    this.#columns = cells.map(inOrder);
    this.#from = history === undefined ? from : inOrder(from) as Float64Array<ArrayBuffer>;
    this.#rowOf = rowOf;
    this.#count = sorted.length;
    this.#isSet = true;
  }

  /** The texts the rows name, to be taken up again when the ids have changed; see `rename`. */
  texts(): (string | undefined)[][] {
    return this.plan.columns.map((column, c) => {
      if (!isText(column.type)) return [];
      return Array.from({ length: this.#count }, (_, row) => {
        const id = this.#columns[c]![row]!;
        return Number.isNaN(id) ? undefined : this.#strings.text(id);
      });
    });
  }

  /** After the table of strings was restored: the rows have the ids that their texts have now. */
  rename(texts: readonly (readonly (string | undefined)[])[]): void {
    this.plan.columns.forEach((column, c) => {
      if (!isText(column.type)) return;
      texts[c]!.forEach((text, row) => { this.#columns[c]![row] = text === undefined ? NaN : this.#strings.intern(text); });
    });
    const keys = this.#columns[0]!;
    const rowOf = new Map<number, number>();
    for (let row = this.#count - 1; row >= 0; row--) rowOf.set(keys[row]!, row);
    this.#rowOf = rowOf;
  }

  #encode(value: unknown, column: Field, row: number): number {
    if (value === null || value === undefined) {
      if (!column.optional && column.name !== this.plan.columns[0]!.name) throw new TableError(`Table "${this.plan.name}", row ${row + 1}: "${column.name}" is missing.`);
      return NaN;
    }
    const wrong = (): TableError => new TableError(`Table "${this.plan.name}", row ${row + 1}: "${column.name}" is a ${column.type.kind === 'oneOf' ? 'text of a closed set' : column.type.kind}; ${JSON.stringify(value)} is none.`);
    switch (column.type.kind) {
      case 'string': case 'oneOf':
        if (typeof value !== 'string' || (column.type.kind === 'oneOf' && !column.type.values.includes(value))) throw wrong();
        return this.#strings.intern(value);
      case 'bool':
        if (typeof value !== 'boolean') throw wrong();
        return value ? 1 : 0;
      case 'time': {
        const time = typeof value === 'string' ? Date.parse(value) : value;
        if (typeof time !== 'number' || !Number.isFinite(time)) throw wrong();
        return time;
      }
      case 'list': case 'record':
        if (typeof value !== 'object') throw wrong();
        return this.#strings.intern(JSON.stringify(value));
      default:
        if (typeof value !== 'number' || !Number.isFinite(value) || (column.type.kind === 'int' && !Number.isSafeInteger(value))) throw wrong();
        return value;
    }
  }
}

function isText(type: Type): boolean {
  return type.kind === 'string' || type.kind === 'oneOf' || type.kind === 'list' || type.kind === 'record';
}
