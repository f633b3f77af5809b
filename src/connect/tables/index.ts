/** Tables: where the rows of reference data come from. See types.ts. */
export type { RawRow, RejectedRow, Snapshot, TableListener, TableSource } from './types.ts';
export { TableSourceError } from './types.ts';
export { decodeRows, type DecodedRows, type TableShape } from './decode.ts';
export type { RowFormat } from './parse.ts';
export { FileTable, type FileTableOptions } from './file.ts';
export { HttpTable, type HttpTableOptions } from './http.ts';
export { KafkaTable, type KafkaTableOptions } from './kafka.ts';
export { RedisTable, type RedisTableOptions } from './redis.ts';
