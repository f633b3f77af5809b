import { decodeWtf8, encodeWtf8 } from './wtf8.ts';

const FORMAT = 0x31525453; // "STR1", little-endian
/** The arena's size in words of 4 bytes. */
const MAX_ARENA = 2 ** 31 - 1;
const MIN_ARENA = 1 << 14;
/** Words before the bytes of a record. */
const HEAD = 2;

/** Which ids are still in use: a predicate, or one bit an id, the low bit of the first byte being id 0 (ids past its end are not live). */
export type Live = ((id: number) => boolean) | Uint8Array;

/** Someone outside the engine's state who holds ids: names them all, by calling `keep`, whenever the table is swept. Other numbers do no harm. */
export type Holder = (keep: (value: number) => void) => void;

/** The factor of the hash, for code that is generated with the hash in it. */
export const HASH_FACTOR = 0x2c1b3c6d;

/**
 * One step of the hash of a string: over its bytes in words of four, low byte first, the last word filled up with zeros (and there even where it is
 * empty), starting from the table's seed.
 */
export function hashStep(hash: number, word: number): number {
  hash = Math.imul(hash ^ word, HASH_FACTOR);
  return hash ^ (hash >>> 15);
}

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
  /** Records: id, length in bytes, then the bytes, the last word of them filled up with zeros. What a look-up compares lies in one place. */
  #arena = new Int32Array(MIN_ARENA);
  #arenaBytes = new Uint8Array(this.#arena.buffer);
  /** In words. */
  #arenaEnd = 0;
  /** Words of the arena that are as in the last image; they change by a sweep only. */
  #saved = 0;
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
  /** Where a string that does not come from a DataView is laid out first. */
  #scratch = new Uint8Array(1 << 10);
  #scratchView = new DataView(this.#scratch.buffer);

  /** Start value of the hash; differs per table, so that nobody can prepare strings that collide. */
  readonly seed: number = (Math.random() * 2 ** 32) | 0;

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
    return this.#arena.byteLength + this.#table.byteLength + this.#start.length * 13;
  }

  /** The id of a string, added if it is new. */
  intern(text: string): number {
    this.#reserveScratch(text.length * 3);
    return this.#internScratch(encodeWtf8(text, this.#scratch, 0));
  }

  /** The id of a string if it is held, else -1. */
  find(text: string): number {
    this.#reserveScratch(text.length * 3);
    const length = encodeWtf8(text, this.#scratch, 0);
    return this.findHashed(this.#scratchView, 0, length, this.#hashScratch(length));
  }

  /** The id of the string whose UTF-8 (or WTF-8) is bytes[from, to), without escapes. The bytes are trusted to be well-formed. */
  internBytes(bytes: Uint8Array, from: number, to: number): number {
    this.#reserveScratch(to - from);
    const scratch = this.#scratch;
    for (let i = from; i < to; i++) scratch[i - from] = bytes[i]!;
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
    const arena = this.#arena;
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
    const text = decodeWtf8(this.#arenaBytes, start, start + this.#length[id]!);
    this.#texts[id] = text;
    return text;
  }

  /** The WTF-8 bytes of an id: a view that the next intern or sweep may make stale. */
  bytes(id: number): Uint8Array {
    this.#check(id);
    const start = this.#start[id]! * 4;
    return this.#arenaBytes.subarray(start, start + this.#length[id]!);
  }

  /** Length in bytes. */
  lengthOf(id: number): number {
    this.#check(id);
    return this.#length[id]!;
  }

  /** Copies the bytes of an id to `into[at…]` where they stand in JSON as they are, being printable ASCII but quotes and backslashes. Returns their number, -1: they are not. */
  copyPlain(id: number, into: Uint8Array, at: number): number {
    this.#check(id);
    const arena = this.#arenaBytes;
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
    const arena = this.#arenaBytes;
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
        size += HEAD + words(this.#length[id]!);
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
    const old = this.#arena;
    this.#makeArena(size);
    for (let id = 0; id < top; id++) {
      if (this.#length[id]! < 0) continue;
      const count = HEAD + words(this.#length[id]!);
      const start = this.#start[id]! - HEAD;
      const end = this.#arenaEnd;
      if (count < 16) for (let k = 0; k < count; k++) this.#arena[end + k] = old[start + k]!;
      else this.#arena.set(old.subarray(start, start + count), end);
      this.#start[id] = end + HEAD;
      this.#arenaEnd = end + count;
    }
    this.#resizeTable(kept);
  }

  /** The live and pinned strings with their ids, as bytes for `restore`. */
  snapshot(live: Live = () => true): Uint8Array {
    const isLive = predicate(live);
    const ids: number[] = [];
    let bytes = 0;
    for (let id = 0; id < this.#top; id++) {
      if (this.#length[id]! < 0 || !(this.#pinned[id] === 1 || isLive(id))) continue;
      ids.push(id);
      bytes += this.#length[id]!;
    }
    const out = new Uint8Array(12 + 8 * ids.length + bytes);
    const view = new DataView(out.buffer);
    view.setUint32(0, FORMAT, true);
    view.setUint32(4, ids.length, true);
    view.setUint32(8, bytes, true);
    let at = 12;
    let end = 12 + 8 * ids.length;
    for (const id of ids) {
      view.setUint32(at, id, true);
      view.setUint32(at + 4, this.#length[id]!, true);
      at += 8;
      out.set(this.bytes(id), end);
      end += this.#length[id]!;
    }
    return out;
  }

  /**
   * The records of all strings, as pages of so many bytes: those that changed since they were last asked for; `all`: every one, and what is asked for next
   * does not change. The seed of the hash has no part in them.
   */
  pages(size: number, all = false): { readonly pages: number; readonly changed: ReadonlyMap<number, Uint8Array> } {
    const end = 4 * this.#arenaEnd;
    const pages = Math.ceil(end / size);
    const changed = new Map<number, Uint8Array>();
    for (let page = all ? 0 : Math.floor(4 * this.#saved / size); page < pages; page++) {
      if (!all && 4 * this.#saved >= Math.min(end, (page + 1) * size)) continue;
      changed.set(page, this.#arenaBytes.slice(page * size, Math.min(end, (page + 1) * size)));
    }
    if (!all) this.#saved = this.#arenaEnd;
    return { pages, changed };
  }

  /** These pages are to be given again. */
  redoPages(size: number, pages: Iterable<number>): void {
    for (const page of pages) this.#saved = Math.min(this.#saved, Math.floor(page * size / 4));
  }

  /** Replaces what the table holds by what `pages` gave, all of it; else as `restore`. */
  restorePages(pages: readonly Uint8Array[]): ReadonlyMap<number, number> {
    const moved = this.#replace(readPages(pages));
    this.#saved = pages.reduce((n, page) => n + page.length, 0) >> 2;
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

  #replace(entries: readonly { readonly id: number; readonly bytes: Uint8Array }[]): ReadonlyMap<number, number> {
    const constants: { id: number; bytes: Uint8Array }[] = [];
    for (let id = 0; id < this.#top; id++) {
      if (this.#pinned[id] === 1) constants.push({ id, bytes: this.bytes(id).slice() });
    }
    let top = 0;
    let size = 0;
    for (const { id, bytes } of [...entries, ...constants]) {
      top = Math.max(top, id + 1);
      size += HEAD + words(bytes.length);
    }
    this.#reserveIds(top);
    this.#length.fill(-1);
    this.#pinned.fill(0);
    this.#texts = [];
    this.#makeArena(size);
    this.#live = 0;
    this.#free = 0;
    this.#top = top;
    this.#resizeTable(entries.length + constants.length);
    for (const entry of entries) this.#place(entry.id, entry.bytes);
    const homeless: typeof constants = [];
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

  /** Makes room for a string of that many bytes in the scratch, and lets go of a scratch that one huge string has left behind. */
  #reserveScratch(length: number): void {
    if (length + 4 <= this.#scratch.length && (this.#scratch.length <= 1 << 20 || length > 1 << 18)) return;
    this.#scratch = new Uint8Array(Math.max(1 << 10, 2 * length + 4));
    this.#scratchView = new DataView(this.#scratch.buffer);
  }

  /** The hash of the first bytes of the scratch. */
  #hashScratch(length: number): number {
    const view = this.#scratchView;
    const whole = length & ~3;
    let hash = this.seed;
    for (let i = 0; i < whole; i += 4) hash = hashStep(hash, view.getInt32(i, true));
    return hashStep(hash, view.getInt32(whole, true) & ((1 << ((length & 3) << 3)) - 1));
  }

  #internScratch(length: number): number {
    return this.internHashed(this.#scratchView, 0, length, this.#hashScratch(length));
  }

  #layOut(bytes: Uint8Array): void {
    this.#reserveScratch(bytes.length);
    this.#scratch.set(bytes);
  }

  #findBytes(bytes: Uint8Array): number {
    this.#layOut(bytes);
    return this.findHashed(this.#scratchView, 0, bytes.length, this.#hashScratch(bytes.length));
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
    this.#layOut(bytes);
    this.#fill(id, this.#scratchView, 0, bytes.length, this.#hashScratch(bytes.length));
  }

  #fill(id: number, view: DataView, from: number, length: number, hash: number): void {
    const start = this.#arenaEnd + HEAD;
    const count = words(length);
    if (start + count > this.#arena.length) {
      const old = this.#arena;
      const used = this.#arenaEnd;
      const saved = this.#saved;
      this.#makeArena(start + count);
      this.#arena.set(old.subarray(0, used));
      this.#saved = saved;
    }
    const arena = this.#arena;
    arena[start - 2] = id;
    arena[start - 1] = length;
    for (let k = 0; k < count; k++) arena[start + k] = view.getInt32(from + 4 * k, true);
    if ((length & 3) !== 0) arena[start + count - 1]! &= (1 << ((length & 3) << 3)) - 1;
    this.#arenaEnd = start + count;
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

  /** An empty arena for at least that many words, with half as much room again. */
  #makeArena(size: number): void {
    if (size > MAX_ARENA) throw new RangeError(`the strings held by the engine exceed ${MAX_ARENA * 4} bytes`);
    this.#arena = new Int32Array(Math.max(MIN_ARENA, Math.min(MAX_ARENA, Math.ceil(size * 1.5))));
    this.#arenaBytes = new Uint8Array(this.#arena.buffer);
    this.#arenaEnd = 0;
    this.#saved = 0;
  }
}

/** Words that a string of that many bytes takes. */
function words(length: number): number {
  return (length + 3) >>> 2;
}

function predicate(live: Live): (id: number) => boolean {
  return typeof live === 'function' ? live : (id) => (live[id >> 3]! >> (id & 7) & 1) === 1;
}

function grow<T extends Uint8Array | Int32Array | Uint32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

function readSnapshot(snapshot: Uint8Array): { id: number; bytes: Uint8Array }[] {
  const broken = (what: string): Error => new Error(`not a snapshot of strings: ${what}`);
  if (snapshot.length < 12) throw broken(`${snapshot.length} bytes are too few`);
  const view = new DataView(snapshot.buffer, snapshot.byteOffset, snapshot.byteLength);
  if (view.getUint32(0, true) !== FORMAT) throw broken('it begins with other bytes');
  const count = view.getUint32(4, true);
  const size = view.getUint32(8, true);
  if (snapshot.length !== 12 + 8 * count + size) throw broken(`${snapshot.length} bytes, ${12 + 8 * count + size} expected`);
  const entries: { id: number; bytes: Uint8Array }[] = [];
  let end = 12 + 8 * count;
  for (let i = 0; i < count; i++) {
    const id = view.getUint32(12 + 8 * i, true);
    const length = view.getUint32(16 + 8 * i, true);
    if (end + length > snapshot.length || (i > 0 && id <= entries[i - 1]!.id)) throw broken(`entry ${i} is damaged`);
    entries.push({ id, bytes: snapshot.subarray(end, end + length) });
    end += length;
  }
  if (end !== snapshot.length) throw broken('its lengths do not add up');
  return entries;
}

/** The records of an arena. */
function readPages(pages: readonly Uint8Array[]): { id: number; bytes: Uint8Array }[] {
  const arena = new Uint8Array(pages.reduce((n, page) => n + page.length, 0));
  let end = 0;
  for (const page of pages) { arena.set(page, end); end += page.length; }
  if (end % 4 !== 0) throw new Error(`not the pages of strings: ${end} bytes`);
  const head = new Int32Array(arena.buffer);
  const entries: { id: number; bytes: Uint8Array }[] = [];
  for (let at = 0; at < head.length;) {
    const id = head[at]!;
    const length = head[at + 1] ?? -1;
    at += HEAD;
    if (id < 0 || length < 0 || at + words(length) > head.length) throw new Error(`not the pages of strings: the record at byte ${4 * (at - HEAD)} is damaged`);
    entries.push({ id, bytes: arena.subarray(4 * at, 4 * at + length) });
    at += words(length);
  }
  return entries;
}
