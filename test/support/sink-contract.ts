import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { OutRecord, Sink } from '../../src/connect/types.ts';
import { memoryLog } from './recording-host.ts';

export interface SinkHarness {
  sink(): Sink;
  /** The values that have arrived, in order. */
  arrived(): Promise<readonly string[]>;
  /** A sink whose receiver is not there, and what its error has to name; undefined: there is no such thing. */
  readonly broken?: { readonly sink: Sink; readonly names: readonly RegExp[] } | undefined;
  stop(): Promise<void>;
}

/** What every sink has to do. */
export function sinkContract(name: string, make: () => Promise<SinkHarness>): void {
  describe(`sink: ${name}`, () => {
    let harness: SinkHarness;
    let sink: Sink | undefined;

    beforeEach(async () => {
      harness = await make();
    });

    afterEach(async () => {
      await sink?.stop();
      sink = undefined;
      await harness.stop();
    });

    async function start(): Promise<Sink> {
      sink = harness.sink();
      await sink.start(memoryLog());
      return sink;
    }

    test('what send has resolved for has arrived, once, in the order of its key', async () => {
      const started = await start();
      const records = Array.from({ length: 250 }, (_, i) => alert(i, `key ${i % 7}`));
      await started.send(records.slice(0, 100));
      await started.send(records.slice(100));
      const arrived = await harness.arrived();
      expect([...arrived].sort()).toEqual(records.map(text).sort());
      for (let key = 0; key < 7; key++) {
        expect(arrived.filter((value) => value.includes(`"key ${key}"`))).toEqual(records.filter((record) => record.key === `key ${key}`).map(text));
      }
    });

    test('the bytes arrive as they are', async () => {
      const started = await start();
      const records = [alert(1, 'ключ ✓ "quoted"'), { ...alert(2, ''), id: '' }, alert(3, 'x'.repeat(300_000))];
      await started.send(records);
      expect([...await harness.arrived()].sort()).toEqual(records.map(text).sort());
    });

    test('sending nothing works, and a sink can be stopped twice', async () => {
      const started = await start();
      await started.send([]);
      expect(await harness.arrived()).toEqual([]);
      await started.stop();
    });

    test('probing says what was found, or what is wrong and where to look', async () => {
      expect((await harness.sink().probe()).length).toBeGreaterThan(0);
      if (harness.broken === undefined) return;
      const error = await harness.broken.sink.probe().then(() => undefined, (failure: unknown) => failure as Error);
      expect(error).toBeInstanceOf(Error);
      for (const part of harness.broken.names) expect(error!.message).toMatch(part);
    });
  });
}

export function alert(n: number, key: string, channel = 'fraud'): OutRecord {
  return { id: `alert-${n}`, key, channel, value: Buffer.from(JSON.stringify({ n, key })), headers: { rule: 'CardTesting', severity: 'high' } };
}

export function text(record: OutRecord): string {
  return Buffer.from(record.value).toString();
}
