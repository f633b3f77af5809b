import type { Expr, Stage } from '../../typed.ts';
import { START } from '../flow.ts';
import { relate } from '../places.ts';
import { conjunctsOf, walk } from '../../walk.ts';
import { evaluateKnown, type Known } from './abstract.ts';
import type { Check, FinishedRule } from './finished.ts';

/**
 * A condition must be able to hold for the first event that its stage takes. There `prev` may have to be null, what a loop has taken is nothing
 * yet, and a stage of another alternative is not bound.
 */
export const neverTrue: Check = (rule) => {
  for (const stage of rule.rule.match.stages.values()) {
    for (const conjunct of conjunctsOf(stage.where)) {
      const reasons = new Set<string>();
      if (evaluateKnown(conjunct, (leaf) => knownAtFirst(rule, stage, leaf, reasons))?.value !== false || reasons.size === 0) continue;
      report(rule, stage, conjunct);
    }
  }
};

/** What is known of a leaf when the stage is tested for its first event. Notes in `reasons` that something is. */
function knownAtFirst(rule: FinishedRule, stage: Stage, leaf: Expr, reasons: Set<string>): Known {
  const known = knownLeaf(rule, stage, leaf);
  if (known !== undefined) reasons.add(leaf.kind);
  return known;
}

function knownLeaf(rule: FinishedRule, stage: Stage, leaf: Expr): Known {
  switch (leaf.kind) {
    case 'prevField': {
      const before = rule.flow.beforeFirst.get(stage.name);
      return before?.size === 1 && before.has(START) ? { value: null } : undefined;
    }
    case 'stageField': case 'stageTime':
      return isOwnLoop(stage, leaf.stage) || isElsewhere(rule, stage, leaf.stage) ? { value: null } : undefined;
    case 'aggregate': {
      if (!isOwnLoop(stage, leaf.stage) && !isElsewhere(rule, stage, leaf.stage)) return undefined;
      switch (leaf.fn) {
        case 'count': case 'distinct': case 'sum': return { value: 0 };
        case 'values': return { value: [] };
        default: return { value: null };
      }
    }
    default: return undefined;
  }
}

/** What the stage itself has taken: nothing yet; of a banned one, nothing ever. */
function isOwnLoop(stage: Stage, name: string): boolean {
  return name === stage.name && (stage.loop || stage.banned);
}

/** The other stage stands in another alternative of an `or`, so it is never bound when this one is tested. */
function isElsewhere({ reader, shape }: FinishedRule, stage: Stage, name: string): boolean {
  const reading = shape.stages.get(stage.name);
  const target = shape.stages.get(name);
  const place = target && reader.boundPlace(target);
  if (reading === undefined || target === undefined || place === undefined || reading.without || reading.places.length === 0 || target === reading || reader.isLoop(target)) return false;
  return reading.places.every((at) => relate(place, at, reader.countsOf).order === 'other alternative');
}

function report(rule: FinishedRule, stage: Stage, conjunct: Expr): void {
  let prev = false;
  let own = false;
  let other: string | undefined;
  walk(conjunct, (part) => {
    if (part.kind === 'prevField') prev = true;
    else if (part.kind === 'aggregate' || part.kind === 'stageField' || part.kind === 'stageTime') {
      if (part.stage === stage.name) own = true;
      else if (isElsewhere(rule, stage, part.stage)) other = part.stage;
    }
  });
  if (own) {
    rule.report.add('never-true', conjunct.span, `This can never be true: for its first event "${stage.name}" has taken none yet, so there is nothing to compare with.`, {
      hint: `count(${stage.name}) == 0 or …`,
    });
  } else if (prev) {
    rule.report.add('never-true', conjunct.span, 'This can never be true: there is no event before the first step, so `prev` is null.', {
      hint: stage.loop ? `count(${stage.name}) == 0 or …` : 'drop the condition, or move it to a later stage',
    });
  } else {
    rule.report.add('never-true', conjunct.span, `This can never be true: "${other}" is in another alternative, so it is null here.`, { hint: 'write one alternative after the other, or drop the condition' });
  }
}
