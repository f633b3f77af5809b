import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { ads, DEFAULT_START, toJsonLine } from '../../../simulators/index.ts';
import { startKafka, startRedis, type KafkaServer, type RedisServer } from '../../support/brokers/index.ts';
import { client, JobFolder } from '../../support/job.ts';
import { fileURLToPath } from 'node:url';

let kafka: KafkaServer;
let redis: RedisServer;
const folder = new JobFolder();
beforeAll(async () => { [kafka, redis] = await Promise.all([startKafka(), startRedis()]); }, 120_000);
afterAll(async () => { await folder.remove(); await kafka.stop(); await redis.stop(); });

const RULES = fileURLToPath(new URL('../../../rules/ads', import.meta.url));

test('views by campaign: events from Kafka, the table from Redis, counts to a Redis stream, equal to counting them by hand', async () => {
  const options = { seed: 3, rate: 200, start: DEFAULT_START, duration: 60_000, keys: 20 };
  const campaignOf = new Map(ads.tables!(options).get('ads')!.map((row) => [row['ad_id']!, row['campaign_id']!]));
  const events = [...ads.events(options)];
  const expected = new Map<string, number>();
  for (const { time, fields } of events) {
    if (fields['event_type'] !== 'view') continue;
    const window = `${campaignOf.get(String(fields['ad_id']))}@${Math.floor(time / 10_000) * 10_000}`;
    expected.set(window, (expected.get(window) ?? 0) + 1);
  }
  // The last window stays open: no event comes after it.
  for (const window of expected.keys()) if (Number(window.split('@')[1]) >= DEFAULT_START + 50_000) expected.delete(window);

  const store = new Redis(redis.url);
  for (const [ad, campaign_id] of campaignOf) await store.hset('ads', ad, JSON.stringify({ campaign_id }));
  const cluster = await client(kafka.brokers[0]!);
  await cluster.ensureTopics([{ topic: 'ad-events', partitions: 1 }]);
  const producer = await cluster.producer({});
  for (let i = 0; i < events.length; i += 500) await producer.send(events.slice(i, i + 500).map((event) => ({ topic: 'ad-events', key: event.id, value: Buffer.from(toJsonLine(event)) })));
  folder.file('ads.yaml', `
name: campaign-views
rules: ${RULES}
kafka: { brokers: "${kafka.brokers[0]!}" }
redis: { url: "${redis.url}" }
sources: { events: { kafka: { topics: [ad-events] }, type: AdEvent, idle: never, lateness: 0s } }
tables: { ads: { redis: { hash: ads } } }
channels: { campaign_views: { redisStream: { stream: views } } }
state: { redis: {}, checkpoint: 200ms }
http: false
`);
  const run = folder.start('ads.yaml');
  await run.says('the table is loaded');
  await run.says('the job runs');
  const counted = new Map<string, number>();
  for (const end = Date.now() + 30_000; counted.size < expected.size && Date.now() < end;) {
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    for (const [, fields] of await store.xrange('views', '-', '+')) {
      const alert = JSON.parse(fields[fields.indexOf('value') + 1]!) as { key: { campaign: string }; fields: { window: string; views: number } };
      counted.set(`${alert.key.campaign}@${Date.parse(alert.fields.window)}`, alert.fields.views);
    }
  }
  expect([...counted].sort()).toEqual([...expected].sort());
  expect(expected.size).toBe(100);
  expect(await run.end('SIGTERM')).toBe(0);
  await producer.close();
  await cluster.close();
  store.disconnect();
}, 120_000);
