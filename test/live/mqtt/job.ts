/** A job in a process of its own, to be killed: reads as the options say, commits once behind so many records, and tells what it has on standard output. */
import { MqttSource } from '../../../src/connect/mqtt/index.ts';
import type { MqttSourceOptions } from '../../../src/connect/mqtt/index.ts';
import { pause, RecordingHost, until } from '../../support/recording-host.ts';

const { options, wanted, commit } = JSON.parse(process.argv[2]!) as { options: MqttSourceOptions; wanted: number; commit: number };
const host = new RecordingHost();
const source = new MqttSource(options);
await source.start(host);
await until('connected', () => source.status()[0]!.connected);
process.stdout.write('ready\n');
await until('all', () => host.received.length >= wanted);
const { stream, offset } = host.received[commit]!;
await source.committed(0, new Map([[stream, offset]]));
await pause(300);
process.stdout.write(`committed ${stream} ${offset}\n`);
await pause(60_000);
