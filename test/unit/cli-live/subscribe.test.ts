import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import mqtt from 'mqtt';
import { registerSubscribe, type OpenKafka } from '../../../src/cli/commands/subscribe.ts';
import { MemoryBroker, openMemoryKafka, type Kafka } from '../../../src/connect/kafka/index.ts';
import { startEmbeddedBroker } from '../../../src/connect/mqtt/index.ts';
import type { Alert } from '../../../src/core/alert.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { alertOf, jsonOf, RULES, T0 } from './alerts.ts';
import { call, JobFolder, until, type Call } from './support.ts';

let folder: JobFolder;
let broker: MemoryBroker;
let kafka: Kafka;
let calls: Call[];
beforeEach(async () => {
  folder = new JobFolder();
  folder.write('rules.cep', RULES);
  broker = new MemoryBroker();
  kafka = await openMemoryKafka(broker, { log: keepingLog() });
  calls = [];
});
afterEach(async () => {
  for (const one of calls) one.interrupt();
  await Promise.all(calls.map(({ code }) => code));
  await kafka.close();
  folder.remove();
});

function jobFile(channels: string, more = 'kafka: { brokers: ["nowhere:9092"] }'): string {
  return folder.write('job.yaml', `name: fraud\nrules: rules.cep\nsources: { s: { file: x } }\nchannels: ${channels}\n${more}\n`);
}

const toMemory: OpenKafka = (_, { log }) => openMemoryKafka(broker, { log });

function run(args: readonly string[], options: { readonly terminal?: boolean; readonly open?: OpenKafka } = {}): Call {
  const one = call(['subscribe', ...args], (program, io) => { registerSubscribe(program, io, options.open ?? toMemory); }, options);
  calls.push(one);
  return one;
}

const idsOf = ({ out }: Call): string[] => out.lines.map((line) => (JSON.parse(line) as Alert).id);

async function produce(topic: string, alerts: readonly Alert[], partition = 0): Promise<void> {
  const producer = await kafka.producer({});
  await producer.send(alerts.map((alert) => ({ topic, partition, key: null, value: Buffer.from(jsonOf(alert)), time: alert.detected })));
  await producer.close();
}

/** Waits until a subscription of `latest` stands: alerts sent from then on are seen. */
async function standing(one: Call, topic: string): Promise<void> {
  let n = 1000;
  for (const deadline = Date.now() + 5000; one.out.text === '';) {
    if (Date.now() > deadline) throw new Error(`nothing came; ${one.err.text}`);
    await produce(topic, [alertOf(n++)]);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

describe('Kafka', () => {
  test('alerts as they come: of all partitions, from now on, committed ones only, and no group knows of it', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 2 }]);
    await produce('alerts', [alertOf(1)]);
    const one = run([jobFile('{ default: { kafka: alerts } }')]);
    await standing(one, 'alerts');
    const producer = await kafka.producer({ transactionalId: 't' });
    await producer.fence();
    const aborted = await producer.begin();
    await aborted.send([{ topic: 'alerts', partition: 1, key: null, value: Buffer.from(jsonOf(alertOf(2))) }]);
    await aborted.abort();
    const transaction = await producer.begin();
    await transaction.send([{ topic: 'alerts', partition: 1, key: null, value: Buffer.from(jsonOf(alertOf(3))) }]);
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    expect(idsOf(one)).not.toContain('id-3');
    await transaction.commit(undefined);
    await producer.close();
    await until(() => idsOf(one).includes('id-3'), 'the committed alert');
    expect(idsOf(one).filter((id) => id === 'id-1' || id === 'id-2')).toEqual([]);
    one.interrupt();
    expect(await one.code).toBe(0);
    expect(one.err.text).toBe('');
  });

  test('--from earliest --limit: all there is, in order, up to n', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    await produce('alerts', Array.from({ length: 2500 }, (_, n) => alertOf(n)));
    const one = run([jobFile('{ default: { kafka: alerts } }'), '--from', 'earliest', '--limit', '2200']);
    expect(await one.code).toBe(0);
    expect(idsOf(one)).toEqual(Array.from({ length: 2200 }, (_, n) => `id-${n}`));
  });

  test('--from a time', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    await produce('alerts', [1, 2, 3].map((n) => alertOf(n, { detected: T0 + n * 60_000 })));
    const one = run([jobFile('{ default: { kafka: alerts } }'), '--from', '2026-04-01T12:02:00Z', '--limit', '2']);
    expect(await one.code).toBe(0);
    expect(idsOf(one)).toEqual(['id-2', 'id-3']);
  });

  test('--rule, --severity, --key', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    await produce('alerts', [
      alertOf(1), alertOf(2, { rule: 'Other' }), alertOf(3, { severity: 'critical' }), alertOf(4, { severity: 'low' }), alertOf(5, { key: { card: 'xyz', shop: 17 } }), alertOf(9),
    ]);
    const file = jobFile('{ default: { kafka: alerts } }');
    const ids = async (...args: string[]): Promise<string[]> => {
      const one = run([file, '--from', 'earliest', ...args]);
      expect(await one.code).toBe(0);
      return idsOf(one);
    };
    expect(await ids('--rule', 'Other', '--limit', '1')).toEqual(['id-2']);
    expect(await ids('--severity', 'critical,low', '--limit', '2')).toEqual(['id-3', 'id-4']);
    expect(await ids('--key', 'xy', '--limit', '1')).toEqual(['id-5']);
    expect(await ids('--key', '17', '--limit', '1')).toEqual(['id-5']);
    expect(await ids('--rule', 'CardTesting', '--severity', 'high', '--limit', '3')).toEqual(['id-1', 'id-5', 'id-9']);
    const wrong = run([file, '--severity', 'hihg']);
    expect(await wrong.code).toBe(2);
    expect(wrong.err.text).toContain('"hihg" is not one of low, medium, high, critical.');
  });

  test('a rule that is not there is told', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    const one = run([jobFile('{ default: { kafka: alerts } }'), '--rule', 'CardTestign']);
    await until(() => one.err.text !== '', 'a note');
    expect(one.err.text).toBe('The job has no rule "CardTestign" now. Did you mean "CardTesting"?\n');
  });

  test('a topic that is not there yet is waited for, and read from its beginning', async () => {
    const one = run([jobFile('{ default: { kafka: alerts } }'), '--limit', '1']);
    await until(() => one.err.text !== '', 'a note');
    expect(one.err.text).toBe('There is no topic "alerts" yet; waiting for it.\n');
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    await produce('alerts', [alertOf(1)]);
    expect(await one.code).toBe(0);
    expect(idsOf(one)).toEqual(['id-1']);
  });

  test('records that are gone meanwhile are told, and those left are read', async () => {
    broker = new MemoryBroker({ retainedRecords: 10 });
    await kafka.close();
    kafka = await openMemoryKafka(broker, { log: keepingLog() });
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    await produce('alerts', [alertOf(0)]);
    let reads = 0;
    // Between the first look and the first read the topic's retention has taken records away.
    const one = run([jobFile('{ default: { kafka: alerts } }'), '--from', 'earliest', '--limit', '10'], {
      open: async (_, { log }) => {
        const inner = await openMemoryKafka(broker, { log });
        return Object.assign(Object.create(inner) as Kafka, {
          adapter: inner.adapter, topics: () => inner.topics(), read: inner.read.bind(inner), offsetsAt: inner.offsetsAt.bind(inner), startOffsets: inner.startOffsets.bind(inner), close: () => inner.close(),
          endOffsets: async (topic: string, isolation: 'read_committed') => {
            if (reads++ === 0) for (let n = 1; n < 40; n++) await produce('alerts', [alertOf(n)]);
            return inner.endOffsets(topic, isolation);
          },
        });
      },
    });
    expect(await one.code).toBe(0);
    expect(one.err.text).toMatch(/^Offsets 0 to \d+ of alerts\/0 are gone: the topic's retention is over\.\n$/);
    expect(idsOf(one)[9]).toBe('id-39');
  });

  test('Kafka is away: why, and 1', async () => {
    const one = run([jobFile('{ default: { kafka: alerts } }')], { open: async () => { throw new Error('no broker answers at nowhere:9092; see kafka.brokers'); } });
    expect(await one.code).toBe(1);
    expect(one.err.text).toBe('Kafka topic alerts: no broker answers at nowhere:9092; see kafka.brokers.\n');
  });

  test('it goes away later: told once, and tried again', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    let isAway = false;
    const one = run([jobFile('{ default: { kafka: alerts } }')], {
      open: async (_, { log }) => {
        const inner = await openMemoryKafka(broker, { log });
        return Object.assign(Object.create(inner) as Kafka, {
          topics: () => inner.topics(), read: inner.read.bind(inner), startOffsets: inner.startOffsets.bind(inner), close: () => inner.close(),
          endOffsets: async (topic: string, isolation: 'read_committed') => {
            if (isAway) throw new Error('the connection was cut');
            return inner.endOffsets(topic, isolation);
          },
        });
      },
    });
    await standing(one, 'alerts');
    isAway = true;
    await until(() => one.err.text.includes('cannot be read: the connection was cut. Trying again.'), 'a note');
    await produce('alerts', [alertOf(1)]);
    isAway = false;
    await until(() => idsOf(one).includes('id-1'), 'the alert that came meanwhile');
    expect(one.err.lines).toEqual(['Kafka topic alerts cannot be read: the connection was cut. Trying again.', 'Kafka topic alerts can be read again.']);
  });

  test('Ctrl-C amid a look at the topic ends it at once', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    let looks = 0;
    const one = run([jobFile('{ default: { kafka: alerts } }')], {
      open: async (_, { log }) => {
        const inner = await openMemoryKafka(broker, { log });
        return Object.assign(Object.create(inner) as Kafka, {
          topics: () => inner.topics(), read: inner.read.bind(inner), startOffsets: inner.startOffsets.bind(inner), close: () => inner.close(),
          endOffsets: async (topic: string, isolation: 'read_committed') => {
            if (++looks === 3) {
              one.interrupt();
              await inner.close();
            }
            return inner.endOffsets(topic, isolation);
          },
        });
      },
    });
    await until(() => looks === 3, 'a look');
    // Were it tried again, it would be for a minute.
    expect(await Promise.race([one.code, new Promise((resolve) => { setTimeout(resolve, 10_000, 'still running').unref(); })])).toBe(0);
    expect(one.err.text).toBe('');
  });
});

describe('what is printed', () => {
  test('on a terminal a story, elsewhere JSON Lines as they were sent; --pretty and --json turn it round', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    await produce('alerts', [alertOf(1)]);
    const args = [jobFile('{ default: { kafka: alerts } }'), '--from', 'earliest', '--limit', '1'];
    const [terminal, pipe] = [run(args, { terminal: true }), run(args)];
    expect([await terminal.code, await pipe.code]).toEqual([0, 0]);
    expect(terminal.out.text).toMatch(/^2026-04-01T12:01:00\.000Z HIGH {5}CardTesting {2}Card testing {2}card: "c1"\n {4}total: 1\n {4}small {2}\+0\S* +Payment .*amount=1\n {4}big {4}\+1m +Payment .*amount=900\n$/);
    expect(pipe.out.text).toBe(`${jsonOf(alertOf(1))}\n`);
    const [json, pretty] = [run([...args, '--json'], { terminal: true }), run([...args, '--pretty'])];
    expect([await json.code, await pretty.code]).toEqual([0, 0]);
    expect([json.out.text, pretty.out.text]).toEqual([pipe.out.text, terminal.out.text]);
    expect(await run([...args, '--pretty', '--json']).code).toBe(2);
  });

  test('records that are no alerts are left out, and told once', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    const producer = await kafka.producer({});
    await producer.send(['nonsense', '{"a":1}', null].map((value) => ({ topic: 'alerts', key: null, value: value === null ? null : Buffer.from(value) })));
    await producer.close();
    await produce('alerts', [alertOf(1)]);
    const one = run([jobFile('{ default: { kafka: alerts } }'), '--from', 'earliest', '--limit', '1']);
    expect(await one.code).toBe(0);
    expect([one.out.lines.length, one.err.text]).toEqual([1, 'There are records that are no alerts; they are left out.\n']);
  });
});

describe('channels', () => {
  test('one by its name, all without', async () => {
    await kafka.ensureTopics([{ topic: 'alerts.fraud_alerts', partitions: 1 }, { topic: 'review', partitions: 1 }]);
    await produce('alerts.fraud_alerts', [alertOf(1), alertOf(9, { channel: 'another' })]);
    await produce('review', [alertOf(2, { channel: 'review' })]);
    const file = jobFile('{ default: { kafka: "alerts.{channel}" }, review: { kafka: review } }');
    const one = run([file, 'review', '--from', 'earliest', '--limit', '1']);
    expect(await one.code).toBe(0);
    expect(idsOf(one)).toEqual(['id-2']);
    const fallen = run([file, 'fraud_alerts', '--from', 'earliest']);
    await until(() => fallen.out.lines.length > 0, 'an alert');
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    expect(idsOf(fallen)).toEqual(['id-1']);
    const all = run([file, '--from', 'earliest', '--limit', '3']);
    expect(await all.code).toBe(0);
    expect(idsOf(all).sort()).toEqual(['id-1', 'id-2', 'id-9']);
  });

  test('one that is not there: what is likely meant, and 2', async () => {
    const one = run([jobFile('{ default: { kafka: alerts } }'), 'fraud_alert']);
    expect(await one.code).toBe(2);
    expect(one.err.text).toBe('The job "fraud" has no channel "fraud_alert". Did you mean "fraud_alerts"? It has default, fraud_alerts, review.\n');
  });

  test('console and webhook cannot be subscribed to, and say so', async () => {
    const file = jobFile('{ fraud_alerts: { console: {} }, review: { webhook: "https://alerts.example.com/secret-path" } }');
    const [console, webhook] = [run([file, 'fraud_alerts']), run([file, 'review'])];
    expect([await console.code, await webhook.code]).toEqual([2, 2]);
    expect(console.err.text).toContain('channel "fraud_alerts" go to the job\'s own standard output (console): they are not kept anywhere to subscribe to');
    expect(webhook.err.text).toContain('are posted to a webhook');
    expect(webhook.err.text).not.toContain('secret-path');
  });

  test('of several, those that can be read are read', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    await produce('alerts', [alertOf(1)]);
    const one = run([jobFile('{ fraud_alerts: { kafka: alerts }, review: { console: {} } }'), '--from', 'earliest', '--limit', '1']);
    expect(await one.code).toBe(0);
    expect(idsOf(one)).toEqual(['id-1']);
    expect(one.err.text).toContain('channel "review"');
  });

  test('a Kafka that lives in the process of the job', async () => {
    const one = run([jobFile('{ default: { kafka: alerts } }', 'kafka: { brokers: ["here:1"], adapter: memory }')]);
    expect(await one.code).toBe(2);
    expect(one.err.text).toContain('kafka.adapter: memory');
  });

  test('rules with errors do not keep anybody from watching', async () => {
    await kafka.ensureTopics([{ topic: 'alerts', partitions: 1 }]);
    await produce('alerts', [alertOf(1)]);
    folder.write('rules.cep', 'rule {');
    const one = run([jobFile('{ default: { kafka: alerts } }'), 'fraud_alerts', '--from', 'earliest', '--limit', '1', '--pretty']);
    expect(await one.code).toBe(0);
    expect(one.out.text).toContain('CardTesting');
  });
});

describe('files', () => {
  test('what is added, through rotation; half a line is waited for', async () => {
    const path = folder.write('alerts.jsonl', `${jsonOf(alertOf(1))}\n`);
    const one = run([jobFile('{ default: { file: alerts.jsonl } }')]);
    await new Promise((resolve) => { setTimeout(resolve, 150); });
    const line = jsonOf(alertOf(2));
    appendFileSync(path, line.slice(0, 20));
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    expect(one.out.text).toBe('');
    appendFileSync(path, `${line.slice(20)}\n`);
    await until(() => idsOf(one).length === 1, 'the line that was added');
    renameSync(path, join(folder.path, 'alerts.1.jsonl'));
    writeFileSync(path, `${jsonOf(alertOf(3))}\n`);
    await until(() => idsOf(one).length === 2, 'the line of the new file');
    expect(idsOf(one)).toEqual(['id-2', 'id-3']);
  });

  test('--from earliest, and --from a time by when alerts were detected', async () => {
    folder.write('alerts.jsonl', [1, 2, 3].map((n) => `${jsonOf(alertOf(n, { detected: T0 + n * 60_000 }))}\n`).join(''));
    const file = jobFile('{ default: { file: alerts.jsonl } }');
    const all = run([file, '--from', 'earliest', '--limit', '3']);
    const late = run([file, '--from', '2026-04-01T12:02:00Z', '--limit', '2']);
    expect([await all.code, await late.code]).toEqual([0, 0]);
    expect([idsOf(all), idsOf(late)]).toEqual([['id-1', 'id-2', 'id-3'], ['id-2', 'id-3']]);
  });

  test('one that is not there yet is waited for', async () => {
    const one = run([jobFile('{ default: { file: alerts.jsonl } }'), '--limit', '1']);
    await until(() => one.err.text.includes('There is no file'), 'a note');
    folder.write('alerts.jsonl', `${jsonOf(alertOf(1))}\n`);
    expect(await one.code).toBe(0);
  });
});

describe('MQTT', () => {
  test('topics that the sink\'s pattern may become; what is retained only from earliest', async () => {
    const mqttBroker = await startEmbeddedBroker();
    const client = await mqtt.connectAsync(mqttBroker.url);
    try {
      const publish = (n: number, topic: string, retain = false) => client.publishAsync(topic, jsonOf(alertOf(n)), { qos: 1, retain });
      await publish(1, 'alerts/fraud_alerts/CardTesting', true);
      const file = jobFile('{ default: { mqtt: {} } }', `mqtt: { url: "${mqttBroker.url}", protocol: 3.1.1 }`);
      const [fresh, old] = [run([file, 'fraud_alerts']), run([file, 'fraud_alerts', '--from', 'earliest', '--limit', '1'])];
      expect(await old.code).toBe(0);
      expect(idsOf(old)).toEqual(['id-1']);
      for (let n = 10; fresh.out.text === '' && n < 100; n++) {
        await publish(n, 'alerts/fraud_alerts/CardTesting');
        await new Promise((resolve) => { setTimeout(resolve, 50); });
      }
      await publish(2, 'alerts/review/Other');
      await publish(3, 'alerts/fraud_alerts/Any');
      await until(() => idsOf(fresh).includes('id-3'), 'an alert');
      expect(idsOf(fresh)).not.toEqual(expect.arrayContaining(['id-1']));
      expect(idsOf(fresh)).not.toEqual(expect.arrayContaining(['id-2']));
      fresh.interrupt();
      expect(await fresh.code).toBe(0);
      const timed = run([file, '--from', '2026-04-01']);
      expect(await timed.code).toBe(2);
      expect(timed.err.text).toContain('MQTT keeps no past');
    } finally {
      await client.endAsync();
      await mqttBroker.stop();
    }
  });

  test('a broker that is away: why, and 1', async () => {
    const gone = await startEmbeddedBroker();
    await gone.stop();
    const one = run([jobFile('{ default: { mqtt: {} } }', `mqtt: { url: "${gone.url}", username: u, password: hunter2 }`)]);
    expect(await one.code).toBe(1);
    expect(one.err.text).toMatch(/^MQTT topics alerts\/\S+ at 127\.0\.0\.1:\d+: 127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED.* See the MQTT url, user and TLS options of the job file\.\n$/);
    expect(one.err.text).not.toContain('hunter2');
  });
});
