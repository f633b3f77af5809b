import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hashStep } from '../../../src/core/string-hash.ts';
import { Strings } from '../../../src/core/strings.ts';

/** Any JavaScript string, lone surrogates and all. */
const anyText = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.array(fc.constantFrom('\ud800', '\udc00', '\udbff', '\udfff', '\ue000', '\uffff', '\u0000', 'a', 'é', '中', '😀'), { maxLength: 6 }).map((parts) => parts.join('')),
);

function bits(ids: readonly number[], top: number): Uint8Array {
  const bitmap = new Uint8Array((top + 7) >> 3);
  for (const id of ids) bitmap[id >> 3]! |= 1 << (id & 7);
  return bitmap;
}

describe('a table of strings', () => {
  test('gives one id to equal texts, different ids to different ones, and the text back', () => {
    fc.assert(fc.property(fc.array(anyText, { maxLength: 60 }), (texts) => {
      const strings = new Strings();
      const ids = texts.map((text) => strings.intern(text));
      expect(ids.map((id) => strings.text(id))).toEqual(texts);
      expect(new Set(ids).size).toBe(new Set(texts).size);
      expect(strings.size).toBe(new Set(texts).size);
      texts.forEach((text, i) => expect(strings.find(text)).toBe(ids[i]));
    }));
  });

  test('interns bytes and text alike', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.nat(5), (text, offset) => {
      const strings = new Strings();
      const bytes = new Uint8Array([...new Uint8Array(offset), ...Buffer.from(text), 9, 9, 9, 9]);
      expect(strings.internBytes(bytes, offset, bytes.length - 4)).toBe(strings.intern(text));
      expect(Buffer.from(strings.bytes(strings.intern(text))).toString()).toBe(text);
    }));
  });

  test('takes a hash that its caller computed', () => {
    const strings = new Strings();
    const bytes = Buffer.from('card-001....');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const hash = hashStep(hashStep(hashStep(strings.seed, view.getInt32(0, true)), view.getInt32(4, true)), 0);
    expect(strings.findHashed(view, 0, 8, hash)).toBe(-1);
    const id = strings.internHashed(view, 0, 8, hash);
    expect(strings.intern('card-001')).toBe(id);
    expect(strings.findHashed(view, 0, 8, hash)).toBe(id);
  });

  test('does not hold what it never was given, nor a prefix', () => {
    const strings = new Strings();
    strings.intern('abcdefgh');
    expect(['abcd', 'abcdefg', 'abcdefgh\0', '', 'abcdefghi'].map((text) => strings.find(text))).toEqual([-1, -1, -1, -1, -1]);
  });

  test('orders as JavaScript does', () => {
    fc.assert(fc.property(anyText, anyText, (a, b) => {
      const strings = new Strings();
      const order = Math.sign(strings.compare(strings.intern(a), strings.intern(b)));
      expect(order).toBe(a < b ? -1 : a > b ? 1 : 0);
    }), { numRuns: 2000 });
  });

  test('grows past every first size, also with a string of a megabyte', () => {
    const strings = new Strings();
    const huge = 'x'.repeat(1 << 20);
    const hugeId = strings.intern(huge);
    const ids = Array.from({ length: 30_000 }, (_, i) => strings.intern(`card-${i}`));
    expect(new Set(ids).size).toBe(30_000);
    expect(strings.text(hugeId)).toBe(huge);
    for (let i = 0; i < 30_000; i += 97) {
      expect(strings.intern(`card-${i}`)).toBe(ids[i]);
      expect(strings.text(ids[i]!)).toBe(`card-${i}`);
    }
  });

  test('throws for an id that is not in use', () => {
    const strings = new Strings();
    expect(() => strings.text(0)).toThrow('no string has the id 0');
    expect(() => strings.pin(NaN)).toThrow('no string has the id NaN');
  });
});

describe('a sweep', () => {
  test('keeps the ids and texts of what lives, frees the rest, and uses their ids again', () => {
    fc.assert(fc.property(fc.uniqueArray(anyText, { minLength: 1, maxLength: 40 }), fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), fc.boolean(), (texts, lives, bitmap) => {
      const strings = new Strings();
      const ids = texts.map((text) => strings.intern(text));
      const live = ids.filter((_, i) => lives[i]);
      strings.sweep(bitmap ? bits(live, strings.top) : (id) => live.includes(id));
      expect(strings.size).toBe(live.length);
      texts.forEach((text, i) => expect(strings.find(text)).toBe(lives[i] ? ids[i] : -1));
      live.forEach((id) => expect(strings.text(id)).toBe(texts[ids.indexOf(id)]));
      const again = texts.map((text) => strings.intern(text));
      expect(Math.max(...again)).toBeLessThan(texts.length);
      expect(again.map((id) => strings.text(id))).toEqual(texts);
    }));
  });

  test('spares pinned strings and those that a holder names', () => {
    const strings = new Strings();
    const [constant, pending, gone] = ['constant', 'pending', 'gone'].map((text) => strings.intern(text)) as [number, number, number];
    strings.pin(constant);
    const release = strings.addHolder((keep) => [NaN, -1, 0.5, 1e300, pending].forEach(keep));
    strings.sweep(() => false);
    expect([strings.text(constant), strings.text(pending), strings.find('gone')]).toEqual(['constant', 'pending', -1]);
    release();
    strings.sweep(new Uint8Array(0));
    expect(strings.size).toBe(1);
    expect(() => strings.text(gone)).toThrow();
  });

  test('returns the memory of a million keys that are gone', () => {
    const strings = new Strings();
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 20_000; i++) strings.intern(`key ${round} ${i}`);
      strings.sweep(() => false);
    }
    expect(strings.size).toBe(0);
    expect(strings.byteLength).toBeLessThan(2_000_000);
    expect(strings.intern('next')).toBe(0);
  });
});

describe('a snapshot', () => {
  test('restores ids and texts in another table', () => {
    fc.assert(fc.property(fc.uniqueArray(anyText, { maxLength: 30 }), fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (texts, lives) => {
      const strings = new Strings();
      const ids = texts.map((text) => strings.intern(text));
      const other = new Strings();
      other.intern('what was here is gone');
      expect(other.restore(strings.snapshot((id) => lives[ids.indexOf(id)]!)).size).toBe(0);
      expect(other.size).toBe(texts.filter((_, i) => lives[i]).length);
      texts.forEach((text, i) => expect(other.find(text)).toBe(lives[i] ? ids[i] : -1));
      const added = other.intern('one more \ud800');
      expect(other.text(added)).toBe('one more \ud800');
    }));
  });

  test('leaves constants in place where it can, and says where they went where it cannot', () => {
    const old = new Strings();
    const [x, y] = [old.intern('x'), old.intern('y')];
    const fresh = new Strings();
    const [a, stays, b] = ['y', 'x2', 'b'].map((text) => fresh.pin(fresh.intern(text))) as [number, number, number];
    const moved = fresh.restore(old.snapshot());
    expect([fresh.text(x), fresh.text(y)]).toEqual(['x', 'y']);
    expect(moved.get(a)).toBe(y);
    expect(fresh.text(moved.get(stays)!)).toBe('x2');
    expect(moved.has(b)).toBe(false);
    expect(fresh.text(b)).toBe('b');
    fresh.sweep(() => false);
    expect(['x', 'y', 'x2', 'b'].map((text) => fresh.find(text) >= 0)).toEqual([false, true, true, true]);
  });

  test('is refused when damaged, and then nothing has changed', () => {
    const strings = new Strings();
    const id = strings.intern('here');
    const good = strings.snapshot();
    for (const bad of [new Uint8Array(0), good.subarray(0, good.length - 1), Uint8Array.from(good, (byte, i) => (i === 0 ? byte ^ 1 : byte)), Uint8Array.from(good, (byte, i) => (i === 16 ? byte + 1 : byte))]) {
      expect(() => strings.restore(bad)).toThrow('not a snapshot of strings');
    }
    expect(strings.text(id)).toBe('here');
  });
});
