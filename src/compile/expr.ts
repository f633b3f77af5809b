/** Expressions of rules: JavaScript source for them, what they depend on, and a text that tells which are the same. */
export { children, conjunctsOf as conjuncts } from '../../dsl/index.ts';
export { canonical, dependsOn } from './expr/analyze.ts';
export type { Aggregate, Dependencies, WindowAggregate } from './expr/analyze.ts';
export { emitCondition, emitValue } from './expr/emit.ts';
export type { Leaf } from './expr/emit.ts';
