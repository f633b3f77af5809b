export { Engine, type EngineGauges, type EngineOptions, type EngineStats, type RuleStats } from './engine.ts';
