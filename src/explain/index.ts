/** What a rule does and why it did or did not: plans for people, expressions as text, the nearest run of a failed test. */
export { describeRule, type RuleDescription } from './describe.ts';
export { renderDot, renderMermaid } from './graph.ts';
export { nearestWindow, renderNearestWindow, type NearestWindow } from './nearest-window.ts';
export { conditionText, nearestRun, renderNearest, type NearestQuestion, type NearestRun, type NextStep, type TestedCondition } from './nearest.ts';
export { printDuration, printExpr, printInstant, printValue } from './print.ts';
export { renderCost, renderPlan } from './text.ts';
export type { Params, SeenEvent } from './world.ts';
