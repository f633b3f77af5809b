import type { Batch } from '../../core/batch.ts';
import type { Strings } from '../../core/strings.ts';
import { makeDecoder } from '../../decode/index.ts';
import type { Decoder, DecoderOptions, Reject, RejectReason } from '../../decode/index.ts';
import type { ByteSource } from './byte-source.ts';
import { csvSchema, JsonRows, rowLayout } from './csv-json.ts';
import type { RowLayout } from './csv-json.ts';
import { CsvRows } from './csv-rows.ts';
import { LineBuffer, MAX_LINE } from './line-buffer.ts';
import type { EventReader, FieldMap, ReadContext } from './reader.ts';

const SHOWN = 1 << 10;
/** A record of which so much is there and not its end is tried again only when there is twice as much: else its cost would grow with its square. */
const LONG = 1 << 20;
/** JSON text that one read makes at most, beyond one row. */
const MAX_JSON = 1 << 24;

export interface CsvOptions {
  /** All rows are of this type; else the type field's column says. */
  readonly type: string | undefined;
  /** With `type`: rows whose type field names another type are refused. */
  readonly checkType: boolean;
  readonly typeField: string;
  readonly map: FieldMap;
}

/**
 * Reads CSV with a header (RFC 4180; the separator is a comma, or where the header has none a semicolon or a tab). Each row becomes the JSON text of its
 * columns, which is decoded like any other: one set of rules for what an event is, and the text is the event's evidence.
 */
export class CsvReader implements EventReader {
  readonly name: string;
  readonly #source: ByteSource;
  readonly #context: ReadContext;
  readonly #index: number;
  readonly #options: CsvOptions;
  readonly #decoder: Decoder;
  readonly #buffer: LineBuffer;
  readonly #json = new JsonRows();
  /** Line in the input of each line of #json. */
  #lines = new Float64Array(1024);
  #rows: CsvRows | undefined;
  #header: string[] = [];
  #typeColumn = -1;
  readonly #layouts = new Map<string, RowLayout>();
  /** Number of the line at the buffer's front. */
  #line = 1;
  /** Bytes to have before a long record is tried again from its start. */
  #wanted = 0;
  /** Inside a record that is given up, up to its line feed. */
  #skipping = false;

  constructor(name: string, source: ByteSource, context: ReadContext, index: number, options: CsvOptions) {
    this.name = name;
    this.#source = source;
    this.#context = context;
    this.#index = index;
    this.#options = options;
    const decoding: DecoderOptions = {
      typeField: options.typeField,
      ...(options.type !== undefined && { defaultType: options.type, checkType: options.checkType }),
      ...(context.ingestTime && { ingestTime: context.ingestTime }),
    };
    this.#decoder = makeDecoder(csvSchema(context.schema, options.map), context.strings, decoding);
    this.#buffer = new LineBuffer(source);
  }

  get strings(): Strings {
    return this.#context.strings;
  }

  get bytesRead(): number {
    return this.#source.bytesRead;
  }

  get bytesTotal(): number | undefined {
    return this.#source.bytesTotal;
  }

  async read(batch: Batch): Promise<number> {
    batch.count = 0;
    batch.source = this.#index;
    batch.partition = 0;
    for (;;) {
      const count = this.#convert(batch.capacity);
      if (count > 0) {
        this.#decode(batch);
        if (batch.count > 0) return batch.count;
        continue;
      }
      if (this.#buffer.ended) {
        if (this.#buffer.at >= this.#buffer.end) return 0;
        continue;
      }
      do await this.#buffer.fill();
      while (!this.#buffer.ended && this.#buffer.end - this.#buffer.at < this.#wanted);
    }
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  /** Turns up to `limit` records of the buffer into lines of JSON; returns how many. */
  #convert(limit: number): number {
    const buffer = this.#buffer;
    const json = this.#json;
    const b = buffer.bytes;
    let count = 0;
    json.clear();
    if (this.#lines.length < limit) this.#lines = new Float64Array(limit);
    if (this.#skipping) this.#skipLine();
    while (count < limit && buffer.at < buffer.end && json.end < MAX_JSON) {
      const rows = this.#rows ?? this.#open(b);
      if (rows === undefined) break;
      const result = rows.read(b, buffer.at, buffer.end, buffer.ended);
      if (result === 'more') {
        const held = buffer.end - buffer.at;
        this.#wanted = held < LONG ? 0 : Math.min(2 * held, MAX_LINE + 1);
        if (held > MAX_LINE) this.#giveUp();
        break;
      }
      this.#wanted = 0;
      const line = this.#line;
      const start = buffer.at;
      this.#line += rows.lines;
      buffer.at = rows.next;
      if (result === 'broken') {
        this.#reject('not-csv', 'a cell has text behind its closing quote, or no closing quote', line, start, rows.next);
      } else if (this.#header.length === 0) {
        this.#readHeader(b, rows);
      } else if (rows.cells === 1 && rows.from[0] === rows.to[0] && rows.quoted[0] === 0 && this.#header.length > 1) {
        // A blank line.
      } else if (rows.cells !== this.#header.length) {
        this.#reject('not-csv', `the row has ${rows.cells} cells, and the header ${this.#header.length}`, line, start, rows.next);
      } else {
        json.add(b, rows, this.#layout(b, rows));
        this.#lines[count++] = line;
      }
    }
    return count;
  }

  #decode(batch: Batch): void {
    const { bytes, end } = this.#json;
    const decoder = this.#decoder;
    const lines = this.#lines;
    decoder.line = 1;
    decoder.decodeLines(bytes, 0, end, batch, (reject: Reject, b) => {
      this.#context.onReject({ ...reject, line: lines[reject.line - 1]!, input: this.name, bytes: b.subarray(reject.offset, reject.end) });
    });
    const { offset } = batch;
    for (let row = 0; row < batch.count; row++) offset[row] = lines[offset[row]! - 1]!;
  }

  /** Skips a byte order mark and finds the separator; undefined until the first line is there. */
  #open(b: Uint8Array): CsvRows | undefined {
    const buffer = this.#buffer;
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
      const known = this.#context.schema.types.some(({ name }) => name === type);
      layout = rowLayout(this.#context.schema, known ? type : undefined, this.#header, this.#options.map);
      // Names that no rule knows are not remembered: there may be any number of them.
      if (known) this.#layouts.set(type, layout);
    }
    return layout;
  }

  #giveUp(): void {
    const buffer = this.#buffer;
    this.#reject('line-too-long', `the row is longer than ${MAX_LINE} bytes (a quote that is not closed?)`, this.#line, buffer.at, buffer.at + SHOWN);
    this.#skipping = true;
    this.#wanted = 0;
    this.#skipLine();
  }

  /** Passes over the rest of a line. */
  #skipLine(): void {
    const buffer = this.#buffer;
    const feed = buffer.bytes.indexOf(10, buffer.at);
    const found = feed >= 0 && feed < buffer.end;
    buffer.at = found ? feed + 1 : buffer.end;
    if (!found) return;
    this.#skipping = false;
    this.#line++;
  }

  #reject(reason: RejectReason, message: string, line: number, offset: number, end: number): void {
    this.#context.onReject({ reason, message, line, offset, end, input: this.name, bytes: this.#buffer.bytes.subarray(offset, end) });
  }
}
