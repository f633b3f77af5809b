import type { JobStatus } from '../../job/index.ts';
import type { Subscriber } from './subscriber.ts';

/** Finds event times below which every alert has been read, while the job goes on. */
export class Settling {
  readonly #subscriber: Pick<Subscriber, 'ends' | 'hasReached'>;
  #sample: { readonly watermark: number; readonly checkpoints: number; readonly restarts: number } | undefined;
  #ends: ReadonlyMap<string, number> | undefined;

  constructor(subscriber: Pick<Subscriber, 'ends' | 'hasReached'>) {
    this.#subscriber = subscriber;
  }

  /** To be called now and then with the job's state; gives such a time as often as there is a new one. */
  async look(status: JobStatus): Promise<number | undefined> {
    const sample = this.#sample;
    if (sample === undefined || sample.restarts !== status.restarts) {
      const watermark = watermarkOf(status);
      this.#ends = undefined;
      this.#sample = watermark === undefined ? undefined : { watermark, checkpoints: checkpointsOf(status), restarts: status.restarts };
      return undefined;
    }
    // The first checkpoint since may have begun before the look; the second one has in it all that was raised by then.
    if (this.#ends === undefined && checkpointsOf(status) >= sample.checkpoints + 2) this.#ends = await this.#subscriber.ends();
    if (this.#ends === undefined || !this.#subscriber.hasReached(this.#ends)) return undefined;
    this.#sample = this.#ends = undefined;
    return sample.watermark;
  }
}

/** Checkpoints that were committed. */
export function checkpointsOf(status: JobStatus): number {
  return status.checkpointDuration.counts.reduce((sum, count) => sum + count, 0);
}

/** Event time of the job, ms since the epoch; undefined before all of its sources have spoken. */
export function watermarkOf(status: JobStatus): number | undefined {
  const watermarks = status.tasks.map(({ watermark }) => watermark);
  return watermarks.length === 0 || watermarks.includes(undefined) ? undefined : Math.min(...watermarks as number[]);
}
