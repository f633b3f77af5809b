/**
 * How far event time has come for rules that read several streams (section 4 of the language): the smallest, over the streams that are not idle, of the
 * largest time seen less the lateness of its source. A stream that has given no record for `idle` ms of the clock holds nothing back; while all are
 * idle, event time goes on as the clock does.
 */
export interface StreamClock {
  readonly stream: string;
  /** ms */
  readonly lateness: number;
  /** ms; Infinity: it is never idle. */
  readonly idle: number;
  /** Largest event time seen; -Infinity: none yet. */
  largest: number;
  /** Clock, ms, of the last record, or of when the stream was taken up. */
  arrived: number;
  isIdle: boolean;
  ended: boolean;
}

export class Watermarks {
  readonly #streams = new Map<string, StreamClock>();
  #watermark = -Infinity;

  get streams(): Iterable<StreamClock> { return this.#streams.values(); }
  /** Fed by one stream, a task has seen all there is at the watermark's own time too. */
  get inclusive(): boolean { return this.#streams.size === 1; }
  get watermark(): number { return this.#watermark; }

  add(stream: string, lateness: number, idle: number, now: number): void {
    if (!this.#streams.has(stream)) this.#streams.set(stream, { stream, lateness, idle, largest: -Infinity, arrived: now, isIdle: false, ended: false });
  }

  /** Records of a stream have come, the latest event of which is at `largest` (-Infinity: none was taken). Returns whether the stream was idle. */
  seen(stream: string, largest: number, now: number): boolean {
    const clock = this.#streams.get(stream)!;
    const wasIdle = clock.isIdle;
    if (largest > clock.largest) clock.largest = largest;
    clock.arrived = now;
    clock.isIdle = false;
    return wasIdle;
  }

  /** Nothing more comes of a stream. */
  end(stream: string): void {
    this.#streams.get(stream)!.ended = true;
  }

  /** Streams that have become idle by `now`. */
  idle(now: number): readonly StreamClock[] {
    const fresh: StreamClock[] = [];
    for (const clock of this.#streams.values()) {
      if (clock.isIdle || clock.ended || now - clock.arrived < clock.idle) continue;
      clock.isIdle = true;
      fresh.push(clock);
    }
    return fresh;
  }

  /** The watermark by now; never less than before. Infinity when all streams are over. */
  advance(now: number): number {
    let least = Infinity;
    let furthest = -Infinity;
    let waiting = false;
    for (const clock of this.#streams.values()) {
      if (clock.ended) continue;
      if (clock.isIdle) {
        furthest = Math.max(furthest, clock.largest - clock.lateness + (now - clock.arrived));
        continue;
      }
      waiting = true;
      least = Math.min(least, clock.largest - clock.lateness);
    }
    const all = [...this.#streams.values()];
    if (all.length === 0) return this.#watermark;
    const next = waiting ? least : all.every((clock) => clock.ended) ? Infinity : furthest;
    if (next > this.#watermark) this.#watermark = next;
    return this.#watermark;
  }

  /** The streams that hold event time back: those with the least of all. For people who ask why nothing fires. */
  holding(): readonly StreamClock[] {
    const live = [...this.#streams.values()].filter((clock) => !clock.isIdle && !clock.ended);
    const least = Math.min(...live.map((clock) => clock.largest - clock.lateness));
    return live.filter((clock) => clock.largest - clock.lateness === least);
  }

  /** What a checkpoint keeps: the largest times. */
  serialize(): { readonly watermark: number | null; readonly largest: Readonly<Record<string, number>> } {
    const largest: Record<string, number> = {};
    for (const clock of this.#streams.values()) if (clock.largest > -Infinity) largest[clock.stream] = clock.largest;
    return { watermark: Number.isFinite(this.#watermark) ? this.#watermark : null, largest };
  }

  restore(state: ReturnType<Watermarks['serialize']>): void {
    this.#watermark = state.watermark ?? -Infinity;
    for (const [stream, largest] of Object.entries(state.largest)) {
      const clock = this.#streams.get(stream);
      if (clock !== undefined) clock.largest = largest;
    }
  }
}
