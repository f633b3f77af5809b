export { isLost, renderChange, renderRule, drainingRules, ruleNames, rulesOf, ruleTexts, type Change, type RuleChange } from './change/index.ts';
export { Engine } from './engine.ts';
export type { RestoreOptions } from './engine-state.ts';
export type { EngineOptions, Pace } from './options.ts';
export type { EngineGauges, EngineStats, RuleGauges, RuleStats } from './stats.ts';
export { TableError, type Row } from './tables.ts';
export type { WindowReading } from './windows/index.ts';
