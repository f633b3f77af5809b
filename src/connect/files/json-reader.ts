import type { Batch } from '../../core/batch.ts';
import { MAX_LINE } from './line-buffer.ts';
import { LineReader } from './line-reader.ts';

const LINE_FEED = 10;

/** Reads JSON Lines. */
export class JsonLinesReader extends LineReader {
  /** The end of the whole lines in the buffer; 0: there are none, and when more bytes come what is held begins at the buffer's front. */
  #linesEnd = 0;

  protected take(batch: Batch): boolean {
    const { buffer } = this;
    if (buffer.at >= this.#linesEnd) this.#findLines();
    if (buffer.at >= this.#linesEnd) return false;
    buffer.at = this.decoder.decodeLines(buffer.bytes, buffer.at, this.#linesEnd, batch, this.reject);
    return true;
  }

  /** Finds the whole lines in what is held; gives up a line that grows past all bounds. */
  #findLines(): void {
    const { buffer } = this;
    if (this.skipRest()) this.decoder.line++;
    // Nothing before the fresh part ends a line, else it would have been taken.
    const from = Math.max(buffer.at, buffer.fresh);
    const last = buffer.bytes.subarray(from, buffer.end).lastIndexOf(LINE_FEED);
    this.#linesEnd = buffer.ended ? buffer.end : last < 0 ? 0 : from + last + 1;
    if (this.#linesEnd > buffer.at || !this.giveUpTooLong(`the line is longer than ${MAX_LINE} bytes`, this.decoder.line)) return;
    buffer.at = buffer.end;
  }
}
