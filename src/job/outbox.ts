/**
 * What a task sends, between an event and its commit: records for the transaction, which wait for it, and those given to outlets, which say when they are delivered.
 * When much waits, the sources are to wait too.
 */
import type { ProducedRecord } from '../connect/kafka/index.ts';
import type { OutRecord } from '../connect/types.ts';
import { Deliveries } from './deliveries.ts';
import { sentName } from './outputs.ts';
import type { TaskHost } from './task-host.ts';

/** Records that may wait for a commit before the sources are asked to wait too. */
const MOST_WAITING = 20_000;
const MOST_WAITING_BYTES = 64 * 1024 * 1024;

/** What has been sent since the checkpoint before, to be committed with this one. */
export interface Outgoing {
  readonly produce: ProducedRecord[];
  /** Clock times at which what they came of came in. */
  readonly arrivals: readonly number[];
  readonly deliveries: Deliveries;
}

export class Outbox {
  readonly #host: Pick<TaskHost, 'route' | 'now' | 'counts'>;
  /** Records that an older checkpoint makes again and that are on their topics already: how often, by `sentName`. */
  #skip = new Map<string, number>();
  #produce: ProducedRecord[] = [];
  #produceBytes = 0;
  /** Clock times at which the alerts that wait came in. */
  #arrivals: number[] = [];
  #undelivered = 0;
  #undeliveredBytes = 0;
  /** Records given to outlets since the last checkpoint was taken. */
  #deliveries = new Deliveries();
  /** Of the checkpoint that is under way. */
  #awaited: Deliveries | undefined;
  /** Those that wait for room. */
  #waiters: (() => void)[] = [];

  constructor(host: Pick<TaskHost, 'route' | 'now' | 'counts'>) { this.#host = host; }

  /** Records that wait for a commit or are on their way. */
  get waiting(): number { return this.#produce.length + this.#undelivered; }
  get isFull(): boolean { return this.waiting >= MOST_WAITING || this.#produceBytes + this.#undeliveredBytes >= MOST_WAITING_BYTES; }

  /** These are on their topics already, as often as said: they are not sent again. By `sentName`. */
  skip(sent: Map<string, number>): void { this.#skip = sent; }

  /** `arrived`: the clock as what it came of came in. */
  send(record: OutRecord, arrived: number): void {
    const way = this.#host.route(record);
    if (way === undefined) return;
    if ('produce' in way) {
      if (this.#skip.size > 0 && this.#isOut(record.id, way.produce.topic)) return;
      this.#produce.push(way.produce);
      this.#produceBytes += record.value.length;
      this.#arrivals.push(arrived);
      return;
    }
    const deliveries = this.#deliveries;
    deliveries.left++;
    this.#undelivered++;
    this.#undeliveredBytes += record.value.length;
    way.deliver(() => {
      this.#host.counts.latency.add((this.#host.now() - arrived) / 1000);
      this.#undelivered--;
      this.#undeliveredBytes -= record.value.length;
      deliveries.oneDone();
      this.makeRoom();
    });
  }

  /** Resolves when there may be room; whoever waited looks again. */
  room(): Promise<void> { return new Promise((resolve) => { this.#waiters.push(resolve); }); }

  /** What a checkpoint covers: all that was sent since the one before. */
  take(): Outgoing {
    const outgoing: Outgoing = { produce: this.#produce, arrivals: this.#arrivals, deliveries: this.#deliveries };
    this.#produce = [];
    this.#arrivals = [];
    this.#produceBytes = 0;
    this.#awaited = this.#deliveries;
    this.#deliveries = new Deliveries();
    return outgoing;
  }

  /** Lets those go on that wait, if there is room. */
  makeRoom(): void {
    if (!this.isFull) this.#letGo();
  }

  /** Nothing is waited for any more. */
  giveUp(): void {
    this.#letGo();
    this.#awaited?.giveUp();
  }

  /** Whether a record that an older checkpoint makes again is on its topic already. */
  #isOut(id: string, topic: string): boolean {
    const name = sentName(topic, id);
    const left = this.#skip.get(name);
    if (left === undefined) return false;
    if (left === 1) this.#skip.delete(name);
    else this.#skip.set(name, left - 1);
    return true;
  }

  #letGo(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}
