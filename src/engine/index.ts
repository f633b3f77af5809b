export { Engine, type EngineGauges, type EngineOptions, type EngineStats, type Pace, type RuleGauges, type RuleStats } from './engine.ts';
