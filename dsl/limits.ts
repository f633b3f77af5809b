/**
 * How large a pattern may be. The automaton that a pattern becomes has one position for each mention of a stage (each order of an `and` counts), and
 * from each position one way to every step that may come next. Both are numbers of a few bits in a run's state, so both have a bound.
 */
import type { Span } from './ast.ts';
import type { Pattern, Repeat } from './typed.ts';

/** Steps of one pattern. */
export const MOST_STEPS = 127;
/** Steps that may come next after one; to complete the match there counts as one. */
export const MOST_NEXT = 31;

/** The turns a repeat may take: two bounds of the counts that its params allow. */
export interface Turns { readonly least: number; readonly most: number }

/** A step of the automaton with how many ways lead on from it. */
export interface StepSize {
  readonly name: string;
  readonly span: Span;
  next: number;
}

export interface PatternSize {
  readonly steps: number;
  /** The step from which most ways lead on. Undefined where there are more steps than `MOST_STEPS`: then the ways are not counted. */
  readonly busiest: StepSize | undefined;
}

type Silence = Extract<Pattern, { kind: 'silence' }>;
type Start = StepSize & { readonly silence: Silence | undefined };
/** What a part begins and ends with, and whether it can be left out. */
interface Part { readonly nullable: boolean; readonly first: readonly Start[]; readonly last: readonly StepSize[] }

/** The size of the automaton of a checked pattern, `turnsOf` saying how often its repeats turn. */
export function sizeOfPattern(pattern: Pattern, turnsOf: (repeat: Repeat) => Turns): PatternSize {
  const written = countSteps(pattern, turnsOf);
  if (written > MOST_STEPS) return { steps: written, busiest: undefined };
  const steps: StepSize[] = [];
  const whole = partOf(pattern, turnsOf, steps);
  for (const { silence } of whole.first) {
    // A silence at the start is begun by an event: one more step for each stage that may begin it.
    for (const name of silence?.stages ?? []) steps.push({ name, span: silence!.span, next: 1 });
  }
  for (const step of whole.last) step.next++;
  const busiest = steps.reduce<StepSize | undefined>((most, step) => (most !== undefined && most.next >= step.next ? most : step), undefined);
  return { steps: steps.length, busiest };
}

function countSteps(pattern: Pattern, turnsOf: (repeat: Repeat) => Turns): number {
  switch (pattern.kind) {
    case 'stage': case 'silence': return 1;
    case 'or': return pattern.alternatives.reduce((sum, alternative) => sum + countSteps(alternative, turnsOf), 0);
    case 'sequence': return pattern.items.reduce((sum, item) => sum + countSteps(item.pattern, turnsOf), 0);
    case 'repeat': return turnsOf(pattern).most <= 0 ? 0 : countSteps(pattern.inner, turnsOf);
  }
}

/** Adds the steps of a part to `steps`, and the ways between them. */
function partOf(pattern: Pattern, turnsOf: (repeat: Repeat) => Turns, steps: StepSize[]): Part {
  switch (pattern.kind) {
    case 'stage': case 'silence': {
      const silence = pattern.kind === 'silence' ? pattern : undefined;
      const step = { name: silence?.stages.join(' or ') ?? (pattern as Extract<Pattern, { kind: 'stage' }>).stage, span: pattern.span, next: 0, silence };
      steps.push(step);
      return { nullable: false, first: [step], last: [step] };
    }
    case 'or': {
      const parts = pattern.alternatives.map((alternative) => partOf(alternative, turnsOf, steps));
      return { nullable: parts.some((part) => part.nullable), first: parts.flatMap((part) => part.first), last: parts.flatMap((part) => part.last) };
    }
    case 'sequence': {
      const first: Start[] = [];
      let last: readonly StepSize[] = [];
      let nullable = true;
      for (const item of pattern.items) {
        const part = partOf(item.pattern, turnsOf, steps);
        if (nullable) first.push(...part.first);
        for (const step of last) step.next += part.first.length;
        last = part.nullable ? [...last, ...part.last] : part.last;
        nullable &&= part.nullable;
      }
      return { nullable, first, last };
    }
    case 'repeat': {
      const { least, most } = turnsOf(pattern);
      if (most <= 0) return { nullable: true, first: [], last: [] };
      const inner = partOf(pattern.inner, turnsOf, steps);
      if (most > 1) for (const step of inner.last) step.next += inner.first.length;
      return { ...inner, nullable: inner.nullable || least === 0 };
    }
  }
}
