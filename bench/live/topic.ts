/** The topic that is read, and the alerts that come of it. */
import type { Kafka } from '../../src/connect/kafka/index.ts';
import { payments } from '../payments.ts';

/** Those of the bench's first workload. */
export const CARDS = 10_000;
export const SEED = 20_251_009;
const BATCH = 4000;

/** Makes the topic, of one partition, and fills it. */
export async function fill(kafka: Kafka, topic: string, events: number): Promise<void> {
  await kafka.ensureTopics([{ topic, partitions: 1 }]);
  const bytes = payments({ events, cards: CARDS, seed: SEED });
  const producer = await kafka.producer({});
  try {
    for (let at = 0; at < bytes.length;) {
      const records = [];
      while (records.length < BATCH && at < bytes.length) {
        const end = bytes.indexOf(10, at);
        records.push({ topic, key: bytes.subarray(at + 9, at + 19), value: bytes.subarray(at, end) });
        at = end + 1;
      }
      await producer.send(records);
    }
  } finally {
    await producer.close();
  }
}

/** How many alerts a reader of committed records finds. @throws when one is there twice */
export async function countAlerts(kafka: Kafka, topic: string): Promise<number> {
  const ids = new Set<string>();
  let count = 0;
  const [end] = await kafka.endOffsets(topic, 'read_committed');
  await kafka.read(topic, 0, 0, end!, 'read_committed', (batch) => {
    for (let i = 0; i < batch.count; i++) ids.add((JSON.parse(Buffer.from(batch.values[i]!).toString()) as { id: string }).id);
    count += batch.count;
  });
  if (ids.size !== count) throw new Error(`${topic} holds ${count} alerts of ${ids.size} ids`);
  return count;
}
