/**
 * `node bench/live/produce.ts BROKERS TOPIC RATE SECONDS`: payments at a steady rate, stamped with the clock as they are handed to the producer. Prints how many
 * there were, and how many a second, as JSON.
 */
import { openKafka, type ProducedRecord } from '../../src/connect/kafka/index.ts';
import { makeLog } from '../../src/job/log.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { payments } from '../payments.ts';
import { CARDS, SEED } from './topic.ts';

export interface ProduceResult { readonly events: number; readonly rate: number }

const [brokers, topic, rate, seconds] = process.argv.slice(2) as [string, string, string, string];
const perSecond = Number(rate);
const events = perSecond * Number(seconds);
/** Without their times, which come as they are sent. */
const lines = Buffer.from(payments({ events, cards: CARDS, seed: SEED })).toString('latin1').split('\n').map((line) => line.replace(/\d+\}$/, ''));

const kafka = await openKafka('platformatic', { brokers: [brokers], clientId: 'bench-produce', log: makeLog({ level: 'warn', format: 'pretty' }) });
const producer = await kafka.producer({});
const began = performance.now();
for (let sent = 0; sent < events;) {
  const due = Math.min(events, Math.floor((performance.now() - began) / 1000 * perSecond));
  // In lots of 2 ms, and what is left at the end.
  if (due - sent < perSecond / 500 && due < events) {
    await sleep(1);
    continue;
  }
  const now = Date.now();
  const records: ProducedRecord[] = [];
  for (; sent < due; sent++) records.push({ topic, key: lines[sent]!.slice(9, 19), value: Buffer.from(`${lines[sent]!}${now}}`, 'latin1') });
  await producer.send(records);
}
const took = (performance.now() - began) / 1000;
await producer.close();
await kafka.close();
process.stdout.write(JSON.stringify({ events, rate: events / took } satisfies ProduceResult));
