export type { ConsoleSinkOptions } from './options.ts';
export { ConsoleSink } from './sink.ts';
