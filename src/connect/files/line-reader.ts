import type { Batch } from '../../core/batch.ts';
import type { Schema } from '../../core/schema.ts';
import type { Strings } from '../../core/strings.ts';
import { makeDecoder } from '../../decode/index.ts';
import type { Decoder, DecoderOptions, Reject } from '../../decode/index.ts';
import type { ByteSource } from './byte-source.ts';
import { LineBuffer, MAX_LINE } from './line-buffer.ts';
import type { EventReader, ReadContext } from './reader.ts';

const LINE_FEED = 10;
/** How much of a line that is given up is shown to `onReject`. */
const SHOWN = 1 << 10;

/** An opened input and what its reader is told of it. */
export interface LineInput {
  readonly name: string;
  readonly source: ByteSource;
  /** Number of the input among those of the run (`Batch.source`). */
  readonly index: number;
  readonly context: ReadContext;
  /** How events lie in it: `context.schema`, perhaps with other names of its fields. */
  readonly schema: Schema;
  readonly decoding: DecoderOptions;
}

/**
 * A reader of a format in which events are lines, or begin on them. Here is what such formats share: the bytes are read into a buffer, what is whole in
 * it is taken batch by batch, what is rejected is handed over with its input, and a line that grows past all bounds is given up.
 */
export abstract class LineReader implements EventReader {
  readonly name: string;
  protected readonly context: ReadContext;
  protected readonly decoder: Decoder;
  protected readonly buffer: LineBuffer;
  readonly #source: ByteSource;
  readonly #index: number;
  /** Inside a line that is given up, up to its line feed. */
  #skipping = false;

  constructor({ name, source, index, context, schema, decoding }: LineInput) {
    this.name = name;
    this.context = context;
    this.decoder = makeDecoder(schema, context.strings, { ...decoding, ...(context.ingestTime && { ingestTime: context.ingestTime }) });
    this.buffer = new LineBuffer(source);
    this.#source = source;
    this.#index = index;
  }

  /**
   * Takes events that are whole in the buffer into the batch, and moves the buffer on. False: nothing is whole; true with an empty batch: all that was
   * taken was rejected or blank.
   */
  protected abstract take(batch: Batch): boolean;

  /** The bytes that must be held, if there are so many, before it is worth while to look for something whole again. */
  protected wanted = 0;

  get strings(): Strings {
    return this.context.strings;
  }

  get bytesRead(): number {
    return this.#source.bytesRead;
  }

  get bytesTotal(): number | undefined {
    return this.#source.bytesTotal;
  }

  async read(batch: Batch): Promise<number> {
    const { buffer } = this;
    batch.count = 0;
    batch.source = this.#index;
    batch.partition = 0;
    for (;;) {
      while (this.take(batch)) if (batch.count > 0) return batch.count;
      if (buffer.ended) return 0;
      do await buffer.fill();
      while (!buffer.ended && buffer.end - buffer.at < this.wanted);
    }
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  protected readonly reject = (reject: Reject, bytes: Uint8Array): void => {
    this.context.onReject({ ...reject, input: this.name, bytes: bytes.subarray(reject.offset, reject.end) });
  };

  /** Gives up what stands at the buffer's front where it is longer than any line may be; `skipRest` is to be called then before anything is taken. */
  protected giveUpTooLong(message: string, line: number): boolean {
    const { buffer } = this;
    if (buffer.end - buffer.at <= MAX_LINE) return false;
    this.reject({ reason: 'line-too-long', message, line, offset: buffer.at, end: buffer.at + SHOWN }, buffer.bytes);
    this.#skipping = true;
    return true;
  }

  /** Passes over what is left of a line that was given up; true where its end was found. */
  protected skipRest(): boolean {
    if (!this.#skipping) return false;
    const { buffer } = this;
    const feed = buffer.bytes.indexOf(LINE_FEED, buffer.at);
    const found = feed >= 0 && feed < buffer.end;
    buffer.at = found ? feed + 1 : buffer.end;
    this.#skipping = !found;
    return found;
  }
}
