/** The thread that owns a SQLite store's connection: it answers calls one after another. Started by sqlite.ts. */

import { parentPort, workerData } from 'node:worker_threads';
import { SqliteTables } from './sqlite-tables.ts';

/** Methods of `SqliteTables` that may be called from the other thread. */
export type SqliteCall = Exclude<keyof SqliteTables, 'close'>;

export interface SqliteRequest {
  readonly id: number;
  /** 'close' ends the thread. */
  readonly call: SqliteCall | 'open' | 'close';
  readonly arguments: readonly unknown[];
}

export interface SqliteFailure {
  readonly name: string;
  readonly message: string;
  readonly code: string;
  /** SQLite's extended result code, 0 where the error is not SQLite's. */
  readonly errcode: number;
}

export interface SqliteAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: SqliteFailure;
}

export interface SqliteWorkerData {
  readonly path: string;
  readonly busyTimeout: number;
}

const port = parentPort;
if (port !== null) {
  const { path, busyTimeout } = workerData as SqliteWorkerData;
  let tables: SqliteTables | undefined;
  const answer = (request: SqliteRequest): unknown => {
    if (request.call === 'open') {
      tables ??= new SqliteTables(path, busyTimeout);
      return undefined;
    }
    if (request.call === 'close') {
      tables?.close();
      tables = undefined;
      return undefined;
    }
    if (tables === undefined) throw new Error('the file is not open');
    return (tables[request.call] as (...of: readonly unknown[]) => unknown).apply(tables, [...request.arguments]);
  };
  port.on('message', (request: SqliteRequest) => {
    let reply: SqliteAnswer;
    try {
      reply = { id: request.id, result: answer(request) };
    } catch (error) {
      const { name, message, code, errcode } = error as Partial<SqliteFailure>;
      reply = { id: request.id, failure: { name: name ?? 'Error', message: message ?? String(error), code: code ?? '', errcode: errcode ?? 0 } };
    }
    port.postMessage(reply);
    if (request.call === 'close') port.close();
  });
}
