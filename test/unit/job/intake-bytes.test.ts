import { describe, expect, test } from '@jest/globals';
import { check, loadFiles } from '../../../dsl/index.ts';
import { compile } from '../../../src/compile/index.ts';
import { Engine } from '../../../src/engine/index.ts';
import { Intake } from '../../../src/job/intake.ts';

const RULES = `
event Payment { card: string, amount: float, ts: time } time ts
rule Big {
  by card
  match p
    p: Payment where amount > 900
  alert fraud { card }
}
`;

const event = (card: string): string => `{"card":"${card}","amount":1.5,"ts":1760000000000}`;

/** What an intake makes of these values: cards by offset, and reasons by offset. */
function take(values: readonly (Uint8Array | null)[]): { readonly cards: Record<number, string>; readonly rejected: Record<number, string> } {
  const { files } = loadFiles(['rules.cep'], () => RULES);
  const engine = new Engine(compile(check(files).program!), { watermarks: 'given', onAlert: () => undefined });
  const rejected: Record<number, string> = {};
  const intake = new Intake(engine, {
    source: 'payments', index: 0, typeField: 'type', type: 'Payment', time: { kind: 'field' }, ahead: Infinity, map: new Map(),
  }, ({ offset, reason }) => { rejected[offset] = reason; });
  const cards: Record<number, string> = {};
  const records = { stream: 'payments/0', partition: 0, count: values.length, values, offsets: values.map((_, i) => 100 + i), next: 100 + values.length, times: values.map(() => NaN), behind: 0 };
  for (let at = 0; at < values.length;) {
    at = intake.take(records, at, 1_760_000_000_000);
    const { batch } = intake;
    for (let row = 0; row < batch.count; row++) {
      const text = Buffer.from(batch.bytes.subarray(batch.from[row]!, batch.to[row]!)).toString();
      cards[batch.offset[row]!] = (JSON.parse(text) as { card: string }).card;
    }
  }
  return { cards, rejected };
}

/** How values may lie in memory: each by itself, or in one piece with something between them, as in a fetch. */
const LAYOUTS: readonly [string, (texts: readonly (string | null)[]) => (Uint8Array | null)[]][] = [
  ['each in memory of its own', (texts) => texts.map((text) => (text === null ? null : new Uint8Array(Buffer.from(text))))],
  ['in one piece, line feeds between', (texts) => inOnePiece(texts, 10, 3)],
  ['in one piece, side by side', (texts) => inOnePiece(texts, 0, 0)],
  ['in one piece, far apart', (texts) => inOnePiece(texts, 34, 9000)],
];

function inOnePiece(texts: readonly (string | null)[], filler: number, gap: number): (Uint8Array | null)[] {
  const size = texts.reduce((sum, text) => sum + (text === null ? 0 : Buffer.byteLength(text)) + gap, 0);
  const memory = Buffer.alloc(size, filler);
  let at = 0;
  return texts.map((text) => {
    if (text === null) return null;
    const length = memory.write(text, at);
    const value = memory.subarray(at, at + length);
    at += length + gap;
    return value;
  });
}

describe.each(LAYOUTS)('values %s', (_, layOut) => {
  test('every record is one event or one reject, whatever is in it', () => {
    const texts = [
      event('a'), event('b').replace(',', ',\n'), `${event('c')}\n`, `\ufeff${event('d')}`, `${event('e')}\n${event('f')}`, null, '', '   ', '\n', '{"card":', 'x',
      event('g').replace('1.5', '"1.5"'), ` ${event('h')} \r\n`, event('i'),
    ];
    expect(take(layOut(texts))).toEqual({
      cards: { 100: 'a', 101: 'b', 102: 'c', 103: 'd', 112: 'h', 113: 'i' },
      rejected: { 104: 'not-json', 105: 'no-value', 106: 'no-value', 107: 'no-value', 108: 'no-value', 109: 'not-json', 110: 'not-json', 111: 'wrong-type' },
    });
  });

  test('two objects in the last record that a batch has room for are a reject too', () => {
    const texts = Array.from({ length: 1100 }, (_text, i) => (i === 1023 ? `${event('x')}\n${event('y')}` : event(`c${i}`)));
    const { cards, rejected } = take(layOut(texts));
    expect(rejected).toEqual({ 1123: 'not-json' });
    expect(Object.keys(cards).length).toBe(1099);
    expect(cards[1199]).toBe('c1099');
  });
});
