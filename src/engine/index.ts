export { isLost, renderChange, renderRule, ruleNames, rulesOf, type Change, type RuleChange } from './change/index.ts';
export { Engine, type EngineGauges, type EngineOptions, type EngineStats, type Pace, type RestoreOptions, type RuleGauges, type RuleStats } from './engine.ts';
export { TableError, type Row } from './tables.ts';
export type { WindowReading } from './windows/index.ts';
