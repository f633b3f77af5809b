import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianProgram } from './debian.ts';
import { exchange } from './exchange.ts';
import { freePort, serverFolder, startServer, type Server } from './processes.ts';

export interface MosquittoOptions {
  /** Sessions and queued messages survive a restart, also by SIGKILL. Default true. */
  readonly persistence?: boolean | undefined;
  /** More lines of its configuration, e.g. `['max_inflight_messages 10']`. */
  readonly lines?: readonly string[] | undefined;
}

export interface MosquittoServer extends Server {
  readonly url: string;
}

export async function startMosquitto(options: MosquittoOptions = {}): Promise<MosquittoServer> {
  const { command, env } = await debianProgram('mosquitto');
  const folder = serverFolder('mosquitto');
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(file, [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    ...(options.persistence === false ? [] : ['persistence true', `persistence_location ${folder}/`, 'autosave_interval 1', 'autosave_on_changes true']),
    // Started by root it would drop to a user who cannot write its data, and say so only in its log.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    ...(options.lines ?? []),
    '',
  ].join('\n'));
  const server = await startServer({
    name: 'mosquitto', port, folder, command, env, args: ['-c', file],
    ready: async () => (await exchange(port, CONNECT, 'latin1')).charCodeAt(0) === 0x20, // CONNACK
  });
  return Object.assign(server, { url: `mqtt://127.0.0.1:${port}` });
}

/** MQTT 3.1.1 CONNECT: clean session, no client id. */
const CONNECT = Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 30, 0, 0]);
