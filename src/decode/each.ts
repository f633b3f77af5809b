/**
 * Events made of the elements of lists: between the decoder and the engine. Each event of a batch goes on as it is, and behind it, in the order of the list, one event
 * for each element, with the source, partition and offset of the event it is of. An element is decoded where it lies in the bytes, by a decoder of its own, so that there is
 * no object for it; one that does not decode is rejected by itself, with its bytes.
 */
import { Batch } from '../core/batch.ts';
import { makeRuntime } from '../core/functions.ts';
import type { EachPlan, Schema } from '../core/schema.ts';
import type { Strings } from '../core/strings.ts';
import { makeDecoder, type Decoder } from './json.ts';
import type { Reject } from './reject.ts';
import { keyEnd, skipSpace, skipValue } from './scan.ts';
import { keyText } from './slow.ts';

export interface ExpandOptions {
  /** What the events are decoded by: names in the data are its. */
  readonly schema: Schema;
  readonly strings: Strings;
  /** The engine's tables: a look-up takes the row as it stands when the event comes in. */
  readonly tables: readonly unknown[];
  /** `row` of the batch given; `bytes` are the element's, valid during the call. `reject.offset` and `reject.end` are their place in the bytes of the batch. */
  readonly onReject: (reject: Reject | FutureReject, row: number, bytes: Uint8Array) => void;
}

/** An event later than its arrival allows. */
export interface FutureReject extends Omit<Reject, 'reason'> { readonly reason: 'future' }

type Compute = (D: readonly Float64Array[], r: number, S: readonly Float64Array[], p: number, t: number, C: Float64Array, R: unknown, T: readonly unknown[]) => number;

interface Maker {
  readonly plan: EachPlan;
  readonly decoder: Decoder;
  readonly constants: Float64Array;
  readonly compute: readonly Compute[];
  /** The event made last, for what is made of it in turn. */
  readonly kept: Batch | undefined;
  /** Per type made from: names in the data from the event, or element, to the list. */
  readonly paths: ReadonlyMap<number, readonly string[]>;
}

const WRAP = new TextEncoder().encode('{"element":');
const CLOSE = 0x7d;
const TEXT = new TextEncoder();

export class Expander {
  readonly #options: ExpandOptions;
  /** Per type: what is made of its events. */
  readonly #makers: readonly (readonly Maker[])[];
  readonly #isOfLists: boolean;
  readonly #runtime: unknown;
  #out: Batch;
  /** The events' bytes, copied one behind the other, with the texts of those that are made. */
  #bytes = new Uint8Array(1 << 16);
  #used = 0;
  #wrapped = new Uint8Array(256);
  /** The event at hand: its batch and row, where its bytes lie in `#bytes` (-1: not there), and the latest time that is not in the future. */
  #batch: Batch;
  #row = 0;
  #at = -1;
  #latest = Infinity;

  constructor(each: readonly EachPlan[], options: ExpandOptions, capacity = 1024) {
    const { schema, strings } = options;
    this.#options = options;
    this.#isOfLists = each.length > 0;
    this.#runtime = makeRuntime(strings);
    this.#out = new Batch(schema.slots, this.#isOfLists ? capacity : 1);
    this.#batch = this.#out;
    const makers = each.map((plan): Maker => ({
      plan,
      decoder: makeDecoder({ slots: schema.slots, types: [plan.element] }, strings, { defaultType: plan.element.name, ingestTime: () => NaN }),
      constants: Float64Array.from(plan.constants, (text) => strings.pin(strings.intern(text))),
      compute: plan.computed.map(({ source }) => new Function('D', 'r', 'S', 'p', 't', 'C', 'R', 'T', `'use strict';return ${source};`) as Compute),
      kept: each.some((other) => other.sources.includes(plan.type)) ? new Batch(schema.slots, 1) : undefined,
      paths: new Map(plan.sources.map((source) => {
        const through = each.find((other) => other.type === source);
        const field = through === undefined ? schema.types[source]!.fields.find(({ name }) => name === plan.field)!.source : through.taken.find(([name]) => name === plan.field)![1];
        return [source, [field, ...plan.path]];
      })),
    }));
    this.#makers = schema.types.map((_, type) => makers.filter(({ plan }) => plan.sources.includes(type)));
  }

  /**
   * The events of a batch, each followed by those made of it: the batch itself where there are none, else one that is valid until the next call. It is one, however
   * large, because the engine may forget texts of events that it has not seen after each. `latest`: by row, the time above which an event is in the future of its arrival.
   */
  expand(batch: Batch, latest?: ArrayLike<number>): Batch {
    if (!this.#isOfLists || !this.#concerns(batch)) return batch;
    this.#batch = batch;
    let out = this.#out;
    out.source = batch.source;
    out.partition = batch.partition;
    out.count = 0;
    this.#used = 0;
    for (let row = 0; row < batch.count; row++) {
      this.#row = row;
      this.#at = -1;
      this.#latest = latest?.[row] ?? Infinity;
      const from = batch.from[row]!;
      const r = this.#room();
      out = this.#out;
      const at = this.#ownBytes();
      copyRow(batch, row, out, r);
      out.from[r] = at;
      out.to[r] = at + batch.to[row]! - from;
      out.offset[r] = batch.offset[row]!;
      out.count++;
      for (const maker of this.#makers[batch.type[row]!]!) this.#make(maker, batch.type[row]!, from, batch.to[row]!, batch.columns, row, batch.time[row]!, `${this.#options.schema.types[batch.type[row]!]!.name}`);
    }
    this.#out.bytes = this.#bytes;
    return this.#out;
  }

  #concerns(batch: Batch): boolean {
    for (let row = 0; row < batch.count; row++) if (this.#makers[batch.type[row]!]!.length > 0) return true;
    return false;
  }

  /** One event for each element of the list in bytes[from, to) of the batch; `S` at `p` is the event they are of. */
  #make(maker: Maker, of: number, from: number, to: number, S: readonly Float64Array[], p: number, time: number, name: string): void {
    const path = maker.paths.get(of)!;
    const b = this.#batch.bytes;
    let i = find(b, from, to, path);
    // A row of CSV has become JSON under its declared names, where the input renames a field.
    const { field, path: rest } = maker.plan;
    if (i < 0 && path[0] !== field) i = find(b, from, to, [field, ...rest]);
    if (i < 0 || b[i] !== 0x5b) return;
    i = skipSpace(b, i + 1, to, false);
    for (let n = 1; i < to && b[i] !== 0x5d; n++) {
      const end = skipValue(b, i, to, false);
      this.#element(maker, i, end, S, p, time, () => `element ${n} of ${name}.${path.join('.')}`);
      i = skipSpace(b, end, to, false);
      if (b[i] !== 0x2c) break;
      i = skipSpace(b, i + 1, to, false);
    }
  }

  #element(maker: Maker, from: number, to: number, S: readonly Float64Array[], p: number, time: number, where: () => string): void {
    const { plan, decoder } = maker;
    const b = this.#batch.bytes;
    const r = this.#room();
    const out = this.#out;
    const fault = plan.isWhole ? this.#decodeWhole(decoder, from, to, r) : decoder.decode(b, from, to, out, r);
    if (fault !== undefined) { this.#reject(fault.reason, `${where()}: ${fault.message}`, from, to); return; }
    const D = out.columns;
    for (const { from: source, to: target } of plan.copied) D[target]![r] = S[source]![p]!;
    for (let k = 0; k < maker.compute.length; k++) D[plan.computed[k]!.to]![r] = maker.compute[k]!(D, r, S, p, time, maker.constants, this.#runtime, this.#options.tables);
    for (const { name, slot } of plan.required) {
      const value = D[slot]![r]!;
      if (value !== value) { this.#reject('missing-field', `${where()}: ${plan.element.name}.${name} is null, and its type is not optional`, from, to); return; }
    }
    const own = plan.time < 0 ? time : D[plan.time]![r]!;
    if (own > this.#latest) {
      this.#reject('future', `${where()}: the event's time is ${new Date(own).toISOString()}, which is too far after its arrival`, from, to);
      return;
    }
    out.type[r] = plan.type;
    out.time[r] = own;
    out.offset[r] = this.#batch.offset[this.#row]!;
    if (plan.text === undefined) {
      const at = this.#ownBytes();
      out.from[r] = at + from - this.#batch.from[this.#row]!;
      out.to[r] = out.from[r]! + to - from;
    } else {
      out.from[r] = this.#used;
      this.#write(this.#textOf(plan.text, r));
      out.to[r] = this.#used;
    }
    out.count++;
    if (maker.kept === undefined) return;
    copyRow(out, r, maker.kept, 0);
    for (const next of this.#makers[plan.type]!) this.#make(next, plan.type, from, to, maker.kept.columns, 0, own, where());
  }

  /** An element that is no object, or is wanted whole, as the one field of an object. */
  #decodeWhole(decoder: Decoder, from: number, to: number, r: number): Reject | undefined {
    const length = WRAP.length + to - from + 1;
    if (this.#wrapped.length < length) this.#wrapped = new Uint8Array(2 * length);
    this.#wrapped.set(WRAP);
    this.#wrapped.set(this.#batch.bytes.subarray(from, to), WRAP.length);
    this.#wrapped[length - 1] = CLOSE;
    return decoder.decode(this.#wrapped, 0, length, this.#out, r);
  }

  #reject(reason: Reject['reason'] | 'future', message: string, from: number, to: number): void {
    this.#options.onReject({ reason, message, line: this.#batch.offset[this.#row]!, offset: from, end: to } as Reject | FutureReject, this.#row, this.#batch.bytes.subarray(from, to));
  }

  /** The event that is made as JSON text, as though it had come so. */
  #textOf(fields: NonNullable<EachPlan['text']>, r: number): string {
    const { strings } = this.#options;
    let text = '';
    for (const { name, slot, type } of fields) {
      const value = this.#out.columns[slot]![r]!;
      if (value !== value) continue;
      const shown = type.kind === 'string' || type.kind === 'oneOf' ? JSON.stringify(strings.text(value))
        : type.kind === 'list' || type.kind === 'record' ? strings.text(value)
          : type.kind === 'bool' ? String(value === 1) : String(value);
      text += `${text === '' ? '{' : ','}${JSON.stringify(name)}:${shown}`;
    }
    return text === '' ? '{}' : `${text}}`;
  }

  /** Where the bytes of the event at hand lie in those that are handed on. */
  #ownBytes(): number {
    if (this.#at >= 0) return this.#at;
    const from = this.#batch.from[this.#row]!;
    const to = this.#batch.to[this.#row]!;
    this.#reserve(to - from);
    this.#bytes.set(this.#batch.bytes.subarray(from, to), this.#used);
    this.#at = this.#used;
    this.#used += to - from;
    return this.#at;
  }

  #write(text: string): void {
    this.#reserve(3 * text.length);
    this.#used += TEXT.encodeInto(text, this.#bytes.subarray(this.#used)).written;
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#used + bytes));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
  }

  /** The row to fill next. */
  #room(): number {
    const { count, capacity } = this.#out;
    if (count === capacity) {
      const larger = new Batch(this.#out.columns.length, 2 * capacity);
      for (const name of ['type', 'time', 'from', 'to', 'offset'] as const) larger[name].set(this.#out[name]);
      larger.columns.forEach((column, slot) => { column.set(this.#out.columns[slot]!); });
      larger.source = this.#out.source;
      larger.partition = this.#out.partition;
      larger.count = count;
      this.#out = larger;
    }
    return count;
  }
}

function copyRow(from: Batch, row: number, to: Batch, r: number): void {
  to.type[r] = from.type[row]!;
  to.time[r] = from.time[row]!;
  for (let slot = 0; slot < from.columns.length; slot++) to.columns[slot]![r] = from.columns[slot]![row]!;
}

/** The place of the value that names lead to in the JSON object at `from`, whose syntax is known to be right; of a name that is there twice the last. -1: there is none. */
function find(b: Uint8Array, from: number, to: number, path: readonly string[]): number {
  let at = skipSpace(b, from, to, false);
  for (const name of path) {
    if (b[at] !== 0x7b) return -1;
    let found = -1;
    for (let i = skipSpace(b, at + 1, to, false); i < to && b[i] === 0x22;) {
      const key = i;
      i = keyEnd(b, key, to, false);
      const value = skipSpace(b, i, to, false);
      if (keyText(b, key, i) === name) found = value;
      i = skipSpace(b, skipValue(b, value, to, false), to, false);
      if (b[i] !== 0x2c) break;
      i = skipSpace(b, i + 1, to, false);
    }
    if (found < 0) return -1;
    at = found;
  }
  return at;
}
