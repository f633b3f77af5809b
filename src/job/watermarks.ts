/**
 * How far event time has come for rules that read several streams (section 4 of the language): the smallest, over the streams that are not idle, of the
 * largest time seen less the lateness of its source. A stream that has given no record for `idle` ms holds nothing back; while all are idle, event time goes
 * on as the clock does. Only silence counts that is the stream's own: not what passes while the job cannot take records or its broker is away, nor what
 * the clock leaps (see `pass`).
 */
import type { Pace } from '../engine/index.ts';

export interface StreamClock {
  readonly stream: string;
  /** ms */
  readonly lateness: number;
  /** ms; Infinity: it is never idle. */
  readonly idle: number;
  /** Largest event time seen; -Infinity: none yet. */
  largest: number;
  /** ms of the stream's own silence since its last record, or since it was taken up. */
  quiet: number;
  /** ms since then, whatever the reason. */
  waited: number;
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

  add(stream: string, lateness: number, idle: number): void {
    if (!this.#streams.has(stream)) this.#streams.set(stream, { stream, lateness, idle, largest: -Infinity, quiet: 0, waited: 0, isIdle: false, ended: false });
  }

  /** Records of a stream have come, the latest event of which is at `largest` (-Infinity: none was taken). Returns whether the stream was idle. */
  seen(stream: string, largest: number): boolean {
    const clock = this.#streams.get(stream)!;
    const wasIdle = clock.isIdle;
    if (largest > clock.largest) clock.largest = largest;
    clock.quiet = clock.waited = 0;
    clock.isIdle = false;
    return wasIdle;
  }

  /** How event time goes on with each further event of a stream: what `seen` and `advance` come to after all of them. */
  paceOf(stream: string): Pace {
    const { largest, lateness } = this.#streams.get(stream)!;
    let bound = Infinity;
    for (const clock of this.#streams.values()) {
      if (clock.stream !== stream && !clock.ended && !clock.isIdle) bound = Math.min(bound, clock.largest - clock.lateness);
    }
    return { largest, lateness, bound };
  }

  /** Nothing more comes of a stream. */
  end(stream: string): void {
    this.#streams.get(stream)!.ended = true;
  }

  /** `ms` have passed, in which the streams of which `isSilent` says so could have given records and gave none. Returns those that have become idle by it. */
  pass(ms: number, isSilent: (stream: string) => boolean): readonly StreamClock[] {
    const fresh: StreamClock[] = [];
    for (const clock of this.#streams.values()) {
      if (clock.ended) continue;
      clock.waited += ms;
      if (!isSilent(clock.stream)) continue;
      clock.quiet += ms;
      if (clock.isIdle || clock.quiet < clock.idle) continue;
      clock.isIdle = true;
      fresh.push(clock);
    }
    return fresh;
  }

  /** The watermark by now; never less than before. Infinity when all streams are over. */
  advance(): number {
    let least = Infinity;
    let furthest = -Infinity;
    let waiting = false;
    for (const clock of this.#streams.values()) {
      if (clock.ended) continue;
      if (clock.isIdle) {
        furthest = Math.max(furthest, clock.largest - clock.lateness + clock.quiet);
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
