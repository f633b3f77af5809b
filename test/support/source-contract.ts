import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Source } from '../../src/connect/types.ts';
import { pause, RecordingHost, until } from './recording-host.ts';

/** A place to publish to, and sources that read it. */
export interface SourceHarness {
  /** A source of the same stream, as a job started anew would make it. */
  source(): Source;
  /** Publishes values, in order; resolves when the server (the file, the journal) has them or makes the publisher wait. */
  publish(values: readonly string[]): Promise<void>;
  /** A source whose server is not there, and what its error has to name. */
  readonly broken: { readonly source: Source; readonly names: readonly RegExp[] };
  stop(): Promise<void>;
}

export interface SourceTraits {
  /** A crash loses what was not committed: it does not come again. */
  readonly loses?: boolean | undefined;
  /** Bytes of memory that a blocked source and its harness may take; undefined: the server is in this process too, so it cannot be told. */
  readonly memory?: number | undefined;
  /** Bytes published while the source is blocked. Default 1 MiB. */
  readonly flood?: number | undefined;
}

/** What every source has to do, whatever it reads. */
export function sourceContract(name: string, make: () => Promise<SourceHarness>, traits: SourceTraits = {}): void {
  describe(`source: ${name}`, () => {
    let harness: SourceHarness;
    const running: Source[] = [];

    beforeEach(async () => {
      harness = await make();
    });

    afterEach(async () => {
      for (const source of running.splice(0)) await source.stop();
      await harness.stop();
    });

    async function start(host: RecordingHost): Promise<Source> {
      const source = harness.source();
      running.push(source);
      await source.start(host);
      await until('the source is connected', () => source.status().every(({ connected }) => connected));
      return source;
    }

    test('every record comes once, in order, with rising offsets, one call at a time', async () => {
      const host = new RecordingHost();
      await start(host);
      const values = numbered(0, 3_000);
      await harness.publish(values.slice(0, 10));
      await until('the first records', () => host.received.length >= 10);
      await harness.publish(values.slice(10));
      await until('all records', () => host.received.length >= values.length);
      await pause(100);
      expect(host.values).toEqual(values);
      expect(host.mostAtOnce).toBe(1);
      const offsets = host.received.map(({ offset }) => offset);
      expect(offsets.every((offset, i) => i === 0 || offset > offsets[i - 1]!)).toBe(true);
      expect(host.next.get(host.received[0]!.stream)).toBeGreaterThan(offsets.at(-1)!);
      expect(host.failures).toEqual([]);
    });

    test('a source that has nothing more says so', async () => {
      const host = new RecordingHost();
      await start(host);
      const before = host.caughtUps;
      await harness.publish(numbered(0, 5));
      await until('all records', () => host.received.length === 5);
      await until('caught up', () => host.caughtUps > before);
    });

    test('while the job takes nothing, nothing further comes, and nothing is lost', async () => {
      const host = new RecordingHost();
      await start(host);
      await harness.publish(['{"n":-1}']);
      await until('the first record', () => host.received.length === 1);
      host.block();
      const flood = traits.flood ?? 1 << 20;
      const values = numbered(0, Math.ceil(flood / 500), 'x'.repeat(480));
      const before = memory();
      const published = harness.publish(values);
      await until('a call that waits', () => host.received.length > 1);
      const calls = host.calls;
      // Where memory is looked at, what is still being published is not the source's.
      await patiently(published, traits.memory === undefined ? 3_000 : 30_000);
      await pause(200);
      expect(host.calls).toBe(calls);
      if (traits.memory !== undefined) expect(memory() - before).toBeLessThan(traits.memory);
      host.unblock();
      await published;
      await until('all records', () => host.received.length >= values.length + 1, 40_000);
      expect(host.values.slice(1)).toEqual(values);
      expect(host.mostAtOnce).toBe(1);
    });

    test(traits.loses === true ? 'a job started anew gets what comes from then on' : 'a job started anew goes on behind what was committed', async () => {
      const first = new RecordingHost();
      const source = await start(first);
      await harness.publish(numbered(0, 100));
      await until('all records', () => first.received.length === 100);
      const { stream, offset } = first.received[60]!;
      await source.committed(0, new Map([[stream, offset]]));
      await running.pop()!.stop();

      const second = new RecordingHost(new Map([[stream, offset]]));
      await start(second);
      await harness.publish(numbered(100, 20));
      const expected = traits.loses === true ? numbered(100, 20) : numbered(60, 60);
      await until('the rest', () => second.received.length >= expected.length);
      await pause(100);
      expect(second.values).toEqual(expected);
      expect(second.received[0]!.offset).toBeGreaterThanOrEqual(offset);
    });

    test('a paused source hands over nothing more, takes commits, and stops while a call is under way', async () => {
      const host = new RecordingHost();
      const source = await start(host);
      await harness.publish(numbered(0, 10));
      await until('the records', () => host.received.length === 10);
      host.block();
      await harness.publish(numbered(10, 1));
      await until('a call that waits', () => host.received.length === 11);
      await source.pause();
      const calls = host.calls;
      host.unblock();
      await pause(300);
      expect(host.calls).toBe(calls);
      await source.committed(0, host.next);
      host.block();
      await source.stop();
      running.pop();
      expect(source.status().some(({ connected }) => connected)).toBe(false);
      expect(host.failures).toEqual([]);
    });

    test('probing says what was found, or what is wrong and where to look', async () => {
      expect((await harness.source().probe()).length).toBeGreaterThan(0);
      const error = await harness.broken.source.probe().then(() => undefined, (failure: unknown) => failure as Error);
      expect(error).toBeInstanceOf(Error);
      for (const part of harness.broken.names) expect(error!.message).toMatch(part);
    });
  });
}

/** Waits for a promise, but no longer than so many ms. */
async function patiently(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([promise, new Promise((resolve) => { timer = setTimeout(resolve, ms); })]);
  clearTimeout(timer);
}

/** JSON objects that carry their number. */
export function numbered(from: number, count: number, pad = ''): string[] {
  // By way of bytes: a text put together of parts takes its memory only when it is first sent, which would be counted as the source's.
  return Array.from({ length: count }, (_, i) => Buffer.from(`{"n":${from + i}${pad === '' ? '' : `,"pad":"${pad}"`}}`).toString());
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use, heap and buffers, after collecting what is not. */
export function memory(): number {
  // Twice: the first leaves the buffers it has found to a thread that may have no processor yet, the second waits for that.
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
