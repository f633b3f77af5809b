import type { PatternRule } from '../../dsl/typed.ts';
import { Conditions } from './conditions.ts';
import { Expansion } from './expand.ts';
import { report } from './report.ts';
import { Rules } from './rules.ts';
import { Runs } from './runs.ts';
import type { RefEvent, RefOptions, RefResult } from './types.ts';

/*
 * The reference matcher: section 3 of the language word by word, as slow as that is. It makes every derivation of every first event by trying
 * each event for each step (runs.ts), asks of each arrow, ban, loop and bound by itself whether it holds (rules.ts), and lets the mode
 * and the skip choose among all that completes, moment by moment (report.ts). It shares nothing with the engine but the reading of expressions.
 *
 * Readings, where the definition leaves a choice:
 *
 * Steps
 *  1. The arrow of a step is the one before the nearest item that is not the first of its sequence; a later turn of a repeat takes the repeat's own.
 *     So in `(b? -> c)+ strict` a turn without b is joined by the `->` before c.
 *  2. A turn of a group may be empty where its minimum asks for more turns; turns that bind nothing before the first that binds something leave it
 *     the arrow before the group, and the look-back of its bans. The bans of an empty turn stay.
 *  3. A group that is left out (no turn) leaves nothing behind, its inner bans included. A ban on the arrow to a left-out step stays.
 *  4. Bans before the first bound event look back only when nothing but first items of sequences stand before them; others have nothing to
 *     reach from and lapse. `a? -> not x -> b` without an a says nothing about x.
 *  5. The last `not` of a group is no absence; it goes on to the next step (the next turn's first, too) or lapses.
 *
 * Arrows, loops, bans
 *  6. "Could have been the second" is type, key and condition given the bindings before it. Time bounds, bans and `having` have no part in it.
 *  7. `greedy`: the events looked at end at the first that satisfies `until`. Whether the loop's arrow or its time bounds would have let it take the event
 *     plays no part. A loop of no iterations is left at the step before it. Before a silence, an absence or `=> not b` at the end the events up to
 *     the completion count; with nothing after the loop it is not left.
 *  8. `lazy`: the step after is the next step of the same derivation; a silence can take nothing. A run that no step after the loop could end rightly is no run.
 *  9. `until` is asked of the stage's type and key, not of its condition, with the bindings at the time of the event.
 * 10. A ban that stands before a silence goes on after it to the next step that takes an event; `=> not b` before it is about the very next event.
 * 11. A ban at the very start: an x bans a first event that lies in the span that starts with x, [x, x + within).
 * 12. The stages of a banned sequence are bound one after another by the same rules, so `prev` is the one before; only their own `within … of` bounds them.
 * 13. A banned stage with `within d of s` is one only inside that span, and at the end of a pattern that is one of the bounds whose end completes the absence
 *     (by a timer right after the last step, when it has ended before that is done).
 * 14. `=> not b` at the end together with `-> not c`: an absence, that is complete when the first bound ends, whether or not an event has followed.
 *
 * Time
 * 15. `within`'s duration is read with the first event bound, `gap`'s with the events so far, `within d of s` with those up to the last of s,
 *     as the stage sees them, of a repeated group in the turn of that s.
 *     A null duration never ends. `within d of s` where s is not bound is no bound. `gap` is outside all groups and sees every turn; so is `without`.
 * 16. In a repeated group `within d of s` means this turn's s, by the rule for conditions. A ban, also one that goes on into the next turn, and a
 *     silence's duration see the turn they are written in; a `lazy` loop's event is tried as the step after it would see it, in that step's turn.
 * 17. `to` is the completion's time for an absence and for a silence that ends the match; for `=> not b` at the end the last bound event's.
 * 18. In a silence of several stages at the start, an event is bound as the first of them that it satisfies.
 *
 * Reports
 * 19. Of derivations with the same list the earliest completed counts.
 * 20. `longest`: an open run "can bind more" when some way on that is not closed leads, by the pattern's structure alone, to more events than the held match has.
 *     One report a first event.
 * 21. An open run has at least one way to go on that is not closed; what lies beyond the next step is not looked at. A first event times out at
 *     the moment its last open run ends, when a time bound ends it; the furthest is taken of the runs that end at that moment by time and do
 *     not complete at it: the largest place (in the pattern's text) of its bound stages, then the most events, then the order of reports. A run whose ways on had all run out of
 *     time before its last step was done ends by time, by a timer right after that step's event: the event's matches and their skips come first.
 * 22. At one moment first events are taken in order, each with its completions first and its timeout after them.
 */

/**
 * The matches and timeouts of one rule for one key.
 * @param events What the rule sees for the key, in processing order; the input ends after the last and the watermark goes to infinity.
 * @throws TooManyRuns when the case explodes.
 */
export function referenceMatches(rule: PatternRule, events: readonly RefEvent[], options: RefOptions = {}): RefResult {
  const conditions = new Conditions(rule, options);
  const expansion = new Expansion((repeat) => conditions.counts(repeat));
  const rules = new Rules(rule.match, conditions, expansion, events);
  const runs = new Runs(rules, conditions, expansion, events, options.maxRuns ?? 200_000);
  const first = expansion.first(rule.match.pattern);
  return report(rule.match, events.map((_, i) => runs.attempt(i, first)), events);
}
