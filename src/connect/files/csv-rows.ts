/** RFC 4180 over bytes: splits a record into cells without making text of them. */

const QUOTE = 34;
const LINE_FEED = 10;
const RETURN = 13;

/** What `CsvRows.next` came to. */
export type RowResult =
  /** A record: its cells are set. */
  | 'row'
  /** The bytes end within the record, and more may come. */
  | 'more'
  /** Text stands behind a closing quote, or the input ends inside quotes. */
  | 'broken';

/**
 * The cells of one record at a time. A cell's content is bytes[from[i], to[i]); with `quoted[i]` it has stood in quotes, and holds each quote
 * of its own twice.
 */
export class CsvRows {
  cells = 0;
  from = new Int32Array(64);
  to = new Int32Array(64);
  quoted = new Uint8Array(64);
  /** Where the next record begins, once a record is read or broken off. */
  next = 0;
  /** Lines that the record takes: more than one where a quoted cell holds line feeds. */
  lines = 1;
  readonly #separator: number;

  constructor(separator = 0x2c) {
    this.#separator = separator;
  }

  /** Reads the record at `at`. `final`: nothing comes after `end`. A broken record is passed over to the end of its first line. */
  read(b: Uint8Array, at: number, end: number, final: boolean): RowResult {
    const separator = this.#separator;
    this.cells = 0;
    this.lines = 1;
    let i = at;
    for (;;) {
      let from = i;
      let to: number;
      let quoted = 0;
      if (i < end && b[i] === QUOTE) {
        quoted = 1;
        from = ++i;
        for (;;) {
          if (i >= end) return final ? this.#broken(b, at, end, final) : 'more';
          const c = b[i]!;
          if (c === QUOTE) {
            if (i + 1 >= end && !final) return 'more';
            if (i + 1 >= end || b[i + 1] !== QUOTE) break;
            i++;
          } else if (c === LINE_FEED) {
            this.lines++;
          }
          i++;
        }
        to = i++;
        if (i < end && b[i] === RETURN && (i + 1 >= end || b[i + 1] === LINE_FEED)) i++;
        if (i < end && b[i] !== separator && b[i] !== LINE_FEED) return this.#broken(b, at, end, final);
      } else {
        let c = -1;
        while (i < end && (c = b[i]!) !== separator && c !== LINE_FEED) i++;
        to = i;
        if (to > from && b[to - 1] === RETURN && (i === end || c === LINE_FEED)) to--;
      }
      if (i >= end && !final) return 'more';
      if (this.cells === this.from.length) this.#grow();
      this.from[this.cells] = from;
      this.to[this.cells] = to;
      this.quoted[this.cells++] = quoted;
      if (i >= end || b[i] === LINE_FEED) {
        this.next = Math.min(i + 1, end);
        return 'row';
      }
      i++;
    }
  }

  /** The text of a cell. */
  text(b: Uint8Array, cell: number): string {
    const from = this.from[cell]!;
    const text = Buffer.from(b.buffer, b.byteOffset + from, this.to[cell]! - from).toString();
    return this.quoted[cell] === 1 ? text.replaceAll('""', '"') : text;
  }

  #broken(b: Uint8Array, at: number, end: number, final: boolean): 'broken' | 'more' {
    const feed = b.indexOf(LINE_FEED, at);
    const found = feed >= 0 && feed < end;
    if (!found && !final) return 'more';
    this.lines = 1;
    this.next = found ? feed + 1 : end;
    return 'broken';
  }

  #grow(): void {
    const capacity = this.from.length * 2;
    const larger = { from: new Int32Array(capacity), to: new Int32Array(capacity), quoted: new Uint8Array(capacity) };
    larger.from.set(this.from);
    larger.to.set(this.to);
    larger.quoted.set(this.quoted);
    this.from = larger.from;
    this.to = larger.to;
    this.quoted = larger.quoted;
  }
}
