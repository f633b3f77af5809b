import { setTimeout as delay } from 'node:timers/promises';
import type { FeedHost } from './types.ts';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

/** Waits; sooner where the command ends. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {}); // the caller looks at the signal
}

/**
 * Turns until the signal is aborted; after a failure with longer and longer pauses, told once. The first turn must succeed: its failure is thrown.
 * `between`: ms from one turn to the next; a turn that found something says so and is followed at once.
 */
export async function polling(what: string, host: FeedHost, between: number, turn: () => Promise<boolean>): Promise<void> {
  let isFirst = true;
  let failures = 0;
  while (!host.signal.aborted) {
    let found = false;
    try {
      found = await turn();
      if (failures > 0) host.say(`${what} can be read again.`);
      failures = 0;
      isFirst = false;
    } catch (error) {
      if (host.signal.aborted) return;
      if (isFirst) throw error;
      if (failures++ === 0) host.say(`${what} cannot be read: ${(error as Error).message}. Trying again.`);
      await pause(Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures, 10)), host.signal);
      continue;
    }
    if (!found) await pause(between, host.signal);
  }
}
