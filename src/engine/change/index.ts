/** States of rules that have changed since (section 7 of the language): what becomes of each rule's runs, told before it is done, and done. */
export { adoptState, isLost, recall, rulesOf, type AdoptedState, type Change } from './adopt.ts';
export type { Adopted, RuleChange } from './compare.ts';
export { drainingRules, ruleNames, RulesPage, ruleTexts, type RuleTexts } from './describe.ts';
export { describeRule } from './kinds.ts';
export { renderChange, renderRule } from './render.ts';
export type { DecodeAgain } from './tables.ts';
