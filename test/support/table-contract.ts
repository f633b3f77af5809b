import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeRows, TableSourceError, type Snapshot, type TableListener, type TableShape, type TableSource } from '../../src/connect/tables/index.ts';
import { pause, until } from './recording-host.ts';

export interface TableHarness {
  /** A source that looks for changes every few ms. */
  source(): TableSource;
  /** Puts these rows in place of all there are. */
  put(rows: readonly MerchantRow[]): Promise<void>;
  /** Adds one row that cannot be read to those there are. */
  spoil(): Promise<void>;
  /** Makes the source unreadable as a whole, until the next `put`; undefined: a test cannot. */
  readonly break?: (() => Promise<void>) | undefined;
  readonly broken: { readonly source: TableSource; readonly names: readonly RegExp[] };
  stop(): Promise<void>;
}

export interface MerchantRow { readonly id: string; readonly risk: number; readonly owner?: string | undefined }

export const MERCHANTS: TableShape = {
  name: 'merchants', key: 'id', history: false,
  columns: [
    { name: 'id', source: 'id', type: { kind: 'string' }, optional: false },
    { name: 'risk', source: 'risk', type: { kind: 'float' }, optional: false },
    { name: 'owner', source: 'owner', type: { kind: 'string' }, optional: true },
  ],
};

/** What a listener was told. */
export class Listening implements TableListener {
  readonly snapshots: Snapshot[] = [];
  readonly errors: Error[] = [];
  confirmations = 0;
  changed(snapshot: Snapshot): void { this.snapshots.push(snapshot); }
  confirmed(): void { this.confirmations++; }
  failed(error: Error): void { this.errors.push(error); }
}

export const byId = (snapshot: Snapshot | undefined): MerchantRow[] =>
  (decodeRows(MERCHANTS, snapshot?.rows ?? []).rows as unknown as MerchantRow[]).toSorted((a, b) => (a.id < b.id ? -1 : 1));

const ROWS: readonly MerchantRow[] = [{ id: 'm1', risk: 0.5, owner: 'Ann "A", Ltd' }, { id: 'm2', risk: 1 }, { id: 'м3 ✓', risk: -2e-7, owner: 'x' }];

/** What every source of a table has to do. */
export function tableContract(name: string, make: () => Promise<TableHarness>): void {
  describe(`table source: ${name}`, () => {
    let harness: TableHarness;
    const running: TableSource[] = [];
    const source = (): TableSource => {
      const made = harness.source();
      running.push(made);
      return made;
    };

    beforeEach(async () => { harness = await make(); });
    afterEach(async () => {
      for (const one of running.splice(0)) await one.stop();
      await harness.stop();
    });

    test('gives all rows, as of now', async () => {
      await harness.put(ROWS);
      const before = Date.now();
      const snapshot = await source().load();
      expect(byId(snapshot)).toEqual(ROWS);
      expect(snapshot.rejected).toEqual([]);
      expect(snapshot.asOf).toBeGreaterThanOrEqual(before - 1);
      expect(snapshot.stale).toBeUndefined();
    });

    test('tells of rows that came, changed and went, once, and of nothing where nothing did', async () => {
      await harness.put(ROWS);
      const listening = new Listening();
      const one = source();
      await one.load();
      one.follow(listening);
      await until('it was looked at', () => listening.confirmations > 1);
      expect(listening.snapshots).toEqual([]);
      const changed = [{ id: 'm1', risk: 0.75 }, { id: 'm4', risk: 4 }];
      await harness.put(changed);
      await until('the change', () => JSON.stringify(byId(listening.snapshots.at(-1))) === JSON.stringify(changed));
      const told = listening.snapshots.length;
      const looks = listening.confirmations;
      await until('it was looked at again', () => listening.confirmations > looks + 1);
      expect(listening.snapshots.length).toBe(told);
      expect(listening.errors).toEqual([]);
    });

    test('a row that cannot be read is named with its place, and the others are there', async () => {
      await harness.put(ROWS);
      await harness.spoil();
      const snapshot = await source().load();
      const decoded = decodeRows(MERCHANTS, snapshot.rows);
      const rejected = [...snapshot.rejected, ...decoded.rejected];
      expect(rejected).toHaveLength(1);
      expect(rejected[0]!.where).toMatch(/^(line|row|field|key|partition) /);
      expect(byId(snapshot)).toEqual(ROWS);
    });

    test('what cannot be read as a whole is an error, then and later, and what comes after is told again', async () => {
      if (harness.break === undefined) return;
      await harness.put(ROWS);
      const listening = new Listening();
      const one = source();
      await one.load();
      one.follow(listening);
      await harness.break();
      await until('the error', () => listening.errors.length > 0);
      expect(listening.errors[0]).toBeInstanceOf(TableSourceError);
      expect(listening.snapshots).toEqual([]);
      await harness.put([{ id: 'm9', risk: 9 }]);
      await until('the rows after it', () => JSON.stringify(byId(listening.snapshots.at(-1))) === '[{"id":"m9","risk":9}]');
    });

    test('what is not there is an error that says what was read and why not; it can be stopped at once', async () => {
      const { source: broken, names } = harness.broken;
      const error = await broken.load().then(() => undefined, (reason: Error) => reason);
      expect(error).toBeInstanceOf(TableSourceError);
      for (const name of names) expect(error!.message).toMatch(name);
      await broken.stop();
    });

    test('after `stop` nothing is told, and it can be stopped twice', async () => {
      await harness.put(ROWS);
      const listening = new Listening();
      const one = source();
      await one.load();
      one.follow(listening);
      await one.stop();
      await one.stop();
      const told = listening.confirmations + listening.errors.length;
      await harness.put([]).catch(() => undefined);
      await pause(100);
      expect(listening.snapshots).toEqual([]);
      expect(listening.confirmations + listening.errors.length).toBe(told);
    });
  });
}
