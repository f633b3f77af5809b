import type { Span } from '../ast.ts';
import type { Type } from '../typed.ts';
import type { EventView } from './event-types.ts';

/** How a stage is seen from a place in a rule. */
export interface StageView {
  readonly name: string;
  readonly span: Span;
  /** The fields of its events. */
  readonly event: EventView;
  /**
   * 'tested': it is the event being tested; 'one': the one event bound to it (of this turn, in a repeated group); 'list': it is a loop here, and goes
   * into an aggregate; 'later': it cannot be bound yet; 'banned': it never is; 'unused': the pattern does
   * not name it, or cannot be read, which has been reported: who reads it stays silent.
   */
  readonly as: 'tested' | 'one' | 'list' | 'later' | 'banned' | 'unused';
  /** It may have no event here. */
  readonly maybeUnbound: boolean;
}

/** The events of a window, or those a feature is of, as aggregates see them. */
export interface WindowView {
  /** The named inputs. */
  readonly inputs: ReadonlyMap<string, EventView>;
  /** What all events have in common. */
  readonly events: EventView;
  readonly inputCount: number;
  /** There may be no event: aggregates over nothing are null. */
  readonly maybeEmpty: boolean;
  /** How the event at hand is read in the checked expression. */
  readonly reads: 'each' | 'event';
  /** Which of `window.start` and `window.end` there is for sure. */
  readonly bounds: 'both' | 'start' | 'none';
}

/** What a name may mean where an expression stands. */
export interface Scope {
  /** How messages call the place: `the condition of "hit"`. */
  readonly place: string;
  /** The event being tested, whose fields are bare names. */
  readonly event?: EventView;
  /** The parts of the rule's key, as bare names. */
  readonly key?: readonly { readonly name: string; readonly type: Type | undefined }[];
  /** Stages by name; undefined: there is no such stage. */
  readonly stage?: (name: string) => StageView | undefined;
  readonly stageNames?: readonly string[];
  /** Stages that the pattern names and nobody defines, which has been reported. */
  readonly undefinedStages?: ReadonlySet<string>;
  /** The most recently bound event; `maybeUnbound`: there may be none. */
  readonly prev?: { readonly event: EventView; readonly maybeUnbound: boolean };
  readonly window?: WindowView;
  /** The parts of the rule's key, where features can be read. */
  readonly featureKey?: readonly { readonly name: string; readonly type: Type | undefined }[];
  /** Known when the rule is compiled: literals, consts and params only. */
  readonly constant?: boolean;
  /** `match.id`, `match.from` and `match.to` can be read. */
  readonly match?: boolean;
  /** Words that stand for themselves: the severities. */
  readonly words?: readonly string[];
  /** A report (alert, emit, having), where a bare name is no field: the message hints at `stage.field`. */
  readonly report?: boolean;
  /** All parts of the rule's key are known: a name that is none of them is not one of those that could not be read. */
  readonly isKeyRead?: () => boolean;
}

/** A place where only literals, consts and params can be read. */
export function constantScope(place: string): Scope {
  return { place, constant: true };
}
