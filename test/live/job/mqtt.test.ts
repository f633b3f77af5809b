import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startMosquitto, type MosquittoServer } from '../../support/brokers/index.ts';
import { alertsOf, expectedIds, faultsOf, payments, settled, type JobRun, type JobFolder } from '../../support/job.ts';
import { EACH_RULES, eventually, liveKafka, ONCE_RULES, statusOf } from '../../support/live.ts';
import { publisher, type Publisher } from '../../support/mqtt-publisher.ts';

const live = liveKafka();
let broker: MosquittoServer;
let sender: Publisher;

beforeEach(async () => {
  // Sessions are written at a clean stop; at each change would take the broker seconds in a burst.
  broker = await startMosquitto({ lines: ['max_queued_messages 0', 'max_inflight_messages 1000', 'autosave_on_changes false', 'autosave_interval 1800'] });
  sender = await publisher(broker.url, 5);
});

afterEach(async () => {
  await sender.close();
  await broker.stop();
});

interface Setup { readonly folder: JobFolder; readonly topic: string; readonly output: string; readonly port: number }

async function setup(name: string, rules: string, mqtt: string, options: { protocol?: string; checkpoint?: string; qos?: 1 | 2 } = {}): Promise<Setup> {
  const id = `${name}-${Date.now().toString(36)}`;
  const output = `${id}-alerts`;
  await live.own.ensureTopics([{ topic: output, partitions: 2 }]);
  const folder = live.folder();
  const port = await freePort();
  folder.file('rules.cep', rules);
  folder.file('job.yaml', `
name: ${id}
rules: rules.cep
kafka: { brokers: "${live.brokers[0]!}" }
mqtt: { url: "${broker.url}", protocol: ${options.protocol ?? '5'} }
sources:
  payments: { type: Payment, mqtt: { topics: { filter: "${id}/+", qos: ${options.qos ?? 1} }, ${mqtt} } }
channels: { fraud: { kafka: ${output} } }
state: { sqlite: {}, checkpoint: ${options.checkpoint ?? '150ms'} }
http: { port: ${port} }
`);
  return { folder, topic: `${id}/payments`, output, port };
}

/** The session stands: what is published from here on waits at the broker while the job is away. */
async function subscribed(port: number, run: JobRun): Promise<void> {
  await eventually('the job has subscribed', async () => (await statusOf(port))?.sources[0]?.streams[0]?.connected === true, run);
}

/** Publishes in order, some at a time. */
async function publish(topic: string, events: readonly { readonly text: string }[], over = 0, qos: 1 | 2 = 1): Promise<void> {
  for (let i = 0; i < events.length; i += 100) {
    await sender.all(topic, events.slice(i, i + 100).map(({ text }) => text), { qos });
    if (over > 0) await sleep(over * 100 / events.length);
  }
}

test.each([
  ['on-checkpoint, MQTT 5, QoS 1', 'ack: on-checkpoint, receiveMaximum: 500', '5', 1 as const, 3],
  ['on-checkpoint, MQTT 3.1.1, QoS 2', 'ack: on-checkpoint, window: 1000', '3.1.1', 2 as const, 1],
  ['on-journal, MQTT 5, QoS 1', 'ack: on-journal', '5', 1 as const, 2],
])('kill -9 while messages come, event type declared `once within`: every alert once (%s)', async (_, mqtt, protocol, qos, kills) => {
  const { folder, topic, output, port } = await setup('killed', ONCE_RULES, mqtt, { protocol, qos });
  const events = payments(4000, 40, 51);
  const expected = await expectedIds(folder, events);
  let run = folder.start('job.yaml');
  await subscribed(port, run);
  const publishing = publish(topic, events, kills * 1200, qos);
  for (let kill = 0; kill < kills; kill++) {
    const before = (await alertsOf(live.own, output)).length;
    await eventually('more alerts', async () => (await alertsOf(live.own, output)).length > before, run);
    await sleep(Math.random() * 300);
    await run.end('SIGKILL');
    run = folder.start('job.yaml');
  }
  await publishing;
  const seen = await settled(live.own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('the broker restarts with messages unacknowledged, then the job too: every alert once', async () => {
  const { folder, topic, output, port } = await setup('restart', ONCE_RULES, 'ack: on-checkpoint, receiveMaximum: 5000', { checkpoint: '4s' });
  const events = payments(4000, 40, 52);
  const expected = await expectedIds(folder, events);
  let run = folder.start('job.yaml');
  await subscribed(port, run);
  await publish(topic, events.slice(0, 1500));
  // Nothing has been acknowledged yet but by chance: the interval is long.
  await broker.restart();
  await eventually('the publisher is back', () => sender.client.connected);
  await publish(topic, events.slice(1500, 2500));
  await run.end('SIGKILL');
  run = folder.start('job.yaml');
  await publish(topic, events.slice(2500, 3200));
  await broker.restart();
  await eventually('the publisher is back', () => sender.client.connected);
  await publish(topic, events.slice(3200));
  const seen = await settled(live.own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('on-receive: a crash loses what came since the last checkpoint, and nothing else; nothing comes twice', async () => {
  const { folder, topic, output, port } = await setup('receive', EACH_RULES, 'ack: on-receive', { checkpoint: '6s' });
  const events = payments(3000, 40, 53);
  let run = folder.start('job.yaml');
  await subscribed(port, run);
  await publish(topic, events.slice(0, 1000));
  const txs = async (): Promise<string[]> => (await alertsOf(live.own, output)).map(({ to }) => to);
  await eventually('the first thousand', async () => (await txs()).length === 1000, run);
  // Just after a checkpoint: these are acknowledged, and not covered by another one.
  await publish(topic, events.slice(1000, 2000));
  await eventually('all are taken', async () => (await statusOf(port))?.tasks[0]?.events === 2000, run);
  await sleep(200); // the last acknowledgements are on their way
  await run.end('SIGKILL');
  const lost = 2000 - (await txs()).length;
  await publish(topic, events.slice(2000));
  run = folder.start('job.yaml');
  await eventually('what came while it was away', async () => (await txs()).length >= 3000 - lost, run);
  await sleep(1000);
  const seen = await alertsOf(live.own, output);
  expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
  expect(seen.length).toBe(3000 - lost);
  expect(lost).toBeGreaterThan(0);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('an event type without `once within`: at least once', async () => {
  const { folder, topic, output, port } = await setup('least', EACH_RULES, 'ack: on-journal');
  const events = payments(2000, 40, 54);
  let run = folder.start('job.yaml');
  await subscribed(port, run);
  const publishing = publish(topic, events, 3500);
  for (let kill = 0; kill < 2; kill++) {
    await sleep(1500);
    await run.end('SIGKILL');
    run = folder.start('job.yaml');
    await run.says('the job runs');
  }
  await publishing;
  const distinct = async (): Promise<number> => new Set((await alertsOf(live.own, output)).map(({ id }) => id)).size;
  await eventually('every alert', async () => await distinct() === events.length, run);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);
