export { isLost, renderChange, renderRule, ruleNames, rulesOf, type Change, type RuleChange } from './change/index.ts';
export { Engine, type EngineGauges, type EngineOptions, type EngineStats, type RestoreOptions, type RuleStats } from './engine.ts';
