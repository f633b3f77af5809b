/** Kafka's primitive types, big-endian. Numbers of 64 bits are JavaScript numbers: offsets, times and producer ids stay below 2^53. */

export class Writer {
  #bytes = Buffer.allocUnsafe(512);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Starts over, in the same memory. */
  clear(): void {
    this.#length = 0;
  }

  int8(value: number): this {
    this.#room(1);
    this.#bytes.writeInt8(value, this.#length);
    this.#length += 1;
    return this;
  }

  int16(value: number): this {
    this.#room(2);
    this.#bytes.writeInt16BE(value, this.#length);
    this.#length += 2;
    return this;
  }

  int32(value: number): this {
    this.#room(4);
    this.#bytes.writeInt32BE(value, this.#length);
    this.#length += 4;
    return this;
  }

  uint32(value: number): this {
    this.#room(4);
    this.#bytes.writeUInt32BE(value, this.#length);
    this.#length += 4;
    return this;
  }

  int64(value: number): this {
    this.#room(8);
    this.#bytes.writeInt32BE(Math.floor(value / 0x1_0000_0000), this.#length);
    this.#bytes.writeUInt32BE(value >>> 0, this.#length + 4);
    this.#length += 8;
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const size = Buffer.byteLength(value);
    return this.int16(size).#text(value, size);
  }

  bytes(value: Uint8Array | null): this {
    if (value === null) return this.int32(-1);
    return this.int32(value.length).raw(value);
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** Compact forms are those of flexible versions: the length plus one, as an unsigned varint; 0 for null. */
  compactString(value: string | null): this {
    if (value === null) return this.uvarint(0);
    const size = Buffer.byteLength(value);
    return this.uvarint(size + 1).#text(value, size);
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1);
    for (const item of items) write(item);
    return this;
  }

  /** No tagged fields. */
  tags(): this {
    return this.uvarint(0);
  }

  uvarint(value: number): this {
    this.#room(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Zigzag, up to 53 bits. */
  varint(value: number): this {
    this.#room(10);
    let rest = value < 0 ? -value * 2 - 1 : value * 2;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  raw(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** The bytes written so far; valid until the next write. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #text(value: string, size: number): this {
    this.#room(size);
    this.#bytes.write(value, this.#length, size, 'utf8');
    this.#length += size;
    return this;
  }

  #room(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + size));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

export class Reader {
  readonly bytes: Buffer;
  position = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  int8(): number {
    this.position += 1;
    return this.bytes.readInt8(this.position - 1);
  }

  int16(): number {
    this.position += 2;
    return this.bytes.readInt16BE(this.position - 2);
  }

  int32(): number {
    this.position += 4;
    return this.bytes.readInt32BE(this.position - 4);
  }

  int64(): number {
    this.position += 8;
    return this.bytes.readInt32BE(this.position - 8) * 0x1_0000_0000 + this.bytes.readUInt32BE(this.position - 4);
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  string(): string | null {
    return this.#text(this.int16());
  }

  text(): string {
    return this.string() ?? '';
  }

  data(): Buffer {
    const size = this.int32();
    return size <= 0 ? Buffer.alloc(0) : this.slice(size);
  }

  array<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.int32(); left > 0; left--) items.push(read());
    return items;
  }

  compactString(): string | null {
    return this.#text(this.uvarint() - 1);
  }

  compactArray<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.uvarint() - 1; left > 0; left--) items.push(read());
    return items;
  }

  /** Skips tagged fields. */
  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.position += this.uvarint();
    }
  }

  uvarint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.position++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  slice(size: number): Buffer {
    this.position += size;
    return this.bytes.subarray(this.position - size, this.position);
  }

  #text(size: number): string | null {
    if (size < 0) return null;
    this.position += size;
    return this.bytes.toString('utf8', this.position - size, this.position);
  }
}
