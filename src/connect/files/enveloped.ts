/**
 * Lines of a job's late events and rejects, or of `alcedo run --rejects`, as the events that are in them: `{"alcedo":"late",…,"event":{…}}`,
 * `{"alcedo":"reject",…,"text":"…"}` (or `"base64"`). So such a file, or what was read from such a topic, can be run as it is, once what was wrong is mended.
 * One line stays one line: numbers of lines in messages are those of the file.
 */
import { Buffer } from 'node:buffer';
import type { ByteSource } from './byte-source.ts';
import { MAX_LINE } from './line-buffer.ts';

const MARK = Buffer.from('{"alcedo":"');
const EVENT = Buffer.from(',"event":');
const CHUNK = 1 << 16;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const CLOSING = 125;

/** The source as it is, or, where its first line is such a one, what is in its lines. Other lines among them stay as they are. */
export class Envelopes implements ByteSource {
  readonly bytesTotal: number | undefined;
  readonly #source: ByteSource;
  #way: Way | undefined;

  constructor(source: ByteSource) {
    this.bytesTotal = source.bytesTotal;
    this.#source = source;
  }

  get bytesRead(): number { return this.#source.bytesRead; }

  async read(target: Uint8Array, at: number): Promise<number> {
    this.#way ??= await wayInto(this.#source);
    return this.#way.read(target, at);
  }

  close(): Promise<void> { return this.#source.close(); }
}

type Way = Pick<ByteSource, 'read'>;

async function wayInto(source: ByteSource): Promise<Way> {
  const first = Buffer.alloc(MARK.length);
  let length = 0;
  while (length < first.length) {
    const count = await source.read(first, length);
    if (count === 0) break;
    length += count;
  }
  const whole = new Begun(source, first.subarray(0, length));
  return first.equals(MARK) ? new Opened(whole) : whole;
}

/** A source of which something has been read already. */
class Begun implements Way {
  readonly #source: Way;
  #first: Uint8Array;

  constructor(source: Way, first: Uint8Array) {
    this.#source = source;
    this.#first = first;
  }

  async read(target: Uint8Array, at: number): Promise<number> {
    if (this.#first.length === 0) return this.#source.read(target, at);
    const count = Math.min(this.#first.length, target.length - at);
    target.set(this.#first.subarray(0, count), at);
    this.#first = this.#first.subarray(count);
    return count;
  }
}

class Opened implements Way {
  readonly #source: Way;
  readonly #chunk = Buffer.alloc(CHUNK);
  /** The beginning of a line whose end has not been read. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #ready: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(source: Way) {
    this.#source = source;
  }

  async read(target: Uint8Array, at: number): Promise<number> {
    while (this.#ready.length === 0) {
      if (this.#ended) return 0;
      await this.#fill();
    }
    const count = Math.min(this.#ready.length, target.length - at);
    target.set(this.#ready.subarray(0, count), at);
    this.#ready = this.#ready.subarray(count);
    return count;
  }

  async #fill(): Promise<void> {
    const count = await this.#source.read(this.#chunk, 0);
    if (count === 0) {
      this.#ended = true;
      this.#ready = eventOf(this.#take());
      return;
    }
    const chunk = Buffer.from(this.#chunk.subarray(0, count));
    const lines: Buffer[] = [];
    let at = 0;
    for (let feed = chunk.indexOf(LINE_FEED); feed >= 0; feed = chunk.indexOf(LINE_FEED, at)) {
      this.#hold(chunk.subarray(at, feed));
      lines.push(eventOf(this.#take()), FEED);
      at = feed + 1;
    }
    this.#hold(chunk.subarray(at));
    // A line that no event can be on goes on as it is, for the reader to give up.
    if (this.#heldBytes > 8 * MAX_LINE) lines.push(this.#take());
    this.#ready = Buffer.concat(lines);
  }

  #hold(part: Buffer): void {
    if (part.length === 0) return;
    this.#held.push(part);
    this.#heldBytes += part.length;
  }

  #take(): Buffer {
    const line = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return line;
  }
}

const FEED = Buffer.from([LINE_FEED]);

/** What is in an envelope; a line that is none, as it is. */
function eventOf(line: Buffer): Buffer {
  if (!line.subarray(0, MARK.length).equals(MARK)) return line;
  // Within a text the quotes would be escaped, so this is the member's name; its value, the last one, is taken byte for byte.
  const event = line.indexOf(EVENT);
  if (event >= 0) return line.subarray(event + EVENT.length, Math.max(event + EVENT.length, line.lastIndexOf(CLOSING)));
  try {
    const { text, base64 } = JSON.parse(line.toString()) as { readonly text?: unknown; readonly base64?: unknown };
    if (typeof text === 'string') return oneLine(Buffer.from(text));
    if (typeof base64 === 'string') return oneLine(Buffer.from(base64, 'base64'));
  } catch { /* no envelope: the reader says what is wrong with it */ }
  return line;
}

/** A line feed within JSON text is no more than space. */
function oneLine(bytes: Buffer): Buffer {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === LINE_FEED || bytes[i] === CARRIAGE_RETURN) bytes[i] = SPACE;
  return bytes;
}
