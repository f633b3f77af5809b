import type { Batch } from '../../core/batch.ts';
import type { Strings } from '../../core/strings.ts';
import { makeDecoder } from '../../decode/index.ts';
import type { Decoder, DecoderOptions, Reject } from '../../decode/index.ts';
import type { ByteSource } from './byte-source.ts';
import { LineBuffer, MAX_LINE } from './line-buffer.ts';
import type { EventReader, ReadContext } from './reader.ts';

const LINE_FEED = 10;
/** How much of a line that is given up is shown to `onReject`. */
const SHOWN = 1 << 10;

/** Reads JSON Lines. */
export class JsonLinesReader implements EventReader {
  readonly name: string;
  readonly #source: ByteSource;
  readonly #context: ReadContext;
  readonly #index: number;
  readonly #decoder: Decoder;
  readonly #buffer: LineBuffer;
  /** The end of the whole lines in the buffer. */
  #linesEnd = 0;
  /** Inside a line that is given up, up to its line feed. */
  #skipping = false;

  constructor(name: string, source: ByteSource, context: ReadContext, index: number, options: DecoderOptions) {
    this.name = name;
    this.#source = source;
    this.#context = context;
    this.#index = index;
    this.#decoder = makeDecoder(context.schema, context.strings, { ...options, ...(context.ingestTime && { ingestTime: context.ingestTime }) });
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
    const buffer = this.#buffer;
    batch.count = 0;
    batch.source = this.#index;
    batch.partition = 0;
    for (;;) {
      if (buffer.at < this.#linesEnd) {
        buffer.at = this.#decoder.decodeLines(buffer.bytes, buffer.at, this.#linesEnd, batch, this.#reject);
        if (batch.count > 0) return batch.count;
        continue;
      }
      if (buffer.ended) return 0;
      await buffer.fill();
      this.#findLines();
    }
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  readonly #reject = (reject: Reject, bytes: Uint8Array): void => {
    this.#context.onReject({ ...reject, input: this.name, bytes: bytes.subarray(reject.offset, reject.end) });
  };

  /** Finds the whole lines in what was filled; gives up a line that grows past all bounds. */
  #findLines(): void {
    const buffer = this.#buffer;
    if (this.#skipping) {
      const feed = buffer.bytes.subarray(0, buffer.end).indexOf(LINE_FEED, buffer.at);
      buffer.at = feed < 0 ? buffer.end : feed + 1;
      if (feed >= 0) {
        this.#skipping = false;
        this.#decoder.line++;
      }
    }
    // Nothing before the fresh part ends a line, else it would have been taken.
    const from = Math.max(buffer.at, buffer.fresh);
    const last = buffer.bytes.subarray(from, buffer.end).lastIndexOf(LINE_FEED);
    this.#linesEnd = buffer.ended ? buffer.end : last < 0 ? buffer.at : from + last + 1;
    if (this.#linesEnd > buffer.at || buffer.end - buffer.at <= MAX_LINE) return;
    this.#reject({
      reason: 'line-too-long', message: `the line is longer than ${MAX_LINE} bytes`, line: this.#decoder.line, offset: buffer.at, end: buffer.at + SHOWN,
    }, buffer.bytes);
    this.#skipping = true;
    buffer.at = this.#linesEnd = buffer.end;
  }
}
