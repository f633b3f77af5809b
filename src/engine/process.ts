/** Events in the order of processing: each is at hand for the rules in its turn, after what falls due before it, and before what is derived of it. */
import type { Batch } from '../core/batch.ts';
import type { DerivedEvents } from './derived.ts';
import { NOT_SCANNED, type Dispatcher } from './dispatch.ts';
import type { Due } from './due.ts';
import type { Once } from './once.ts';
import type { EngineOptions } from './options.ts';
import type { Progress } from './progress.ts';
import type { SameTime } from './same-time.ts';
import type { Store } from './store.ts';

/** Events in columns: a batch, or a chunk of held ones. */
type Rows = Pick<Batch, 'columns' | 'type' | 'time' | 'source' | 'partition' | 'offset' | 'bytes' | 'from' | 'to'>;

/** With fewer rows at a time than this the predicates are tried event by event. */
const SCAN_FROM = 8;

export class Processor {
  /** Some rule keeps windows for late events. */
  readonly wantsLate: boolean;
  readonly #store: Store;
  readonly #progress: Progress;
  readonly #once: Once;
  readonly #sameTime: SameTime;
  readonly #dispatcher: Dispatcher;
  readonly #derived: DerivedEvents;
  readonly #due: Due;
  readonly #onLate: EngineOptions['onLate'];

  constructor(store: Store, progress: Progress, once: Once, sameTime: SameTime, dispatcher: Dispatcher, derived: DerivedEvents, due: Due, onLate: EngineOptions['onLate']) {
    this.wantsLate = store.plan.rules.some((rule) => rule.kind === 'window' && rule.late > 0);
    this.#store = store;
    this.#progress = progress;
    this.#once = once;
    this.#sameTime = sameTime;
    this.#dispatcher = dispatcher;
    this.#derived = derived;
    this.#due = due;
    this.#onLate = onLate;
  }

  /** At most BLOCK rows in the order they lie in; `held`: they were held back, else they may be late and move the watermark. */
  process(batch: Rows, from: number, to: number, held: boolean): void {
    const { columns, time, type } = batch;
    const store = this.#store;
    const { E } = store;
    const progress = this.#progress;
    const { heads, entered, types } = this.#dispatcher;
    const scanned = !held || to - from >= SCAN_FROM;
    if (scanned) this.#dispatcher.scan(batch, from, to);
    for (let row = from; row < to; row++) {
      const t = time[row]!;
      if (!held) {
        if (t < progress.watermark) { this.late(batch as Batch, row); continue; }
        if (t > progress.largest) progress.largest = t;
        progress.watermark = t;
      }
      if (this.#due.isAny(t)) this.#due.beforeEvent(t);
      const head = scanned ? heads[row - from]! : NOT_SCANNED;
      if (head === -1 && types[type[row]!]!.quiet) {
        progress.events++;
        progress.seenOfType[type[row]!]!++;
        store.num++;
        continue;
      }
      for (let slot = 0; slot < columns.length; slot++) E[slot] = columns[slot]![row]!;
      if (scanned && entered[row - from] === 1) {
        this.#beginEntered(batch, row, head, row - from);
        continue;
      }
      this.#begin(type[row]!, t, batch.source, batch.partition, batch.offset[row]!, batch.bytes, batch.from[row]!, batch.to[row]!, head);
    }
  }

  /** The event in E, row `i` of the block, with all that it concerns on the agenda. */
  #beginEntered(batch: Rows, row: number, head: number, i: number): void {
    this.#meet(batch.type[row]!, batch.time[row]!, batch.source, batch.partition, batch.offset[row]!, batch.bytes, batch.from[row]!, batch.to[row]!);
    this.#dispatcher.dispatchEntered(head, i);
    this.#derived.process();
  }

  /** The event in E; `head`: its hits in the scanner's lists, or NOT_SCANNED. */
  #begin(type: number, time: number, source: number, partition: number, offset: number, bytes: Uint8Array, from: number, to: number, head: number): void {
    if (this.#store.plan.once[type]! > 0 && this.#once.isRepeat(type, time, this.#store.E)) {
      this.#progress.events++;
      this.#progress.seenOfType[type]!++;
      this.#progress.duplicates++;
      return;
    }
    this.#meet(type, time, source, partition, offset, bytes, from, to);
    this.#dispatcher.dispatch(head);
    this.#derived.process();
  }

  /** The event is at hand. */
  #meet(type: number, time: number, source: number, partition: number, offset: number, bytes: Uint8Array, from: number, to: number): void {
    const { current } = this.#store;
    this.#progress.events++;
    this.#progress.seenOfType[type]!++;
    current.type = type;
    current.time = time;
    current.source = source;
    current.partition = partition;
    current.offset = offset;
    current.bytes = bytes;
    current.from = from;
    current.to = to;
    this.#sameTime.begin(time, bytes, from, to);
  }

  /** A row that comes after the watermark. All that this has reached was processed, if there are rules that keep windows for late events. */
  late(batch: Batch, row: number): void {
    this.#progress.late++;
    this.#onLate?.(batch, row, this.#progress.watermark);
    if (this.wantsLate) this.#processLate(batch, row);
  }

  /** A late event, for the rules that keep windows for such: all else that the watermark has reached was processed. */
  #processLate(batch: Batch, row: number): void {
    const { columns, type, time } = batch;
    const store = this.#store;
    const { current, E } = store;
    for (let slot = 0; slot < columns.length; slot++) E[slot] = columns[slot]![row]!;
    current.type = type[row]!;
    current.time = time[row]!;
    this.#dispatcher.dispatchLate(this.#progress.watermark);
    this.#derived.process();
    current.time = this.#progress.watermark;
  }
}
