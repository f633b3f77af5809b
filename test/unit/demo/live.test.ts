import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { messageOf } from '../../../src/cli/demo/publisher.ts';
import { jobText, readDemoJob } from '../../../src/cli/demo/job-file.ts';
import { runDemo } from '../../../src/cli/demo/live.ts';
import { World } from '../../../src/cli/demo/world.ts';
import type { Io } from '../../../src/cli/io.ts';
import { compile } from '../../../src/compile/index.ts';
import { MemoryBroker, openMemoryKafka } from '../../../src/connect/kafka/index.ts';
import type { Log } from '../../../src/connect/types.ts';
import { makeDecoder } from '../../../src/decode/index.ts';
import { Engine } from '../../../src/engine/index.ts';

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => silent };
/** Interrupted as soon as `enough` says so of what was written. */
function place(enough: (text: string) => boolean): { io: Io; text: () => string } {
  const stdout = new PassThrough();
  const interruption = new AbortController();
  let text = '';
  stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (enough(text)) interruption.abort();
  });
  return { io: { stdin: new PassThrough(), stdout, stderr: new PassThrough(), env: {}, interrupted: interruption.signal, fail: () => undefined }, text: () => text };
}

const told = (text: string): number => text.match(/^(LOW|MEDIUM|HIGH|CRITICAL) /gm)?.length ?? 0;

/** Ids of the committed alerts of the topics, by partition. */
async function committed(topics: MemoryBroker): Promise<string[]> {
  const kafka = await openMemoryKafka(topics, { log: silent });
  const ids: string[] = [];
  for (const topic of ['fraud-alerts', 'iot-alerts']) {
    for (const [partition, end] of (await kafka.endOffsets(topic, 'read_committed')).entries()) {
      await kafka.read(topic, partition, 0, end, 'read_committed', (batch) => { for (let i = 0; i < batch.count; i++) ids.push(batch.header(i, 'id')!); });
    }
  }
  await kafka.close();
  return ids;
}

/** Ids of the alerts that the engine alone gives on the first `count` events that the job reads. */
async function expected(io: Io, seed: string, count: number): Promise<string[]> {
  const { program, config } = await readDemoJob(io, jobText('mqtt://127.0.0.1:1', 'data'));
  const read = new Set([...config.sources.values()].flatMap((source) => (source.kind === 'mqtt' ? source.options.topics.map(({ type }) => type!) : [])));
  const events = new World(seed, () => {}).upTo(Infinity, 2 * count).filter(({ event }) => read.has(event.type)).slice(0, count);
  const ids: string[] = [];
  for (const source of ['payments', 'sensors'] as const) {
    const channel = source === 'payments' ? 'fraud_alerts' : 'iot_alerts';
    const rules = program.rules.filter((rule) => rule.outputs.some(({ target }) => target === channel)).map(({ name }) => name);
    const engine = new Engine(compile(program, { rules }), { onAlert: ({ id }) => { ids.push(id); }, watermarks: 'given' });
    const decoder = makeDecoder(engine.schema, engine.strings, { typeField: 'type' });
    const own = events.filter((event) => event.source === source);
    for (const { event } of own) {
      const batch = engine.newBatch(1);
      const { sensor } = event.fields;
      const { payload } = messageOf(source, event);
      const bytes = new TextEncoder().encode(`${sensor === undefined ? payload : `${payload.slice(0, -1)},"sensor":"${sensor}"}`}\n`);
      decoder.decodeLines(bytes, 0, bytes.length, batch, (reject) => { throw new Error(reject.message); });
      engine.push(batch);
      engine.advance(event.time, true);
    }
  }
  return ids;
}

test('each alert that the engine gives on what was published is on the topics once, and is told from there; nothing is left', async () => {
  const { io, text } = place((written) => told(written) >= 8);
  const topics = new MemoryBroker();
  await runDemo(io, { for: Infinity, speed: 600, seed: 'live', topics });
  const out = text();
  const count = Number(/^([\d,]+) events over MQTT/m.exec(out)![1]!.replaceAll(',', ''));
  const ids = await committed(topics);
  expect(ids.length).toBeGreaterThanOrEqual(8);
  expect([...ids].sort()).toEqual((await expected(io, 'live', count)).sort());
  expect(told(out)).toBe(ids.length);
  const [, fraud, iot] = /alerts committed: ([\d,]+) to fraud-alerts, ([\d,]+) to iot-alerts\./.exec(out)!;
  expect(Number(fraud) + Number(iot)).toBe(ids.length);
  expect(out).not.toMatch(/\d (rejected|late)/);
  expect(out).toMatch(/^[1-9]\d* checkpoints; publish to committed alert: p50 [\dms]+; /m);
  expect(out).not.toContain('\u001b');

  expectNoFiles(out);
  await expect(canConnect(Number(/MQTT on 127\.0\.0\.1:(\d+)\./.exec(out)![1]))).resolves.toBe(false);
});

test('its time over, it ends with what it has; so it does when it is interrupted before anything has come', async () => {
  const soon = place(() => false);
  await runDemo(soon.io, { for: 1000, speed: 60, seed: '1' });
  expect(soon.text()).toMatch(/^rule +alerts +injected +found$/m);
  expect(soon.text()).toMatch(/^[1-9][\d,]* events over MQTT/m);

  const atOnce = place(() => true);
  await runDemo(atOnce.io, { for: Infinity, speed: 60, seed: '1' });
  expect(atOnce.text()).toMatch(/^0 events over MQTT/m);
  for (const { text } of [soon, atOnce]) expectNoFiles(text());
});

/** The folder that the job file names is removed. */
function expectNoFiles(out: string): void {
  const data = JSON.parse(/^ {2}data: (".+")$/m.exec(out)![1]!) as string;
  expect(data).toContain('alcedo-demo-');
  expect(existsSync(data)).toBe(false);
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => { resolve(false); });
  });
}
