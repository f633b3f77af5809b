import type { Batch } from '../../core/batch.ts';
import type { Reject } from '../../decode/index.ts';
import { JsonRows, rowLayout } from './csv-json.ts';
import type { RowLayout } from './csv-json.ts';
import { CsvRows } from './csv-rows.ts';
import { MAX_LINE } from './line-buffer.ts';
import { LineReader } from './line-reader.ts';
import type { LineInput } from './line-reader.ts';
import type { FieldMap } from './reader.ts';

/** A record of which so much is there and not its end is tried again only when there is twice as much: else its cost would grow with its square. */
const LONG = 1 << 20;
/** JSON text that one read makes at most, beyond one row. */
const MAX_JSON = 1 << 24;

export interface CsvOptions {
  /** All rows are of this type; else the column of this name says. */
  readonly type: string | undefined;
  readonly typeField: string;
  readonly map: FieldMap;
}

/**
 * Reads CSV with a header (RFC 4180; the separator is a comma, or where the header has none a semicolon or a tab). Each row becomes the JSON text of its
 * columns, which is decoded like any other: one set of rules for what an event is, and the text is the event's evidence.
 */
export class CsvReader extends LineReader {
  readonly #options: CsvOptions;
  readonly #json = new JsonRows();
  /** Line in the input of each line of #json. */
  #lines = new Float64Array(1024);
  #rows: CsvRows | undefined;
  #header: string[] = [];
  #typeColumn = -1;
  readonly #layouts = new Map<string, RowLayout>();
  /** Number of the line at the buffer's front. */
  #line = 1;

  /** The input's schema is that of `csvSchema`. */
  constructor(input: LineInput, options: CsvOptions) {
    super(input);
    this.#options = options;
  }

  protected take(batch: Batch): boolean {
    if (this.#convert(batch.capacity) === 0) return false;
    this.#decode(batch);
    return true;
  }

  /** Turns up to `limit` records of the buffer into lines of JSON; returns how many. */
  #convert(limit: number): number {
    const { buffer } = this;
    const json = this.#json;
    const b = buffer.bytes;
    let count = 0;
    json.clear();
    if (this.#lines.length < limit) this.#lines = new Float64Array(limit);
    if (this.skipRest()) this.#line++;
    while (count < limit && buffer.at < buffer.end && json.end < MAX_JSON) {
      const rows = this.#rows ?? this.#open(b);
      if (rows === undefined) break;
      const result = rows.read(b, buffer.at, buffer.end, buffer.ended);
      if (result === 'more') {
        const held = buffer.end - buffer.at;
        this.wanted = held < LONG ? 0 : Math.min(2 * held, MAX_LINE + 1);
        if (this.giveUpTooLong(`the row is longer than ${MAX_LINE} bytes (a quote that is not closed?)`, this.#line)) {
          this.wanted = 0;
          if (this.skipRest()) this.#line++;
        }
        break;
      }
      this.wanted = 0;
      const line = this.#line;
      const start = buffer.at;
      this.#line += rows.lines;
      buffer.at = rows.next;
      if (result === 'broken') {
        this.#broken('a cell has text behind its closing quote, or no closing quote', line, start, rows.next);
      } else if (this.#header.length === 0) {
        this.#readHeader(b, rows);
      } else if (rows.cells === 1 && rows.from[0] === rows.to[0] && rows.quoted[0] === 0 && this.#header.length > 1) {
        // A blank line.
      } else if (rows.cells !== this.#header.length) {
        this.#broken(`the row has ${rows.cells} cells, and the header ${this.#header.length}`, line, start, rows.next);
      } else {
        json.add(b, rows, this.#layout(b, rows));
        this.#lines[count++] = line;
      }
    }
    return count;
  }

  #decode(batch: Batch): void {
    const { bytes, end } = this.#json;
    const { decoder } = this;
    const lines = this.#lines;
    decoder.line = 1;
    decoder.decodeLines(bytes, 0, end, batch, (reject: Reject, b) => this.reject({ ...reject, line: lines[reject.line - 1]! }, b));
    const { offset } = batch;
    for (let row = 0; row < batch.count; row++) offset[row] = lines[offset[row]! - 1]!;
  }

  /** Skips a byte order mark and finds the separator; undefined until the first line is there. */
  #open(b: Uint8Array): CsvRows | undefined {
    const { buffer } = this;
    const feed = b.indexOf(10, buffer.at);
    if ((feed < 0 || feed >= buffer.end) && !buffer.ended && buffer.end - buffer.at < MAX_LINE) return undefined;
    if (b[buffer.at] === 0xef && b[buffer.at + 1] === 0xbb && b[buffer.at + 2] === 0xbf) buffer.at += 3;
    const first = b.subarray(buffer.at, feed < 0 || feed > buffer.end ? buffer.end : feed);
    const separator = [0x2c, 0x3b, 0x09].find((byte) => first.includes(byte));
    return this.#rows = new CsvRows(separator);
  }

  #readHeader(b: Uint8Array, rows: CsvRows): void {
    const names = Array.from({ length: rows.cells }, (_, cell) => rows.text(b, cell).trim());
    if (names.every((name) => name === '')) return;
    this.#header = names;
    if (this.#options.type === undefined) this.#typeColumn = names.indexOf(this.#options.typeField);
  }

  #layout(b: Uint8Array, rows: CsvRows): RowLayout {
    const type = this.#options.type ?? (this.#typeColumn < 0 ? '' : rows.text(b, this.#typeColumn));
    let layout = this.#layouts.get(type);
    if (layout === undefined) {
      const known = this.context.schema.types.some(({ name }) => name === type);
      layout = rowLayout(this.context.schema, known ? type : undefined, this.#header, this.#options.map);
      // Names that no rule knows are not remembered: there may be any number of them.
      if (known) this.#layouts.set(type, layout);
    }
    return layout;
  }

  #broken(message: string, line: number, from: number, to: number): void {
    this.reject({ reason: 'not-csv', message, line, offset: from, end: to }, this.buffer.bytes);
  }
}
