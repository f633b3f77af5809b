import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import mqtt from 'mqtt';
import { MqttSink, MqttSource } from '../../../src/connect/mqtt/index.ts';
import type { MqttSourceOptions } from '../../../src/connect/mqtt/index.ts';
import { startMosquitto, startProxy } from '../../support/brokers/index.ts';
import type { MosquittoServer, Proxy } from '../../support/brokers/index.ts';
import { publisher } from '../../support/mqtt-publisher.ts';
import type { Publisher } from '../../support/mqtt-publisher.ts';
import { memoryLog, pause, RecordingHost, until } from '../../support/recording-host.ts';
import { alert, text } from '../../support/sink-contract.ts';
import { numbered } from '../../support/source-contract.ts';

let broker: MosquittoServer;
let directory: string;
let sender: Publisher | undefined;
let proxy: Proxy | undefined;
const sources: MqttSource[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'alcedo-mqtt-'));
});

afterEach(async () => {
  for (const source of sources.splice(0)) await source.stop();
  await sender?.close();
  sender = undefined;
  await proxy?.stop();
  proxy = undefined;
  await broker.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Sessions survive a clean stop. Saved at each change, as the servers of these suites do, a burst of acknowledgements would take the broker seconds. */
async function startBroker(lines: string[] = []): Promise<void> {
  broker = await startMosquitto({ lines: ['max_queued_messages 0', 'autosave_on_changes false', 'autosave_interval 1800', ...lines] });
  sender = await publisher(broker.url, 5);
}

const base = (): MqttSourceOptions => ({ name: 'sensors', url: broker.url, clientId: 'alcedo-test', topics: [{ filter: 'plant/#' }] });

async function start(options: Partial<MqttSourceOptions> = {}, offsets?: ReadonlyMap<string, number>): Promise<{ host: RecordingHost; source: MqttSource }> {
  const host = new RecordingHost(offsets);
  const source = new MqttSource({ ...base(), ...options });
  sources.push(source);
  await source.start(host);
  await until('connected', () => source.status()[0]!.connected);
  return { host, source };
}

const commitAll = async (source: MqttSource, host: RecordingHost): Promise<void> => source.committed(0, host.next);

describe('kill -9 of the job after 300 messages, of which a checkpoint covers 100', () => {
  async function killed(options: Partial<MqttSourceOptions>, qos: 1 | 2): Promise<Map<string, number>> {
    const spec = JSON.stringify({ options: { ...base(), topics: [{ filter: 'plant/#', qos }], ...options }, wanted: 300, commit: 100 });
    const child = spawn(process.execPath, [fileURLToPath(new URL('job.ts', import.meta.url)), spec], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data: Buffer) => { output += data.toString(); });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await until('the job is ready', () => output.includes('ready'));
    await sender!.all('plant/a', numbered(0, 300), { qos });
    await until('the job has committed', () => output.includes('committed'));
    const [, stream, offset] = /committed (\S+) (\d+)/.exec(output)!;
    child.kill('SIGKILL');
    await ended;
    return new Map([[stream!, Number(offset)]]);
  }

  test.each([[1 as const, 5 as const], [2 as const, 5 as const], [1 as const, 4 as const]])('on-checkpoint, QoS %i, protocol %i: exactly the other 200 come again, in order', async (qos, protocol) => {
    await startBroker(['max_inflight_messages 1000']);
    const options: Partial<MqttSourceOptions> = { protocol, window: 1_000, ack: 'on-checkpoint', topics: [{ filter: 'plant/#', qos }] };
    const offsets = await killed(options, qos);
    const { host, source } = await start(options, offsets);
    await until('the rest', () => host.received.length >= 200);
    await pause(300);
    expect(host.values).toEqual(numbered(100, 200));
    expect(host.received[0]!.offset).toBe(100);
    // And when they are committed, they do not come a third time.
    await commitAll(source, host);
    await pause(200);
    await sources.pop()!.stop();
    const { host: third } = await start(options, host.next);
    await sender!.send('plant/a', '{"n":300}', { qos });
    await until('the new one', () => third.received.length >= 1);
    await pause(200);
    expect(third.values).toEqual(['{"n":300}']);
  });

  test('on-receive: nothing comes again; the 200 are lost', async () => {
    await startBroker();
    const offsets = await killed({ ack: 'on-receive' }, 1);
    const { host } = await start({ ack: 'on-receive' }, offsets);
    await sender!.send('plant/a', '{"n":300}');
    await until('the new one', () => host.received.length >= 1);
    await pause(300);
    expect(host.values).toEqual(['{"n":300}']);
  });

  test('on-journal: the broker sends nothing again; the 200 come from the journal', async () => {
    await startBroker();
    const options: Partial<MqttSourceOptions> = { ack: 'on-journal', journal: { directory } };
    const offsets = await killed(options, 1);
    const { host } = await start(options, offsets);
    await sender!.send('plant/a', '{"n":300}');
    await until('the rest', () => host.received.length >= 201);
    await pause(300);
    expect(host.values).toEqual([...numbered(100, 200), '{"n":300}']);
  });
});

describe('connections', () => {
  test.each([1 as const, 2 as const])('a broker that restarts with QoS %i messages unacknowledged: none is lost, and none comes twice to the running job', async (qos) => {
    await startBroker();
    const { host, source } = await start({ topics: [{ filter: 'plant/#', qos }] });
    await sender!.all('plant/a', numbered(0, 300), { qos });
    await until('the messages', () => host.received.length === 300);
    await source.committed(0, new Map([[host.received[0]!.stream, 100]]));
    await pause(200);
    await broker.restart();
    await until('connected again', () => host.log.has(/connected to the MQTT broker again/));
    await sender!.all('plant/a', numbered(300, 50), { qos });
    await until('the new ones', () => host.received.length >= 350);
    await pause(300);
    expect(host.values).toEqual(numbered(0, 350));
    await commitAll(source, host);
    await pause(300);
    await sources.pop()!.stop();
    const { host: second } = await start({ topics: [{ filter: 'plant/#', qos }] }, host.next);
    await sender!.send('plant/a', '{"n":350}', { qos });
    await until('the next one', () => second.received.length >= 1);
    await pause(200);
    expect(second.values).toEqual(['{"n":350}']);
  });

  test('a connection that is cut again and again loses nothing and repeats nothing', async () => {
    await startBroker();
    proxy = await startProxy(broker.port);
    const { host, source } = await start({ url: `mqtt://127.0.0.1:${proxy.port}` });
    for (let i = 0; i < 6; i++) {
      await sender!.all('plant/a', numbered(i * 200, 200));
      // What is committed has reached the broker before the cut: acknowledgements that a cut takes along make repeats.
      if (i % 2 === 1) {
        await until('what has come so far', () => host.received.length >= (i + 1) * 200);
        await commitAll(source, host);
        await pause(300);
      }
      proxy.cut();
      await until('connected again', () => host.log.lines.filter(({ message }) => message.endsWith('again')).length > i);
    }
    await until('all messages', () => host.received.length >= 1_200);
    await pause(300);
    expect(host.values).toEqual(numbered(0, 1_200));
  });

  test('a broker that is away is tried for ever, with growing pauses said in the log', async () => {
    await startBroker();
    const { host } = await start();
    await broker.kill('SIGKILL');
    await until('three tries', () => host.log.lines.filter(({ message }) => /no connection to the MQTT broker/.test(message)).length >= 3);
    const waits = host.log.lines.filter(({ fields }) => fields.retryIn !== undefined).map(({ fields }) => fields.retryIn as number);
    expect(waits.slice(0, 3)).toEqual([500, 1_000, 2_000]);
    await broker.restart();
    await until('connected again', () => host.log.has(/connected to the MQTT broker again/));
    expect(host.failures).toEqual([]);
  });

  test('a job that takes nothing for longer than the keep-alive keeps its connection, and QoS 0 waits in the broker\'s socket', async () => {
    await startBroker();
    const { host } = await start({ keepalive: 1, bufferMessages: 50, topics: [{ filter: 'plant/#', qos: 0 }, { filter: 'other/#', qos: 1 }] });
    host.block();
    await sender!.all('plant/a', numbered(0, 500));
    await sender!.all('other/a', numbered(500, 100));
    await pause(5_000);
    host.unblock();
    await until('all messages', () => host.received.length >= 600);
    expect(host.values).toEqual(numbered(0, 600));
    expect(host.log.lines.filter(({ level }) => level !== 'info')).toEqual([]);
  });
});

describe('windows', () => {
  test.each([
    ['MQTT 5, receiveMaximum 40', { receiveMaximum: 40 }, /(3\d|40) of 40 MQTT messages/],
    ['MQTT 5, QoS 2, receiveMaximum 40', { receiveMaximum: 40, topics: [{ filter: 'plant/#', qos: 2 as const }] }, /(3\d|40) of 40 MQTT messages/],
    ['MQTT 3.1.1, mosquitto\'s window of 20', { protocol: 4 as const }, /(1[5-9]|20) of 20 MQTT messages/],
  ])('%s: a checkpoint is asked for when it is three quarters full, and with it the rest comes', async (_, options, reason) => {
    await startBroker();
    const { host, source } = await start(options);
    const asked = setInterval(() => {
      if (host.checkpoints.length > answered) {
        answered++;
        void commitAll(source, host);
      }
    }, 5);
    let answered = 0;
    await sender!.all('plant/a', numbered(0, 300), { qos: 2 });
    await until('all messages', () => host.received.length >= 300);
    clearInterval(asked);
    expect(host.values).toEqual(numbered(0, 300));
    expect(host.checkpoints[0]).toMatch(reason);
  });

  test('without a checkpoint the broker stops at the window, and nothing is acknowledged', async () => {
    await startBroker();
    const { host, source } = await start({ receiveMaximum: 40 });
    await sender!.all('plant/a', numbered(0, 100));
    await until('a full window', () => host.received.length === 40);
    await pause(300);
    expect(host.received.length).toBe(40);
    expect(host.checkpoints.length).toBe(1);
    await commitAll(source, host);
    // mosquitto 2.0.11 sends more than the window when it has room again; another broker, up to 80.
    await until('the next ones', () => host.received.length >= 80);
  });

  test('a journal at its bound: messages stay with the broker until the job has committed', async () => {
    await startBroker();
    const { host, source } = await start({ ack: 'on-journal', receiveMaximum: 100, journal: { directory, fsync: 1_000, maxBytes: 60_000, segmentBytes: 8_000 } });
    host.block();
    const values = numbered(0, 300, 'x'.repeat(400));
    await sender!.all('plant/a', values);
    await until('a full journal', () => host.log.has(/cannot be journalled/));
    expect(host.received.length).toBeLessThan(200);
    host.unblock();
    const committing = setInterval(() => void commitAll(source, host), 20);
    await until('all messages', () => host.received.length >= 300);
    clearInterval(committing);
    expect(host.values).toEqual(values);
  });
});

describe('messages', () => {
  test('topics, properties and marks of MQTT 5 become types, fields, times and headers', async () => {
    await startBroker();
    await sender!.send('plant/hall 1/temperature', '{"t":20,"room":"spoofed"}', { qos: 1, retain: true, properties: { userProperties: { site: 'north', at: '2026-03-01T00:00:00Z' } } });
    const { host } = await start({
      topics: [{ filter: 'plant/+/temperature', type: 'Temperature', qos: 2 }, { filter: 'plant/+/door', type: 'Door' }, { filter: 'plant/raw/#' }],
      fields: { room: 'topic 2', site: 'property site', old: 'retained', again: 'duplicate', seen: 'received' },
      valueField: 'value', time: 'property at',
    });
    await until('the retained message', () => host.received.length === 1);
    await sender!.send('plant/cellar/door', 'open');
    await sender!.send('plant/raw/x/y', '');
    await until('the others', () => host.received.length === 3);
    const [temperature, door, raw] = host.received;
    expect(JSON.parse(temperature!.value)).toEqual({ t: 20, room: 'hall 1', site: 'north', old: true, again: false, seen: expect.any(Number) });
    expect([temperature!.type, temperature!.time, temperature!.header('site'), temperature!.header('mqtt-topic')]).toEqual(
      ['Temperature', Date.parse('2026-03-01T00:00:00Z'), 'north', 'plant/hall 1/temperature']);
    expect(JSON.parse(door!.value)).toEqual({ value: 'open', room: 'cellar', old: false, again: false, seen: expect.any(Number) });
    expect([door!.type, door!.time]).toEqual(['Door', NaN]);
    expect([raw!.type, raw!.value]).toEqual([undefined, '']);
  });

  test('two jobs of one shared group get each message once between them', async () => {
    await startBroker();
    const topics = [{ filter: '$share/job/plant/#' }];
    const one = await start({ topics, clientId: 'one' });
    const two = await start({ topics, clientId: 'two' });
    await sender!.all('plant/a', numbered(0, 400));
    await until('all messages', () => one.host.received.length + two.host.received.length >= 400);
    expect([...one.host.values, ...two.host.values].sort()).toEqual(numbered(0, 400).sort());
    expect(one.host.received.length).toBeGreaterThan(50);
    expect(two.host.received.length).toBeGreaterThan(50);
  });

  test('a session that holds an old subscription: its messages are dropped, said once, and do not fill the window', async () => {
    await startBroker();
    await start({ topics: [{ filter: 'plant/#' }, { filter: 'old/#' }] });
    await sources.pop()!.stop();
    const { host } = await start({ receiveMaximum: 10 });
    await sender!.all('old/a', numbered(0, 50));
    await sender!.send('plant/a', '{"n":1}');
    await until('the wanted one', () => host.received.length === 1);
    expect(host.log.lines.filter(({ message }) => /no topic of the input takes/.test(message)).length).toBe(1);
  });
});

describe('the sink', () => {
  test('alerts that are under way when the broker goes arrive when it is back', async () => {
    await startBroker();
    const reader = await mqtt.connectAsync(broker.url, { protocolVersion: 5, clientId: 'reader', clean: false, reconnectPeriod: 50, properties: { sessionExpiryInterval: 1_000 } });
    const values: string[] = [];
    reader.on('message', (_, payload) => values.push(payload.toString()));
    await reader.subscribeAsync('alerts/fraud/+', { qos: 1 });
    const log = memoryLog();
    const sink = new MqttSink({ name: 'phones', url: broker.url });
    await sink.start(log);
    const records = Array.from({ length: 2_000 }, (_, i) => alert(i, 'k'));
    const sending = sink.send(records);
    await until('some', () => values.length > 100);
    await broker.restart();
    await sending;
    await until('all', () => new Set(values).size === 2_000);
    expect([...new Set(values)]).toEqual(records.map(text));
    expect(log.has(/no connection to the MQTT broker/)).toBe(true);
    await sink.stop();
    await reader.endAsync(true);
  });

  test('a topic that the broker refuses is an error that names it; a send that waits ends when the sink is stopped', async () => {
    const acl = join(directory, 'acl');
    await writeFile(acl, 'topic readwrite allowed/#\n');
    await startBroker([`acl_file ${acl}`]);
    const sink = new MqttSink({ name: 'phones', url: broker.url });
    await sink.start(memoryLog());
    await expect(sink.send([alert(1, 'k')])).rejects.toThrow(/MQTT topic "alerts\/fraud\/CardTesting" does not take alert alert-1.*channels\.phones/);
    await broker.kill('SIGKILL');
    const waiting = sink.send([alert(2, 'k')]);
    const failed = expect(waiting).rejects.toThrow(/stopped before/);
    await pause(100);
    await sink.stop();
    await failed;
  });
});
