import type { Pattern, PatternRule, Stage } from '../../typed.ts';
import type { Counts } from '../counts.ts';
import type { Globals } from '../globals.ts';
import type { Report } from '../report.ts';
import { countsOfRepeats, type Shape, type ShapeReader } from '../rule-shape.ts';
import type { Flow } from '../flow.ts';

/** A rule whose parts are known, for checks of it as a whole. What was wrong in it is left out. */
export interface FinishedRule {
  readonly globals: Globals;
  readonly report: Report;
  readonly rule: PatternRule;
  readonly reader: ShapeReader;
  readonly shape: Shape;
  readonly flow: Flow;
  /** The counts of a repeat of `rule.match.pattern`. */
  readonly countsOf: (repeat: Extract<Pattern, { kind: 'repeat' }>) => Counts;
}

/** One check of a rule as a whole: reports and gives nothing. */
export type Check = (rule: FinishedRule) => void;

export function finish(globals: Globals, rule: PatternRule, reader: ShapeReader): FinishedRule | undefined {
  const { shape } = reader;
  if (shape.flow === undefined) return undefined;
  return { globals, report: globals.report, rule, reader, shape, flow: shape.flow, countsOf: countsOfRepeats(shape.counts) };
}

/** The part can be left out: there are matches in which it takes no event. */
export function canBeEmpty(pattern: Pattern, rule: FinishedRule): boolean {
  switch (pattern.kind) {
    case 'stage': return false;
    case 'silence': return true;
    case 'or': return pattern.alternatives.some((alternative) => canBeEmpty(alternative, rule));
    case 'sequence': return pattern.items.every((item) => canBeEmpty(item.pattern, rule));
    case 'repeat': return rule.countsOf(pattern).least === 0 || canBeEmpty(pattern.inner, rule);
  }
}

/** Calls `visit` on the pattern and its parts, with the arrow by which each is reached; undefined: it begins the match. Banned patterns are no parts. */
export function eachPart(pattern: Pattern, visit: (part: Pattern, arrow: 'followed' | 'any' | 'next' | undefined) => void, arrow?: 'followed' | 'any' | 'next'): void {
  visit(pattern, arrow);
  switch (pattern.kind) {
    case 'stage': case 'silence': break;
    case 'or': pattern.alternatives.forEach((alternative) => eachPart(alternative, visit, arrow)); break;
    case 'sequence': pattern.items.forEach((item, i) => eachPart(item.pattern, visit, i === 0 ? arrow : item.arrow)); break;
    case 'repeat': eachPart(pattern.inner, visit, arrow); break;
  }
}

/** The parts that end the pattern: nothing stands after them. Loops over groups are not looked into. */
export function lastParts(pattern: Pattern): Pattern[] {
  switch (pattern.kind) {
    case 'or': return pattern.alternatives.flatMap(lastParts);
    case 'sequence': return pattern.trailing.length > 0 ? [] : lastParts(pattern.items.at(-1)!.pattern);
    default: return [pattern];
  }
}

export function boundStages(rule: FinishedRule): Stage[] {
  return [...rule.rule.match.stages.values()].filter((stage) => !stage.banned);
}
