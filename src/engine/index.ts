export { Engine, type EngineGauges, type EngineOptions, type EngineStats, type Pace, type RuleStats } from './engine.ts';
