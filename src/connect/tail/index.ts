export type { FileSourceOptions } from './options.ts';
export { FileSource } from './source.ts';
