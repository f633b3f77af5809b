/** A change of rules as text for people. */
import { isLost, type Change } from './adopt.ts';
import type { RuleChange } from './compare.ts';

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** A line: what becomes of a rule's state, and why. */
export function renderRule({ rule, what, reason, runs, of: counted, keys }: RuleChange): string {
  const of = `${count(runs, `open ${counted}`)}, ${count(keys, 'key')}`;
  switch (what) {
    case 'goes on': return `${rule} goes on (${of}).`;
    case 'drains': return `${rule} drains: ${reason}. What is open (${of}) goes on under the old rule until it ends; nothing new begins there.`;
    case 'new': return `${rule} is new.`;
    case 'fresh': return `${rule} starts fresh: ${reason}. It loses ${of}.`;
    case 'dropped': return `${rule} is gone. It loses ${of}.`;
  }
}

/** Lines of those rules that a reader has to know of: `all`, or only what is lost. */
export function renderChange({ rules, notes }: Change, all: boolean): string[] {
  const told = rules.filter((rule) => all || isLost(rule));
  return [...told.map(renderRule), ...notes.map((note) => `${note[0]!.toUpperCase()}${note.slice(1)}.`)];
}
