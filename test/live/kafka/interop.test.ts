/** Our records and offsets are those of other clients: kafkajs and @platformatic/kafka by themselves read what we write, and write what we read. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Admin, Consumer as PlatformaticConsumer, Producer as PlatformaticProducer, stringSerializers } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { openKafka, type Kafka } from '../../../src/connect/kafka/index.ts';
import { consumer, fresh, made, readAll, until } from '../../support/kafka/helpers.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { sharedKafka } from '../../support/shared-kafka.ts';

let brokers: readonly string[];
let kafka: Kafka;
beforeAll(async () => {
  ({ brokers } = await sharedKafka());
  kafka = await openKafka('kafkajs', { brokers, clientId: 'ours', log: keepingLog() });
}, 300_000);
afterAll(async () => {
  await kafka?.close();
});

const quiet = (): InstanceType<typeof kafkajs.Kafka> => new kafkajs.Kafka({ brokers: [...brokers], clientId: 'theirs', logLevel: kafkajs.logLevel.NOTHING });
const keys = Array.from({ length: 100 }, (_, i) => `card-${i}`);

test('kafkajs puts keys on the same partitions, and its records are read', async () => {
  const topic = await made(kafka, 'js-writes', 6);
  // Not idempotent, it would write a batch twice when one partition of a topic this young is refused.
  const producer = quiet().producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  await producer.send({ topic, compression: kafkajs.CompressionTypes.GZIP, messages: keys.map((key) => ({ key, value: key, headers: { h: 'x' } })) });
  await producer.disconnect();
  const ours = await made(kafka, 'ours', 6);
  await (await kafka.producer({})).send(keys.map((key) => ({ topic: ours, key, value: Buffer.from(key) })));
  for (let partition = 0; partition < 6; partition++) {
    const [theirs, own] = [await readAll(kafka, topic, partition), await readAll(kafka, ours, partition)].map((batches) => batches.flatMap((batch) => batch.values.map(String)));
    expect(theirs).toEqual(own);
  }
});

test('kafkajs reads committed records of ours, and the offsets of our transactions', async () => {
  const topic = await made(kafka, 'js-reads', 1);
  const group = fresh('group');
  const producer = await kafka.producer({ transactionalId: fresh('tx'), compression: 'gzip' });
  const send = async (value: string, commit: boolean): Promise<void> => {
    const transaction = await producer.begin();
    await transaction.send([{ topic, key: 'k', value: Buffer.from(value), headers: { rule: 'r' } }]);
    if (commit) await transaction.commit({ membership: { group, generation: -1, memberId: '' }, offsets: [{ topic, partition: 0, offset: 0, metadata: 'start' }] });
    else await transaction.abort();
  };
  await send('one', true);
  await send('never', false);
  await send('two', true);
  const admin = quiet().admin();
  await admin.connect();
  expect(await admin.fetchOffsets({ groupId: group, topics: [topic] })).toEqual([{ topic, partitions: [{ partition: 0, offset: '0', metadata: 'start' }] }]);
  await admin.disconnect();
  const reader = quiet().consumer({ groupId: group, maxWaitTimeInMs: 200 });
  const seen: string[] = [];
  await reader.connect();
  await reader.subscribe({ topic, fromBeginning: true });
  await reader.run({ async eachMessage({ message }) { seen.push(`${message.key} ${message.value} ${message.headers!['rule']}`); } });
  await until(() => seen.length === 2, 'both records');
  expect(seen).toEqual(['k one r', 'k two r']);
  await reader.disconnect();
}, 300_000);

test('@platformatic/kafka writes what is read here and reads what is written here', async () => {
  const topic = await made(kafka, 'platformatic', 1);
  const options = { clientId: 'theirs', bootstrapBrokers: [...brokers] };
  for (const compression of ['snappy', 'lz4', 'zstd'] as const) {
    const producer = new PlatformaticProducer({ ...options, serializers: stringSerializers, compression });
    await producer.send({ messages: [{ topic, partition: 0, key: 'k', value: compression, headers: { h: 'x' } }] });
    await producer.close();
    await (await kafka.producer({ compression })).send([{ topic, partition: 0, key: 'k', value: Buffer.from(`ours ${compression}`) }]);
  }
  const expected = ['snappy', 'ours snappy', 'lz4', 'ours lz4', 'zstd', 'ours zstd'];
  const ours = await consumer(kafka, { topics: [topic] });
  await until(() => ours.values.length === 6, 'all records');
  expect(ours.values).toEqual(expected);
  await ours.close();
  const theirs = new PlatformaticConsumer({ ...options, groupId: fresh('group') });
  const stream = await theirs.consume({ topics: [topic], mode: 'earliest', autocommit: false });
  const seen: string[] = [];
  for await (const message of stream) if (seen.push(String(message.value)) === 6) break;
  expect(seen).toEqual(expected);
  await theirs.close(true);
}, 300_000);

test('a group of ours is an ordinary consumer group to Kafka\'s tools', async () => {
  const topic = await made(kafka, 'tools', 2);
  const group = fresh('group');
  const reader = await consumer(kafka, { group, topics: [topic] });
  await until(() => reader.held().length === 2, 'the assignment');
  const admin = new Admin({ clientId: 'tools', bootstrapBrokers: [...brokers] });
  const described = (await admin.describeGroups({ groups: [group] })).get(group)!;
  expect([described.state, described.protocolType, described.members.size]).toEqual(['Stable', 'consumer', 1]);
  const [member] = [...described.members.values()];
  expect(member!.assignments!.get(topic)!.partitions).toEqual([0, 1]);
  await admin.close();
  await reader.close();
});
