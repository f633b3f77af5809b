import { Scratch } from './string-hash.ts';
import { readPages, recordWords, StringArena, type StringEntry } from './string-arena.ts';
import { readSnapshot, writeSnapshot } from './string-snapshot.ts';
import { decodeWtf8 } from './wtf8.ts';

/** Which ids are still in use: a predicate, or one bit an id, the low bit of the first byte being id 0 (ids past its end are not live). */
export type Live = ((id: number) => boolean) | Uint8Array;

/** Someone outside the engine's state who holds ids: names them all, by calling `keep`, whenever the table is swept. Other numbers do no harm. */
export type Holder = (keep: (value: number) => void) => void;

/**
 * The table of all strings that the engine holds: each distinct string has one small id, so that a value is a number and equality of strings is
 * equality of ids. Ids are stable while the string lives; `sweep` frees the others, whose ids are then used again.
 *
 * The bytes (WTF-8) of all strings lie in one arena; the text is made only when it is asked for. Strings are found by a hash over their
 * bytes with open addressing, so that the decoder interns straight from its input and makes no object. Everything goes by words of four bytes
 * (a DataView reads them at any place), which is about three times as fast as byte by byte.
 */
export class Strings {
  #live = 0;
  /** Ids ever given out; those below it that are not live are on the free list. */
  #top = 0;
  readonly #arena = new StringArena();
  /** Where the record's bytes begin, in words. */
  #start = new Uint32Array(1024);
  /** Length in bytes; -1: a free id, whose `start` is the next free id plus 1. */
  #length = new Int32Array(1024);
  #hash = new Int32Array(1024);
  #pinned = new Uint8Array(1024);
  #free = 0;
  /** Pairs of (hash, start of the bytes in the arena); 0: empty, since a record's head comes first. */
  #table = new Int32Array(2 * 2048);
  #mask = 2047;
  #texts: (string | undefined)[] = [];
  readonly #holders = new Set<Holder>();
  /** Start value of the hash; differs per table, so that nobody can prepare strings that collide. */
  readonly seed: number = (Math.random() * 2 ** 32) | 0;
  readonly #scratch = new Scratch(this.seed);

  /** Number of strings held. */
  get size(): number {
    return this.#live;
  }

  /** Every id in use is below this; for arrays indexed by id. */
  get top(): number {
    return this.#top;
  }

  /** Bytes of memory held by the table (without cached texts). */
  get byteLength(): number {
    return this.#arena.bytes.length + this.#table.byteLength + this.#start.length * 13;
  }

  /** The id of a string, added if it is new. */
  intern(text: string): number {
    return this.#internScratch(this.#scratch.encode(text));
  }

  /** The id of a string if it is held, else -1. */
  find(text: string): number {
    const length = this.#scratch.encode(text);
    return this.findHashed(this.#scratch.view, 0, length, this.#scratch.hash(length));
  }

  /** The id of the string whose UTF-8 (or WTF-8) is bytes[from, to), without escapes. The bytes are trusted to be well-formed. */
  internBytes(bytes: Uint8Array, from: number, to: number): number {
    this.#scratch.copy(bytes, from, to);
    return this.#internScratch(to - from);
  }

  /**
   * As `internBytes` for a caller that has computed the hash (see `hashStep`) while it scanned. The view must reach at least three bytes
   * past the string.
   */
  internHashed(view: DataView, from: number, to: number, hash: number): number {
    const id = this.findHashed(view, from, to, hash);
    return id >= 0 ? id : this.#add(view, from, to - from, hash);
  }

  /** As `internHashed`, but -1 for a string that is not held. */
  findHashed(view: DataView, from: number, to: number, hash: number): number {
    const table = this.#table;
    const mask = this.#mask;
    const arena = this.#arena.words;
    const length = to - from;
    const whole = from + (length & ~3);
    let at = hash & mask;
    for (;;) {
      const start = table[2 * at + 1]!;
      if (start === 0) return -1;
      if (table[2 * at] === hash && arena[start - 1] === length) {
        let a = start;
        let i = from;
        while (i < whole && arena[a] === view.getInt32(i, true)) {
          a++;
          i += 4;
        }
        if (i === whole && (i === to || arena[a] === (view.getInt32(i, true) & ((1 << ((length & 3) << 3)) - 1)))) return arena[start - 2]!;
      }
      at = (at + 1) & mask;
    }
  }

  /** The text of an id. Throws for an id that is not in use. */
  text(id: number): string {
    const cached = this.#texts[id];
    if (cached !== undefined) return cached;
    this.#check(id);
    const start = this.#start[id]! * 4;
    const text = decodeWtf8(this.#arena.bytes, start, start + this.#length[id]!);
    this.#texts[id] = text;
    return text;
  }

  /** The WTF-8 bytes of an id: a view that the next intern or sweep may make stale. */
  bytes(id: number): Uint8Array {
    this.#check(id);
    const start = this.#start[id]! * 4;
    return this.#arena.bytes.subarray(start, start + this.#length[id]!);
  }

  /** Length in bytes. */
  lengthOf(id: number): number {
    this.#check(id);
    return this.#length[id]!;
  }

  /** Copies the bytes of an id to `into[at…]` where they stand in JSON as they are, being printable ASCII but quotes and backslashes. Returns their number, -1: they are not. */
  copyPlain(id: number, into: Uint8Array, at: number): number {
    this.#check(id);
    const arena = this.#arena.bytes;
    const start = this.#start[id]! * 4;
    const length = this.#length[id]!;
    for (let i = 0; i < length; i++) {
      const byte = arena[start + i]!;
      if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return -1;
      into[at + i] = byte;
    }
    return length;
  }

  /** Order of the texts as JavaScript's `<` has it (by UTF-16 unit): negative, 0 or positive. */
  compare(a: number, b: number): number {
    if (a === b) return 0;
    this.#check(a);
    this.#check(b);
    const arena = this.#arena.bytes;
    const lengthA = this.#length[a]!;
    const lengthB = this.#length[b]!;
    const startA = this.#start[a]! * 4;
    const startB = this.#start[b]! * 4;
    const shared = lengthA < lengthB ? lengthA : lengthB;
    for (let i = 0; i < shared; i++) {
      const x = arena[startA + i]!;
      const y = arena[startB + i]!;
      if (x === y) continue;
      // Byte order is the order of code points. It differs from that of UTF-16 only where a code point past U+FFFF (lead byte 0xf0 and up)
      // meets one from U+D800 on.
      if ((x >= 0xf0 || y >= 0xf0) && x >= 0xed && y >= 0xed) {
        const textA = this.text(a);
        const textB = this.text(b);
        return textA < textB ? -1 : 1;
      }
      return x - y;
    }
    return lengthA - lengthB;
  }

  /** Keeps the string for ever: for constants of rules. Returns the id. */
  pin(id: number): number {
    this.#check(id);
    this.#pinned[id] = 1;
    return id;
  }

  /** Has a holder of ids asked at each sweep, until the returned function is called. */
  addHolder(holder: Holder): () => void {
    this.#holders.add(holder);
    return () => { this.#holders.delete(holder); };
  }

  /** Frees all strings that are neither live nor pinned nor held. The ids of the others do not change. */
  sweep(live: Live): void {
    const given = predicate(live);
    const held = new Uint8Array(this.#holders.size === 0 ? 0 : this.#top);
    for (const holder of this.#holders) holder((value) => { if (value >= 0 && value < held.length) held[value] = 1; });
    const isLive = (id: number): boolean => held[id] === 1 || given(id);
    let kept = 0;
    let size = 0;
    this.#free = 0;
    let top = 0;
    for (let id = 0; id < this.#top; id++) {
      if (this.#length[id]! >= 0 && (this.#pinned[id] === 1 || isLive(id))) {
        kept++;
        size += recordWords(this.#length[id]!);
        top = id + 1;
      } else {
        this.#length[id] = -1;
        this.#texts[id] = undefined;
      }
    }
    this.#top = top;
    this.#texts.length = Math.min(this.#texts.length, top);
    // Backwards, so that the lowest free id is used first.
    for (let id = top - 1; id >= 0; id--) {
      if (this.#length[id]! >= 0) continue;
      this.#start[id] = this.#free;
      this.#free = id + 1;
    }
    this.#live = kept;
    const old = this.#arena.words;
    this.#arena.clear(size);
    for (let id = 0; id < top; id++) if (this.#length[id]! >= 0) this.#start[id] = this.#arena.move(old, this.#start[id]!, this.#length[id]!);
    this.#resizeTable(kept);
  }

  /** The live and pinned strings with their ids, as bytes for `restore`. */
  snapshot(live: Live = () => true): Uint8Array {
    const isLive = predicate(live);
    const entries: StringEntry[] = [];
    for (let id = 0; id < this.#top; id++) {
      if (this.#length[id]! >= 0 && (this.#pinned[id] === 1 || isLive(id))) entries.push({ id, bytes: this.bytes(id) });
    }
    return writeSnapshot(entries);
  }

  /**
   * The records of all strings, as pages of so many bytes: those that changed since they were last asked for; `all`: every one, and what is asked for next
   * does not change. The seed of the hash has no part in them.
   */
  pages(size: number, all = false): { readonly pages: number; readonly changed: ReadonlyMap<number, Uint8Array> } { return this.#arena.pages(size, all); }

  /** These pages are to be given again. */
  redoPages(size: number, pages: Iterable<number>): void { this.#arena.redoPages(size, pages); }

  /** Replaces what the table holds by what `pages` gave, all of it; else as `restore`. */
  restorePages(pages: readonly Uint8Array[]): ReadonlyMap<number, number> {
    const moved = this.#replace(readPages(pages));
    this.#arena.setSaved(pages.reduce((n, page) => n + page.length, 0));
    return moved;
  }

  /**
   * Replaces what the table holds by a snapshot; the ids are those of the snapshot. Strings that were pinned here before stay pinned, under
   * their id where the snapshot leaves it free or has the same string there; the returned map tells the others' new ids (old to new).
   * Throws on bytes that are no snapshot, and then changes nothing.
   */
  restore(snapshot: Uint8Array): ReadonlyMap<number, number> {
    return this.#replace(readSnapshot(snapshot));
  }

  #replace(entries: readonly StringEntry[]): ReadonlyMap<number, number> {
    const constants: StringEntry[] = [];
    for (let id = 0; id < this.#top; id++) {
      if (this.#pinned[id] === 1) constants.push({ id, bytes: this.bytes(id).slice() });
    }
    let top = 0;
    let size = 0;
    for (const { id, bytes } of [...entries, ...constants]) {
      top = Math.max(top, id + 1);
      size += recordWords(bytes.length);
    }
    this.#reserveIds(top);
    this.#length.fill(-1);
    this.#pinned.fill(0);
    this.#texts = [];
    this.#arena.clear(size);
    this.#live = 0;
    this.#free = 0;
    this.#top = top;
    this.#resizeTable(entries.length + constants.length);
    for (const entry of entries) this.#place(entry.id, entry.bytes);
    const homeless: StringEntry[] = [];
    const moved = new Map<number, number>();
    for (const constant of constants) {
      const held = this.#findBytes(constant.bytes);
      if (held >= 0) {
        this.#pinned[held] = 1;
        if (held !== constant.id) moved.set(constant.id, held);
      } else if (this.#length[constant.id]! < 0) {
        this.#place(constant.id, constant.bytes);
        this.#pinned[constant.id] = 1;
      } else {
        homeless.push(constant);
      }
    }
    for (let id = top - 1; id >= 0; id--) {
      if (this.#length[id]! >= 0) continue;
      this.#start[id] = this.#free;
      this.#free = id + 1;
    }
    for (const { id, bytes: content } of homeless) moved.set(id, this.pin(this.internBytes(content, 0, content.length)));
    return moved;
  }

  #check(id: number): void {
    if (!(id >= 0 && id < this.#top && this.#length[id]! >= 0)) throw new RangeError(`no string has the id ${id}`);
  }

  #internScratch(length: number): number {
    return this.internHashed(this.#scratch.view, 0, length, this.#scratch.hash(length));
  }

  #findBytes(bytes: Uint8Array): number {
    this.#scratch.copy(bytes, 0, bytes.length);
    return this.findHashed(this.#scratch.view, 0, bytes.length, this.#scratch.hash(bytes.length));
  }

  /** Adds a string that is not held. */
  #add(view: DataView, from: number, length: number, hash: number): number {
    let id: number;
    if (this.#free !== 0) {
      id = this.#free - 1;
      this.#free = this.#start[id]!;
    } else {
      id = this.#top;
      if (id === this.#start.length) this.#reserveIds(id + 1);
      this.#top = id + 1;
    }
    this.#fill(id, view, from, length, hash);
    return id;
  }

  /** Puts a string that is not held under an id that is not in use. */
  #place(id: number, bytes: Uint8Array): void {
    this.#scratch.copy(bytes, 0, bytes.length);
    this.#fill(id, this.#scratch.view, 0, bytes.length, this.#scratch.hash(bytes.length));
  }

  #fill(id: number, view: DataView, from: number, length: number, hash: number): void {
    const start = this.#arena.add(id, view, from, length);
    this.#start[id] = start;
    this.#length[id] = length;
    this.#hash[id] = hash;
    this.#pinned[id] = 0;
    this.#live++;
    if (this.#live * 4 > this.#mask * 3) this.#resizeTable(this.#live);
    else this.#insert(start, hash);
  }

  #insert(start: number, hash: number): void {
    const table = this.#table;
    const mask = this.#mask;
    let at = hash & mask;
    while (table[2 * at + 1] !== 0) at = (at + 1) & mask;
    table[2 * at] = hash;
    table[2 * at + 1] = start;
  }

  /** Makes the hash table anew, with room for more than `count` strings, and puts all live ones in. */
  #resizeTable(count: number): void {
    let slots = 2048;
    while (slots < count * 2) slots *= 2;
    this.#table = new Int32Array(2 * slots);
    this.#mask = slots - 1;
    for (let id = 0; id < this.#top; id++) if (this.#length[id]! >= 0) this.#insert(this.#start[id]!, this.#hash[id]!);
  }

  #reserveIds(count: number): void {
    if (count <= this.#start.length) return;
    const capacity = Math.max(count, this.#start.length * 2);
    this.#start = grow(this.#start, new Uint32Array(capacity));
    this.#length = grow(this.#length, new Int32Array(capacity));
    this.#hash = grow(this.#hash, new Int32Array(capacity));
    this.#pinned = grow(this.#pinned, new Uint8Array(capacity));
  }
}

function predicate(live: Live): (id: number) => boolean {
  return typeof live === 'function' ? live : (id) => (live[id >> 3]! >> (id & 7) & 1) === 1;
}

function grow<T extends Uint8Array | Int32Array | Uint32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
