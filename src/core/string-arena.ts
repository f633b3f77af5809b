/** The bytes of strings, in one piece of memory, and the pages of it that images have. */

/** The arena's size in words of 4 bytes. */
const MAX_ARENA = 2 ** 31 - 1;
const MIN_ARENA = 1 << 14;
/** Words before the bytes of a record. */
const HEAD = 2;

/** A string under its id. */
export interface StringEntry { readonly id: number; readonly bytes: Uint8Array }

/** Records one after the other: id, length in bytes, then the bytes, the last word of them filled up with zeros. What a look-up compares lies in one place. */
export class StringArena {
  /** A record is known by where its bytes begin here, and never by 0. */
  words = new Int32Array(MIN_ARENA);
  bytes = new Uint8Array(this.words.buffer);
  /** In words. */
  #end = 0;
  /** Words that are as in the last image; they change by a sweep only. */
  #saved = 0;

  /** Adds a record; the view reaches at least three bytes past the string. Returns where its bytes begin, in words. */
  add(id: number, view: DataView, from: number, length: number): number {
    const start = this.#end + HEAD;
    const count = words(length);
    if (start + count > this.words.length) {
      const old = this.words;
      const used = this.#end;
      const saved = this.#saved;
      this.clear(start + count);
      this.words.set(old.subarray(0, used));
      this.#saved = saved;
    }
    const arena = this.words;
    arena[start - 2] = id;
    arena[start - 1] = length;
    for (let k = 0; k < count; k++) arena[start + k] = view.getInt32(from + 4 * k, true);
    if ((length & 3) !== 0) arena[start + count - 1]! &= (1 << ((length & 3) << 3)) - 1;
    this.#end = start + count;
    return start;
  }

  /** Adds the record that began there in words that were the arena's. */
  move(old: Int32Array, oldStart: number, length: number): number {
    const count = recordWords(length);
    const start = oldStart - HEAD;
    const end = this.#end;
    if (count < 16) for (let k = 0; k < count; k++) this.words[end + k] = old[start + k]!;
    else this.words.set(old.subarray(start, start + count), end);
    this.#end = end + count;
    return end + HEAD;
  }

  /** An empty arena for at least that many words, with half as much room again. */
  clear(size: number): void {
    if (size > MAX_ARENA) throw new RangeError(`the strings held by the engine exceed ${MAX_ARENA * 4} bytes`);
    this.words = new Int32Array(Math.max(MIN_ARENA, Math.min(MAX_ARENA, Math.ceil(size * 1.5))));
    this.bytes = new Uint8Array(this.words.buffer);
    this.#end = 0;
    this.#saved = 0;
  }

  /**
   * All records, as pages of so many bytes: those that changed since they were last asked for; `all`: every one, and what is asked for next
   * does not change. The seed of the hash has no part in them.
   */
  pages(size: number, all = false): { readonly pages: number; readonly changed: ReadonlyMap<number, Uint8Array> } {
    const end = 4 * this.#end;
    const pages = Math.ceil(end / size);
    const changed = new Map<number, Uint8Array>();
    for (let page = all ? 0 : Math.floor(4 * this.#saved / size); page < pages; page++) {
      if (!all && 4 * this.#saved >= Math.min(end, (page + 1) * size)) continue;
      changed.set(page, this.bytes.slice(page * size, Math.min(end, (page + 1) * size)));
    }
    if (!all) this.#saved = this.#end;
    return { pages, changed };
  }

  /** These pages are to be given again. */
  redoPages(size: number, pages: Iterable<number>): void {
    for (const page of pages) this.#saved = Math.min(this.#saved, Math.floor(page * size / 4));
  }

  /** It holds what so many bytes of pages gave, and no more. */
  setSaved(bytes: number): void { this.#saved = bytes >> 2; }
}

/** Words that the record of a string of that many bytes takes. */
export const recordWords = (length: number): number => HEAD + words(length);

/** Words that a string of that many bytes takes. */
function words(length: number): number {
  return (length + 3) >>> 2;
}

/** The records that `pages` gave, all of them. Throws where they are damaged. */
export function readPages(pages: readonly Uint8Array[]): StringEntry[] {
  const arena = new Uint8Array(pages.reduce((n, page) => n + page.length, 0));
  let end = 0;
  for (const page of pages) { arena.set(page, end); end += page.length; }
  if (end % 4 !== 0) throw new Error(`not the pages of strings: ${end} bytes`);
  const head = new Int32Array(arena.buffer);
  const entries: StringEntry[] = [];
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
