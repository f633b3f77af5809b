/**
 * Images of an engine's state: what changed since the image before, as pages of bytes. A chain of images, each put over those before it, is the whole state
 * as it was when the last was made.
 *
 * What is kept of a page between images is the keeper's matter: a checkpoint keeps the name under which a store has the page's last content.
 */

/** A part of the state: pages by number. */
export interface Section {
  readonly name: string;
  /** Pages there are; those from this number on are gone. */
  readonly pages: number;
  /** Pages with other content than in the image before. A page may be empty; most are of one size, but none has to be. */
  readonly changed: ReadonlyMap<number, Uint8Array>;
}

export interface Image {
  /** JSON text; small, and new with every image. */
  readonly header: string;
  /** A section that is not named has no pages. */
  readonly sections: readonly Section[];
  /** Bytes of all changed pages. */
  readonly bytes: number;
  /** The image is lost: its pages are in the next one again. */
  redo(): void;
}

/** The state that a chain of images comes to. */
export interface WholeImage {
  readonly header: string;
  /** All pages of each section. */
  readonly sections: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** The pages of each section by what they are kept as: `Uint8Array` in memory, names of chunks in a store. JSON where `T` is. */
export type Pages<T> = Readonly<Record<string, readonly T[]>>;

/**
 * Puts an image over the pages there are. `keep` is called for each changed page and gives what is kept of it. The pages given are not
 * changed, so that those of a checkpoint that fails can be gone back to.
 */
export function put<T>(before: Pages<T>, image: Image, keep: (page: Uint8Array, section: string, index: number) => T): Pages<T> {
  const after: Record<string, readonly T[]> = {};
  for (const { name, pages, changed } of image.sections) {
    const list = (before[name] ?? []).slice(0, pages);
    for (const [index, page] of changed) list[index] = keep(page, name, index);
    for (let index = 0; index < pages; index++) {
      if (list[index] === undefined) throw new Error(`page ${index} of ${name} is in no image of the chain`);
    }
    if (pages > 0) after[name] = list;
  }
  return after;
}

/** A chain of images as one. */
export function wholeOf(pages: Pages<Uint8Array>, header: string): WholeImage {
  return { header, sections: new Map(Object.entries(pages)) };
}

const MAGIC = 0x43455049; // "IPEC", little-endian

/** A whole image as bytes: equal states give equal bytes. */
export function encodeWhole({ header, sections }: WholeImage): Uint8Array {
  const names = [...sections.keys()].sort();
  const index = new TextEncoder().encode(JSON.stringify({ header, sections: names.map((name) => [name, sections.get(name)!.map((page) => page.length)]) }));
  const size = names.reduce((n, name) => sections.get(name)!.reduce((m, page) => m + page.length, n), 0);
  const out = new Uint8Array(8 + index.length + size);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, index.length, true);
  out.set(index, 8);
  let at = 8 + index.length;
  for (const name of names) for (const page of sections.get(name)!) { out.set(page, at); at += page.length; }
  return out;
}

/** @throws Error on bytes that are no whole image */
export function decodeWhole(bytes: Uint8Array): WholeImage {
  const broken = (what: string): Error => new Error(`These bytes are no state of an engine: ${what}.`);
  if (bytes.length < 8) throw broken(`${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw broken('they begin with others');
  const length = view.getUint32(4, true);
  if (8 + length > bytes.length) throw broken('they end too early');
  const { header, sections } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as { header: string; sections: [string, number[]][] };
  let at = 8 + length;
  const found = new Map(sections.map(([name, lengths]) => [name, lengths.map((n) => bytes.subarray(at, at += n))]));
  if (at !== bytes.length) throw broken(`${bytes.length} bytes, ${at} expected`);
  return { header, sections: found };
}
