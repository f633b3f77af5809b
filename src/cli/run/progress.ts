import cliProgress from 'cli-progress';
import { formatCount } from '../format.ts';
import type { Io } from '../io.ts';

/** Clears the line the cursor is on. */
const CLEAR_LINE = '\r\u001b[2K';

/** How far a job has come. `total` is undefined where nobody knows the end (standard input). */
export interface Position { readonly done: number; readonly total: number | undefined; readonly events: number; readonly alerts: number }

/** A progress bar on standard error; where that is no terminal, nothing. */
export class Progress {
  readonly #io: Io;
  readonly #isShown: boolean;
  readonly #began = performance.now();
  #bar: cliProgress.SingleBar | undefined;
  #shownAt = 0;

  constructor(io: Io) {
    this.#io = io;
    this.#isShown = io.stderr.isTTY === true && io.env['TERM'] !== 'dumb';
  }

  update({ done, total, events, alerts }: Position): void {
    if (!this.#isShown) return;
    const now = performance.now();
    if (now - this.#shownAt < 100) return;
    this.#shownAt = now;
    const rate = formatCount((events / Math.max(1, now - this.#began)) * 1000);
    const counts = { events: formatCount(events), alerts: formatCount(alerts), rate };
    if (total === undefined || total === 0) {
      this.#io.stderr.write(`${CLEAR_LINE}${counts.events} events  ${counts.rate}/s  ${counts.alerts} alerts`);
      return;
    }
    if (this.#bar === undefined) {
      this.#bar = new cliProgress.SingleBar({
        format: '{bar} {percentage}%  {events} events  {rate}/s  {alerts} alerts  {eta_formatted} left',
        stream: this.#io.stderr as NodeJS.WriteStream, clearOnComplete: true, hideCursor: true, barsize: 24, gracefulExit: false,
      }, cliProgress.Presets.shades_classic);
      this.#bar.start(total, done, counts);
    }
    this.#bar.update(Math.min(done, total), counts);
  }

  /** Takes the bar away for lines that are about to be written on the same terminal; the next update brings it back. */
  hide(): void {
    if (this.#isShown && this.#shownAt > 0) this.#io.stderr.write(CLEAR_LINE);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.hide();
  }
}
