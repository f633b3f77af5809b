/**
 * One Kafka for all suites that leave it alone: started when the first of them asks, stopped after the last test.
 * A broker takes seconds of two cores to start, and one is enough for suites that name their topics and groups after themselves. Suites that kill,
 * pause or cut off a broker, or need one set up in another way, start their own.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startKafka, type KafkaServer } from './brokers/index.ts';

/** Where suites, which run in other processes, ask for the address. */
const VARIABLE = 'ALCEDO_TEST_KAFKA';

let door: Server | undefined;
let kafka: Promise<KafkaServer> | undefined;

/** Brokers' addresses for a suite. It names its topics, groups and transactional ids so that no other has them, and does not stop the broker. */
export async function sharedKafka(): Promise<{ readonly brokers: readonly string[] }> {
  const url = process.env[VARIABLE];
  if (url === undefined) throw new Error('The shared Kafka is started by the globalSetup of jest.config.js: run the tests with npm test.');
  const answer = await fetch(url);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return { brokers: text.split(',') };
}

/** In jest's own process, before all suites. */
export function openDoor(): Promise<void> {
  door = createServer((_, response) => {
    // Transactions left open end soon, for the suite that looks at that; the others leave none.
    kafka ??= startKafka({ properties: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500' } });
    kafka.then(({ brokers }) => response.end(brokers.join()), (error: Error) => response.writeHead(500).end(error.message));
  });
  return new Promise((resolve) => {
    door!.listen(0, '127.0.0.1', () => {
      process.env[VARIABLE] = `http://127.0.0.1:${(door!.address() as AddressInfo).port}`;
      resolve();
    });
  });
}

/** After all suites. */
export async function closeDoor(): Promise<void> {
  door?.closeAllConnections();
  door?.close();
  const server = await kafka?.catch(() => undefined);
  await server?.stop();
}
