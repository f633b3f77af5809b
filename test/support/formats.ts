/** What test/fixtures/formats holds, whatever form it has there. */
import type { JournalRecord } from '../../src/connect/journal/index.ts';
import type { Part } from '../../src/connect/tail/identity.ts';
import type { TaskState } from '../../src/job/state.ts';
import type { Image } from '../../src/state/image.ts';

export const TASK = '3';

const page = (seed: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i % 7 === 0 ? seed * 31 + i : 0));
const image = (header: string, changed: readonly (readonly [number, Uint8Array])[], pages: number): Image => ({
  header, bytes: 0, redo: () => undefined, sections: [{ name: 'heap', pages, changed: new Map(changed) }, { name: 'sparse', pages: 0, changed: new Map() }],
});

/** Per checkpoint, of two groups of rules: what changed. */
export const IMAGES: readonly (readonly Image[])[] = [
  [image('{"first":1}', [[0, page(1, 3000)], [1, page(2, 3000)]], 2), image('{"other":1}', [[0, page(9, 100)]], 1)],
  [image('{"first":2}', [[1, page(3, 3000)], [2, page(4, 10)]], 3), image('{"other":2}', [], 1)],
];

/** The engines' pages after the last of them. */
export const WHOLE = [
  { header: '{"first":2}', heap: [page(1, 3000), page(3, 3000), page(4, 10)] },
  { header: '{"other":2}', heap: [page(9, 100)] },
];

export const BODIES: readonly TaskState[] = [1704, 1800].map((offset): TaskState => ({
  positions: new Map([['payments/3', offset], ['logins/3', 12]]),
  watermarks: [{ watermark: 1_767_225_600_000 + offset, largest: { 'payments/3': 1_767_225_601_000 + offset } }, { watermark: null, largest: {} }],
  ends: { 'fraud-alerts': [7, 0, offset], late: [1] },
}));

export const ENTRIES: readonly JournalRecord[] = [
  { time: 1_767_225_600_000, attributes: { type: 'Payment', topic: 'shop/ключ' }, value: Buffer.from('{"card":"c1"}') },
  { time: NaN, attributes: {}, value: new Uint8Array(0) },
  { time: 1.5, attributes: { type: '' }, value: Uint8Array.from([0, 255, 10]) },
];

export const PARTS: readonly Part[] = [
  { base: 0, inode: '18446744073709551615', headBytes: 1024, headSum: 4_294_967_295 },
  { base: 5_000_000_000, inode: '2', headBytes: 0, headSum: 0 },
];
