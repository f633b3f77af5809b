/** Seeded inputs of the bench: JSON Lines in memory, the same bytes for the same arguments. */

export const COUNTRIES: readonly string[] = ['US', 'DE', 'FR', 'BR', 'JP'];
const CHANNELS: readonly string[] = ['online', 'mobile', 'in-shop'];
const START = 1_760_000_000_000;

/** mulberry32: small, fast, and good enough to draw test data. Returns numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface PaymentsOptions {
  readonly events: number;
  readonly cards: number;
  readonly seed: number;
}

/** Payments of about 110 bytes, 3 ms apart: amount uniform in 0..1000 to the cent, 5,000 merchants, 5 countries. */
export function payments({ events, cards, seed }: PaymentsOptions): Uint8Array {
  const draw = random(seed);
  const below = (n: number): number => Math.floor(draw() * n);
  const out = Buffer.allocUnsafeSlow(events * 128);
  let end = 0;
  let part = '';
  for (let i = 0; i < events; i++) {
    const card = String(below(cards)).padStart(5, '0');
    const amount = Math.round(draw() * 100_000) / 100;
    part += `{"card":"card-${card}","amount":${amount},"merchant":"m-${below(5000)}","country":"${COUNTRIES[below(5)]}",`
      + `"channel":"${CHANNELS[below(3)]}","ts":${START + i * 3}}\n`;
    if (i % 1024 === 1023 || i === events - 1) {
      end += out.write(part, end, 'latin1');
      part = '';
    }
  }
  return new Uint8Array(out.buffer, out.byteOffset, end);
}
