import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { openEvents } from '../../../src/connect/files/index.ts';
import type { Alert } from '../../../src/core/alert.ts';
import { Engine } from '../../../src/engine/index.ts';
import { planOf } from './harness.ts';

const data = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));
const transactions = `${data}card-tx-2018-04-05.csv.gz`;
const labels = `${data}card-tx-2018-04-05.labels.csv.gz`;
const present = [transactions, labels].every((path) => existsSync(path));
if (!present) console.warn(`skipped: the card transactions are not in ${data}`);

const TEXT = `
  event Tx { id: int from "tx_id", at: time from "ts", customer: int from "customer_id", amount: float } time at id id
  feature earlier = count() of Tx by customer
  feature mean    = avg(amount) of Tx by customer
  rule Spike {
    by customer
    match all tx
      tx: Tx where earlier >= 5 and amount > 3 * mean
    alert fraud { customer, id: tx.id, amount: tx.amount, earlier, mean }
  }`;

/** tx_id → scenario; what is not here is genuine. */
async function scenarios(): Promise<ReadonlyMap<number, number>> {
  const of = new Map<number, number>();
  for await (const line of createInterface({ input: createReadStream(labels).pipe(createGunzip()) })) {
    const [id, scenario] = line.split(',').map(Number);
    if (Number.isInteger(id)) of.set(id!, scenario!);
  }
  return of;
}

/** `cutAt`: after so many batches the engine is restored from its snapshot. */
async function spikes(cutAt = Infinity): Promise<Alert[]> {
  const plan = planOf(TEXT);
  const alerts: Alert[] = [];
  const rejected: string[] = [];
  const start = (): Engine => new Engine(plan, { onAlert: (alert) => { alerts.push(alert); }, now: () => 0 });
  const engine = start();
  if (cutAt !== Infinity) {
    const first = start();
    const reader = await openEvents({ path: transactions }, { schema: first.schema, strings: first.strings, onReject: ({ message }) => { rejected.push(message); } });
    const batch = first.newBatch(1024);
    for (let n = 0; n < cutAt && await reader.read(batch) > 0; n++) first.push(batch);
    await reader.close();
    engine.restore(first.snapshot());
  }
  const reader = await openEvents({ path: transactions }, { schema: engine.schema, strings: engine.strings, onReject: ({ message }) => { rejected.push(message); } });
  const batch = engine.newBatch(1024);
  for (let n = 0; await reader.read(batch) > 0; n++) if (cutAt === Infinity || n >= cutAt) engine.push(batch);
  await reader.close();
  engine.advance(Infinity);
  expect(rejected).toEqual([]);
  return alerts;
}

(present ? test : test.skip)('three times the mean of a customer\'s earlier transactions, after five of them: 1,047 alerts, 950 of them on frauds of scenario 3', async () => {
  const of = await scenarios();
  const alerts = await spikes();
  const scenarioOf = ({ fields }: Alert): number | undefined => of.get(Number(fields['id']));
  expect(alerts).toHaveLength(1047);
  expect(alerts.filter((alert) => scenarioOf(alert) === 3)).toHaveLength(950);
  expect(alerts.filter((alert) => scenarioOf(alert) !== undefined)).toHaveLength(962);
  expect([...of.values()].filter((scenario) => scenario === 3)).toHaveLength(1467);
  // A report has the value after its event, which is one of them.
  for (const { fields } of alerts) expect(Number(fields['earlier'])).toBeGreaterThan(5);
  const cut = await spikes(300);
  expect(cut.map(({ id }) => id)).toEqual(alerts.map(({ id }) => id));
}, 120_000);
