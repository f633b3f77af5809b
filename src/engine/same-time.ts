/** A stretch of bytes. */
interface Stretch { readonly bytes: Uint8Array; readonly from: number; readonly to: number }

const NOTHING: Stretch = { bytes: new Uint8Array(0), from: 0, to: 0 };

/**
 * The bytes of the events at the time at hand: byte-equal events of one time are told apart by their number (section 5 of the language). Derived events are counted
 * apart.
 */
export class SameTime {
  #time = NaN;
  /** The event at hand (its three parts: no object an event); those before it at its time, as far as there are any. */
  #bytes = NOTHING.bytes;
  #from = 0;
  #to = 0;
  #before: Stretch[] = [];
  #derivedTime = NaN;
  #derived: Stretch[] = [];

  /** An event is at hand. */
  begin(time: number, bytes: Uint8Array, from: number, to: number): void {
    if (time === this.#time) this.#before.push(this.#last);
    else if (this.#before.length > 0) this.#before = [];
    this.#time = time;
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  get #last(): Stretch { return { bytes: this.#bytes, from: this.#from, to: this.#to }; }
  set #last({ bytes, from, to }: Stretch) {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  /** A derived event is at hand. */
  beginDerived(time: number): void {
    if (time === this.#derivedTime) return;
    this.#derivedTime = time;
    this.#derived = [];
  }

  /** A derived event is done. Its bytes are its own. */
  endDerived(bytes: Uint8Array): void { this.#derived.push({ bytes, from: 0, to: bytes.length }); }

  /** How many events equal to the one at hand, byte for byte, came before it at its time. */
  ordinal(derived: boolean, bytes: Uint8Array, from: number, to: number): number {
    let n = 0;
    for (const other of derived ? this.#derived : this.#before) {
      if (other.to - other.from !== to - from) continue;
      let equal = true;
      for (let k = 0; k < to - from && equal; k++) equal = bytes[from + k] === other.bytes[other.from + k];
      if (equal) n++;
    }
    return n;
  }

  /** The bytes given are the caller's again: what may still be compared, since more events may come at the watermark, is copied. */
  keep(watermark: number): void {
    if (!(this.#time >= watermark)) {
      this.#time = NaN;
      this.#last = NOTHING;
      this.#before = [];
      return;
    }
    this.#last = own(this.#last);
    this.#before = this.#before.map(own);
  }

  /** As bytes; empty: there is nothing. */
  save(): Uint8Array {
    const lists = [...this.#before, this.#last, ...this.#derived];
    if (lists.length === 1 && this.#to === this.#from && Number.isNaN(this.#time) && Number.isNaN(this.#derivedTime)) return new Uint8Array(0);
    const size = lists.reduce((n, s) => n + s.to - s.from, 0);
    const out = new Uint8Array(24 + 4 * lists.length + size);
    const view = new DataView(out.buffer);
    view.setFloat64(0, this.#time, true);
    view.setFloat64(8, this.#derivedTime, true);
    view.setUint32(16, this.#before.length, true);
    view.setUint32(20, this.#derived.length, true);
    let at = 24 + 4 * lists.length;
    lists.forEach(({ bytes, from, to }, i) => {
      view.setUint32(24 + 4 * i, to - from, true);
      out.set(bytes.subarray(from, to), at);
      at += to - from;
    });
    return out;
  }

  load(saved: Uint8Array): void {
    this.#time = this.#derivedTime = NaN;
    this.#last = NOTHING;
    this.#before = [];
    this.#derived = [];
    if (saved.length === 0) return;
    const bytes = new Uint8Array(saved);
    const view = new DataView(bytes.buffer);
    this.#time = view.getFloat64(0, true);
    this.#derivedTime = view.getFloat64(8, true);
    const before = view.getUint32(16, true);
    const derived = view.getUint32(20, true);
    let at = 24 + 4 * (before + 1 + derived);
    for (let i = 0; i <= before + derived; i++) {
      const length = view.getUint32(24 + 4 * i, true);
      const stretch = own({ bytes, from: at, to: at + length });
      at += length;
      if (i < before) this.#before.push(stretch);
      else if (i === before) this.#last = stretch;
      else this.#derived.push(stretch);
    }
  }
}

function own(s: Stretch): Stretch {
  return s.from === 0 && s.to === s.bytes.length ? s : { bytes: s.bytes.slice(s.from, s.to), from: 0, to: s.to - s.from };
}
