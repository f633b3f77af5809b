/** So many of the latest are remembered. */
const KEPT = 4096;

/** How long it takes from the publishing of an event to its alert being committed and read. Memory stays bounded. */
export class Latency {
  #published: { readonly upTo: number; readonly at: number }[] = [];
  #samples: number[] = [];

  /** Events of times up to `upTo` that were not published before are published at `at`, ms of any one clock. */
  published(upTo: number, at: number): void {
    this.#published.push({ upTo, at });
    if (this.#published.length > 2 * KEPT) this.#published = this.#published.slice(-KEPT);
  }

  /** An alert was read at `at`, which the event time `time` gave cause for. One whose cause is no longer known is left out. */
  read(time: number, at: number): void {
    const found = this.#published.findLastIndex(({ upTo }) => upTo < time) + 1;
    const cause = this.#published[found];
    if (cause === undefined || (found === 0 && this.#published.length >= KEPT)) return;
    this.#samples.push(at - cause.at);
    if (this.#samples.length > 2 * KEPT) this.#samples = this.#samples.slice(-KEPT);
  }

  /** ms that half of the latest alerts took at most; undefined: there were none. */
  get median(): number | undefined {
    return this.#samples.toSorted((a, b) => a - b)[Math.floor((this.#samples.length - 1) / 2)];
  }
}
