import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** The decompressed bytes of an input, read in order. */
export interface ByteSource {
  /** Reads into `target` from `at` on; resolves to the number of bytes read, 0 at the end. Rejects when the input cannot be read or decompressed. */
  read(target: Uint8Array, at: number): Promise<number>;
  /** Bytes of the input as stored that have been read, and how many there are (undefined for a pipe): for progress. */
  readonly bytesRead: number;
  readonly bytesTotal: number | undefined;
  close(): Promise<void>;
}

/** Opens a file, or standard input for "-". What is compressed by gzip or zstd is known by its first bytes, whatever its name. */
export async function openBytes(path: string): Promise<ByteSource> {
  return path === '-' ? openPipe(process.stdin) : openFile(path);
}

type Compression = 'gzip' | 'zstd' | undefined;

function compressionOf(first: Uint8Array): Compression {
  if (first[0] === 0x1f && first[1] === 0x8b) return 'gzip';
  return first[0] === 0x28 && first[1] === 0xb5 && first[2] === 0x2f && first[3] === 0xfd ? 'zstd' : undefined;
}

const decompressor = (compression: 'gzip' | 'zstd'): ReturnType<typeof createGunzip> =>
  (compression === 'gzip' ? createGunzip({ chunkSize: 1 << 18 }) : createZstdDecompress({ chunkSize: 1 << 18 }));

async function openFile(path: string): Promise<ByteSource> {
  const file = await open(path, 'r');
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw new Error(`${path} is a folder, not a file of events`);
    // A named pipe can be read only once, and from where it is.
    if (!stat.isFile()) {
      await file.close();
      return await openPipe(createReadStream(path));
    }
    const first = new Uint8Array(4);
    await file.read(first, 0, 4, 0);
    const compression = compressionOf(first);
    if (compression === undefined) return new PlainFile(file, stat.size);
    await file.close();
    const stored = createReadStream(path, { highWaterMark: 1 << 18 });
    return new StreamSource(path, piped(stored, decompressor(compression)), () => stored.destroy(), () => stored.bytesRead, stat.size);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openPipe(pipe: Readable): Promise<ByteSource> {
  const chunks = (pipe as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let count = 0;
  async function* rest(): AsyncGenerator<Buffer> {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      count += next.value.length;
      yield next.value;
    }
  }
  const remaining = rest();
  let first = Buffer.alloc(0);
  while (first.length < 4) {
    const next = await remaining.next();
    if (next.done === true) break;
    first = Buffer.concat([first, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    if (first.length > 0) yield first;
    yield* remaining;
  }
  const compression = compressionOf(first);
  const plain = compression === undefined ? all() : piped(Readable.from(all(), { objectMode: false }), decompressor(compression));
  return new StreamSource('standard input', plain, () => pipe.destroy(), () => count, undefined);
}

/** Pipes, and hands errors of the input on to the output. */
function piped(input: Readable, output: ReturnType<typeof createGunzip>): Readable {
  input.on('error', (error) => output.destroy(error));
  return input.pipe(output);
}

class PlainFile implements ByteSource {
  bytesRead = 0;
  readonly bytesTotal: number;
  readonly #file: FileHandle;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.bytesTotal = size;
  }

  async read(target: Uint8Array, at: number): Promise<number> {
    const { bytesRead } = await this.#file.read(target, at, target.length - at, this.bytesRead);
    this.bytesRead += bytesRead;
    return bytesRead;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

class StreamSource implements ByteSource {
  readonly bytesTotal: number | undefined;
  readonly #name: string;
  readonly #destroy: () => void;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #stored: () => number;
  /** What of the last chunk did not fit. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(name: string, stream: AsyncIterable<Uint8Array>, destroy: () => void, stored: () => number, size: number | undefined) {
    this.#name = name;
    this.#destroy = destroy;
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#stored = stored;
    this.bytesTotal = size;
  }

  get bytesRead(): number {
    return this.#stored();
  }

  async read(target: Uint8Array, at: number): Promise<number> {
    while (this.#rest.length === 0) {
      try {
        const next = await this.#chunks.next();
        if (next.done === true) return 0;
        this.#rest = next.value;
      } catch (error) {
        throw new Error(`${this.#name} cannot be read on: ${(error as Error).message}`, { cause: error });
      }
    }
    const count = Math.min(this.#rest.length, target.length - at);
    target.set(this.#rest.subarray(0, count), at);
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  async close(): Promise<void> {
    this.#destroy();
  }
}
