export { LineAppender, toLines } from './appender.ts';
export type { FileSinkOptions } from './options.ts';
export { FileSink } from './sink.ts';
