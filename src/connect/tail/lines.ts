const CHUNK = 1 << 18;
/** A line longer than this is given up; its first bytes go on as they are, for the job to reject. */
const MAX_LINE = 1 << 25;
const SHOWN = 1 << 10;
const LINE_FEED = 10;

/** Bytes in order. */
export interface Bytes {
  /** Reads into `target` from `at` on; resolves to the number of bytes read, 0 where there are none for now. */
  read(target: Uint8Array, at: number): Promise<number>;
}

export interface Lines {
  readonly values: Uint8Array[];
  /** Where each line begins. */
  readonly offsets: number[];
}

/** Cuts bytes into lines. Blank ones are passed over. */
export class LineCutter {
  readonly #bytes: Bytes;
  /** The unfinished line. */
  #carry: Buffer = Buffer.alloc(0);
  /** Offset of what comes next: where the unfinished line begins. */
  offset: number;
  /** Inside a line that is given up: where it began. */
  #longLine: { readonly offset: number; readonly value: Uint8Array } | undefined;

  constructor(bytes: Bytes, offset: number) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  /** Bytes of the unfinished line. */
  get partial(): number {
    return this.#carry.length;
  }

  /** The next whole lines; undefined: no further bytes for now. */
  async next(): Promise<Lines | undefined> {
    for (;;) {
      const held = this.#carry.length;
      // Twice as much each time, so that a long line costs no more than its length.
      const bytes = Buffer.allocUnsafeSlow(held + Math.max(CHUNK, held));
      this.#carry.copy(bytes);
      const count = await this.#bytes.read(bytes, held);
      if (count === 0) return undefined;
      const end = held + count;
      const feed = bytes.subarray(0, end).lastIndexOf(LINE_FEED);
      if (feed < 0) {
        this.#keep(bytes.subarray(0, end));
        continue;
      }
      const lines = this.#cut(bytes.subarray(0, feed + 1));
      this.#keep(bytes.subarray(feed + 1, end));
      if (lines.values.length > 0) return lines;
    }
  }

  /** The unfinished line as it is: for bytes that have ended. */
  rest(): Lines {
    const rest = this.#carry;
    this.#carry = Buffer.alloc(0);
    return this.#cut(rest);
  }

  #keep(bytes: Buffer): void {
    this.#carry = bytes;
    if (bytes.length <= MAX_LINE) return;
    this.#longLine ??= { offset: this.offset, value: Buffer.from(bytes.subarray(0, SHOWN)) };
    this.offset += bytes.length;
    this.#carry = Buffer.alloc(0);
  }

  #cut(bytes: Buffer): Lines {
    const lines: Lines = { values: [], offsets: [] };
    let from = 0;
    while (from < bytes.length || this.#longLine !== undefined) {
      const feed = bytes.indexOf(LINE_FEED, from);
      const to = feed < 0 ? bytes.length : feed;
      if (this.#longLine !== undefined) {
        lines.values.push(this.#longLine.value);
        lines.offsets.push(this.#longLine.offset);
        this.#longLine = undefined;
      } else if (!isBlank(bytes, from, to)) {
        lines.values.push(bytes.subarray(from, to));
        lines.offsets.push(this.offset + from);
      }
      from = feed < 0 ? bytes.length : feed + 1;
    }
    this.offset += bytes.length;
    return lines;
  }
}

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const c = bytes[i]!;
    if (c !== 0x20 && c !== 0x0d && c !== 0x09) return false;
  }
  return true;
}
