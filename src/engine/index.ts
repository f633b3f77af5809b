export { Engine, type EngineGauges, type EngineOptions, type EngineStats, type RuleStats } from './engine.ts';
export { TableError, type Row } from './tables.ts';
