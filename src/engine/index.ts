export { Engine, type EngineOptions, type EngineStats, type RuleStats } from './engine.ts';
