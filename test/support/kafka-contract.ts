/** What every adapter of the Kafka port keeps: run for the in-process broker in the unit tests, for both clients against a real broker in test/live. */
import { describe } from '@jest/globals';
import type { Kafka } from '../../src/connect/kafka/index.ts';
import { consuming } from './kafka/consuming.ts';
import { groups } from './kafka/groups.ts';
import type { Closing } from './kafka/helpers.ts';
import { producing } from './kafka/producing.ts';
import { topicsAndOffsets } from './kafka/topics.ts';
import { transactions } from './kafka/transactions.ts';

/** `open` gives a client of one and the same cluster each time. */
export function kafkaContract(name: string, open: () => Promise<Kafka>): void {
  describe(name, () => {
    const opened: Kafka[] = [];
    const client = async (): Promise<Kafka> => {
      const kafka = await open();
      opened.push(kafka);
      return kafka;
    };
    const closing: Closing = (work) => async () => {
      try {
        await work(await client());
      } finally {
        await Promise.all(opened.splice(0).map((kafka) => kafka.close()));
      }
    };

    topicsAndOffsets(closing);
    producing(closing);
    transactions(closing, client);
    consuming(closing);
    groups(closing, client);
  });
}
