import type { AnyRulePlan } from '../compile/plan.ts';
import type { ClassesAhead } from './agenda.ts';
import type { Counters } from './runner.ts';

/** What the engine asks of a rule at work, a pattern or a window. `ks` names a key's record, whose first cells are as KEY (layout.ts) says. */
export interface RuleAtWork {
  readonly plan: AnyRulePlan;
  readonly layout: { readonly width: number; readonly units: number };
  readonly counters: Counters;
  /** What the rule holds now, kept up by the engine: keys, open runs, bytes without what rules share. */
  readonly size: { keys: number; runs: number; bytes: number };
  /** Number of the last event before which a change of rules let go of its runs; 0: none did. */
  since: number;
  /** Runs and windows that are open go on to their end; none begins. */
  draining: boolean;
  /** Those of its plan. */
  readonly functions: readonly ((c: number) => unknown)[];
  /** ms after the last event of a key when it is to be looked at again; 0: never. */
  readonly cleanup: number;
  /** `by` names stages or inputs. */
  readonly hasStageKeys: boolean;
  /** Which of them may take the event for the key at hand. */
  allowed: Uint8Array | undefined;
  /** Int cell of a key's record with the place of what is read first of what the key holds, or 0. */
  readonly nextCell: number;
  readonly classesAhead: ClassesAhead | undefined;
  newKey(): number;
  /** The event at hand concerns the key. `now`: event time that was reached, where that is not the event's own: it is late. */
  process(ks: number, now?: number): void;
  /** Nothing is open, remembered or due: the key's record may go. */
  isEmpty(ks: number, now: number): boolean;
  /** Looked at after `cleanup`: all is over. */
  isExpired(ks: number, now: number): boolean;
  clear(ks: number): void;
  /** The key's record is about to go. */
  forget(ks: number): void;
  /** Its state was replaced: whatever was derived from it is not good any more. */
  reset(): void;
  openRuns(ks: number): number;
  /** Bytes that the key takes, without what rules share. */
  bytesOf(ks: number): number;
  /** At the end of the input: what was held back, with the number of its first event. */
  heldStarts(ks: number, add: (number: number, release: (now: number) => void) => void): void;
}
