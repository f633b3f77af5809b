import { expect, test } from '@jest/globals';
import type { Api } from '../../../src/connect/kafka/client/api.ts';
import { KafkaClient } from '../../../src/connect/kafka/client/kafka.ts';
import { CODE, KafkaError } from '../../../src/connect/kafka/errors.ts';
import { keepingLog } from '../../support/quiet-log.ts';

/** A broker that knows one topic and never has its offsets at hand, as one whose connection was just closed. */
function brokenApi(asked: () => void): Api {
  const api: Partial<Api> = {
    adapter: 'kafkajs',
    metadata: async () => [{ topic: 'alerts', error: CODE.NONE, leaders: [1] }],
    listOffsets: async () => {
      asked();
      throw new KafkaError(CODE.NETWORK, 'the client is closed');
    },
    close: async () => {},
  };
  return api as Api;
}

test('what is under way when a client is closed ends then, and is not tried again for a minute', async () => {
  let times = 0;
  let ask!: () => void;
  const isAsked = new Promise<void>((resolve) => { ask = resolve; });
  const client = await KafkaClient.open(brokenApi(() => { times++; ask(); }), keepingLog(), ['127.0.0.1:1']);
  const ends = client.endOffsets('alerts');
  ends.catch(() => {});
  await isAsked;
  await client.close();
  await expect(ends).rejects.toThrow(/Could not list the offsets of alerts/);
  expect(times).toBeLessThan(5);
}, 5000);
