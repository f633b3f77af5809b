/** Appends records for ever; prints the offset behind each append that was taken, and "error …" for one that was not. */
import { Journal } from '../../../src/connect/journal/index.ts';
import { memoryLog, pause } from '../../support/recording-host.ts';

const journal = await Journal.open({ directory: process.argv[2]!, fsync: 1_000, segmentBytes: 1 << 20 }, memoryLog());
let n = journal.end;
for (;;) {
  try {
    const values = Array.from({ length: 5 }, (_, i) => Buffer.from(`record ${n + i} ${'x'.repeat((n * 37) % 1_000)}`));
    await journal.append(values.map((value) => ({ time: 0, attributes: {}, value })));
    n += values.length;
    process.stdout.write(`${n}\n`);
  } catch (error) {
    process.stdout.write(`error ${(error as Error).message}\n`);
    await pause(50);
  }
}
