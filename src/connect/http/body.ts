import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';

const LINE_FEED = 10;
const RETURN = 13;
const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const SQUARE_OPEN = 91;
const SQUARE_CLOSE = 93;
const CURLY_OPEN = 123;
const CURLY_CLOSE = 125;

/** The body cannot be taken, whatever is in its events: the status to answer, and why. */
export class BodyError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The body without its content encoding. */
export async function decodeBody(bytes: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
  switch (encoding?.trim().toLowerCase()) {
    case undefined: case '': case 'identity': return bytes;
    case 'gzip': return unpacked(promisify(gunzip)(bytes, { maxOutputLength: maxBytes }), 'gzip', maxBytes);
    case 'zstd': return unpacked(promisify(zstdDecompress)(bytes, { maxOutputLength: maxBytes }), 'zstd', maxBytes);
    default: throw new BodyError(415, `the content encoding "${encoding}" is not known; send gzip, zstd or none`);
  }
}

async function unpacked(work: Promise<Buffer>, encoding: string, maxBytes: number): Promise<Buffer> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new BodyError(413, `the body is larger than ${maxBytes} bytes when decompressed; send it in parts`);
    throw new BodyError(400, `the body is not ${encoding}: ${(error as Error).message}`);
  }
}

/**
 * The events of a body: a JSON array's elements, one JSON object, or the lines of JSON Lines. Each is given as the bytes it had, on one line; whether
 * it is an event is for the job to judge. Throws a `BodyError` for what is no text, or no end of.
 */
export function splitBody(bytes: Buffer): Buffer[] {
  if (!isUtf8(bytes)) throw new BodyError(400, 'the body is not UTF-8 text');
  let from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let to = bytes.length;
  while (from < to && isSpace(bytes[from]!)) from++;
  while (to > from && isSpace(bytes[to - 1]!)) to--;
  if (from === to) throw new BodyError(400, 'the body is empty; send a JSON object, an array of them, or JSON Lines');
  const body = bytes.subarray(from, to);
  if (body[0] === SQUARE_OPEN) return elements(body);
  // An object over several lines; JSON Lines fail at the second one.
  if (body.includes(LINE_FEED) && isJson(body)) return [oneLine(body)];
  return lines(body);
}

function lines(body: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let from = 0; from < body.length;) {
    const feed = body.indexOf(LINE_FEED, from);
    let to = feed < 0 ? body.length : feed;
    const next = to + 1;
    while (from < to && isSpace(body[from]!)) from++;
    while (to > from && isSpace(body[to - 1]!)) to--;
    if (to > from) found.push(body.subarray(from, to));
    from = next;
  }
  return found;
}

/** The bytes of each element of an array. */
function elements(body: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let depth = 0;
  let from = 1;
  for (let i = 0; i < body.length; i++) {
    const c = body[i]!;
    if (c === QUOTE) {
      for (i++; i < body.length && body[i] !== QUOTE; i++) if (body[i] === BACKSLASH) i++;
    } else if (c === SQUARE_OPEN || c === CURLY_OPEN) {
      depth++;
    } else if (c === CURLY_CLOSE || c === SQUARE_CLOSE) {
      depth--;
      if (depth > 0) continue;
      if (i < body.length - 1) throw new BodyError(400, `the array ends at byte ${i}, but the body goes on behind it`);
      if (found.length > 0 || !isBlank(body, from, i)) found.push(element(body, from, i));
      if (found.length === 0) throw new BodyError(400, 'the array is empty');
      return found;
    } else if (c === COMMA && depth === 1) {
      found.push(element(body, from, i));
      from = i + 1;
    }
  }
  throw new BodyError(400, 'the array has no end: the body was cut off, or its brackets or quotes do not pair');
}

function element(body: Buffer, from: number, to: number): Buffer {
  while (from < to && isSpace(body[from]!)) from++;
  while (to > from && isSpace(body[to - 1]!)) to--;
  if (from === to) throw new BodyError(400, `the array has nothing between two commas, at byte ${from}`);
  return oneLine(body.subarray(from, to));
}

/** Line feeds stand between JSON's tokens only: spaces do as well. */
function oneLine(bytes: Buffer): Buffer {
  if (!bytes.includes(LINE_FEED) && !bytes.includes(RETURN)) return bytes;
  const copy = Buffer.from(bytes);
  for (let i = 0; i < copy.length; i++) if (copy[i] === LINE_FEED || copy[i] === RETURN) copy[i] = 0x20;
  return copy;
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!isSpace(bytes[i]!)) return false;
  return true;
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === LINE_FEED || c === RETURN || c === 0x09;
}
