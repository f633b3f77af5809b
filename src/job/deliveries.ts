/** Records that one checkpoint covers and that are on their way through outlets. */
export class Deliveries {
  left = 0;
  #done: (() => void) | undefined;

  oneDone(): void {
    this.left--;
    if (this.left === 0) this.#done?.();
  }

  /** Resolves when none is left; one call only. */
  async all(): Promise<void> {
    if (this.left > 0) await new Promise<void>((resolve) => { this.#done = resolve; });
  }

  giveUp(): void { this.#done?.(); }
}
