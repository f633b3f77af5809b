import type { Globals } from '../globals.ts';
import type { CheckedRule } from '../rule.ts';

/** Checks of a rule as a whole, once its parts are known. */
export function checkFinished(_globals: Globals, _rule: CheckedRule): void {}
