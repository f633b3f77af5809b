import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import mqtt from 'mqtt';
import { interceptAcks, OwedAcks } from '../../../src/connect/mqtt/acks.ts';
import type { Ack } from '../../../src/connect/mqtt/acks.ts';
import { eventMaker, recordTime } from '../../../src/connect/mqtt/fields.ts';
import type { MessageFacts } from '../../../src/connect/mqtt/fields.ts';
import { filterMatches, plainFilter, topicLevel } from '../../../src/connect/mqtt/topics.ts';
import { MqttSource } from '../../../src/connect/mqtt/index.ts';

const facts: MessageFacts = {
  topic: 'site/kitchen/temperature', retain: true, dup: false, qos: 1, received: 1_700_000_000_123,
  properties: { site: 'north "1"', at: '2026-01-02T03:04:05Z', ms: '1700000000000', many: ['first', 'second'] },
};

function made(payload: string | Buffer, fields: Record<string, string>, valueField?: string): string | null {
  const value = eventMaker(fields, valueField)(Buffer.from(payload), facts);
  return value === null ? null : Buffer.from(value).toString();
}

describe('events of MQTT messages', () => {
  test('fields come from the topic, the properties and the marks, and win over those of the message', () => {
    const fields = {
      whole: 'topic', room: 'topic 2', last: 'topic -1', none: 'topic 9', site: 'property site', many: 'property many', absent: 'property absent',
      old: 'retained', again: 'duplicate', q: 'qos', seen: 'received',
    };
    expect(JSON.parse(made(' {"room":"spoofed","t":21.5}\n', fields)!)).toEqual({
      whole: 'site/kitchen/temperature', room: 'kitchen', last: 'temperature', site: 'north "1"', many: 'first', t: 21.5,
      old: true, again: false, q: 1, seen: 1_700_000_000_123,
    });
  });

  test.each([
    ['{}', '{"room":"kitchen"}'],
    ['{ \n }', '{ \n "room":"kitchen"}'],
    ['{"a":{}}', '{"a":{},"room":"kitchen"}'],
    ['[1]', '[1]'],
    ['nonsense', 'nonsense'],
    ['{', '{'],
    ['', null],
  ])('%j becomes %j', (payload, expected) => {
    const got = made(payload, { room: 'topic 2' });
    if (expected?.startsWith('{') === true && expected.length > 1) expect(JSON.parse(got!)).toEqual(JSON.parse(expected));
    else expect(got).toBe(expected);
  });

  test.each([['21.5', '{"v":21.5,"room":"kitchen"}'], ['on', '{"v":"on","room":"kitchen"}'], [' "x" ', '{"v":"x","room":"kitchen"}'], ['[1,2]', '{"v":[1,2],"room":"kitchen"}'], ['{"a":1}', '{"a":1,"room":"kitchen"}']])(
    'with a field for values, %j becomes %j', (payload, expected) => {
      expect(made(payload, { room: 'topic 2' }, 'v')).toBe(expected);
    });

  test('bytes that are no text are left as they are, for the job to reject', () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00]);
    expect(eventMaker({ room: 'topic 2' }, 'v')(bytes, facts)).toEqual(bytes);
  });

  test('an origin that is none is refused with those there are', () => {
    for (const origin of ['topics', 'topic 0', 'topic x', 'property', '', 'retained 1']) {
      expect(() => eventMaker({ a: origin }, undefined)).toThrow(/field "a" cannot come from .*topic N/);
    }
  });

  test('the time is that of arrival, or a property in ms or ISO 8601', () => {
    expect(recordTime('arrival')(facts)).toBe(1_700_000_000_123);
    expect(recordTime('property ms')(facts)).toBe(1_700_000_000_000);
    expect(recordTime('property at')(facts)).toBe(Date.parse('2026-01-02T03:04:05Z'));
    expect(recordTime('property absent')(facts)).toBeNaN();
    expect(recordTime('property site')(facts)).toBeNaN();
    expect(() => recordTime('payload')).toThrow(/arrival, property NAME/);
  });
});

describe('topic filters', () => {
  test.each([
    ['a/b', 'a/b', true], ['a/b', 'a/b/c', false], ['a/+', 'a/b', true], ['a/+', 'a', false], ['a/+/c', 'a/b/c', true], ['a/#', 'a', true], ['a/#', 'a/b/c', true],
    ['#', 'a/b', true], ['#', '$SYS/x', false], ['+/x', '$SYS/x', false], ['$SYS/#', '$SYS/x', true], ['a/+', 'a/', true], ['+', '/a', false], ['+/+', '/a', true],
  ])('%s takes %s: %s', (filter, topic, expected) => {
    expect(filterMatches(filter, topic)).toBe(expected);
  });

  test('a shared subscription is known by the filter behind its group', () => {
    expect(plainFilter('$share/fraud/a/+')).toBe('a/+');
    for (const wrong of ['$share/fraud', '$share//a', '$share/f+/a', 'a/b+', 'a/#/b', 'a#', '']) expect(() => plainFilter(wrong)).toThrow(/filter|shared|group/);
  });

  test('what is put into a topic stays one level', () => {
    expect(topicLevel('a/b+c#d%')).toBe('a%2Fb%2Bc%23d%25');
  });
});

describe('acknowledgements', () => {
  const ack = (messageId: number): Ack => ({ cmd: 'puback', messageId });

  test('they go out in the order of the messages, up to what is released', () => {
    const sent: number[] = [];
    const owed = new OwedAcks(({ messageId }) => sent.push(messageId));
    for (let i = 0; i < 10; i++) owed.owe(ack(100 + i), i, '', true);
    owed.release(4);
    expect(sent).toEqual([100, 101, 102, 103]);
    owed.release(2);
    expect(owed.size).toBe(6);
    owed.owe(ack(3), 1, '', true);
    owed.release(10);
    expect(sent).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 3]);
  });

  test('a lost connection takes them along; what is sent again is known by its packet id, once', () => {
    const sent: number[] = [];
    const owed = new OwedAcks(({ messageId }) => sent.push(messageId));
    owed.owe(ack(1), 0, 'a', true);
    owed.owe(ack(2), 1, 'b', true);
    owed.connectionLost();
    owed.release(5);
    expect(sent).toEqual([]);
    expect(owed.recognise(1, 'a')).toBe(0);
    expect(owed.recognise(1, 'a')).toBeUndefined();
    expect(owed.recognise(2, 'another')).toBeUndefined();
    owed.owe(ack(3), 6, 'c', false);
    expect(owed.recognise(3, 'c')).toBe(6);
    owed.owe(ack(4), 7, 'd', false);
    owed.sessionLost();
    expect(owed.recognise(4, 'd')).toBeUndefined();
  });

  test('mqtt.js is of the version whose private parts were looked at', () => {
    const file = createRequire(import.meta.url).resolve('mqtt/package.json');
    expect((JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version).toBe('5.16.0');
  });

  test('mqtt.js sends every PUBACK and PUBREC by the private _sendPacket, and reads on when its callback is called', () => {
    const client = mqtt.connect('mqtt://127.0.0.1:1', { manualConnect: true });
    const sent: string[] = [];
    const internals = client as unknown as { _sendPacket(packet: { cmd: string }, callback?: () => void): void };
    const original = internals._sendPacket;
    expect(typeof original).toBe('function');
    expect(original.length).toBe(4);
    internals._sendPacket = ({ cmd }) => { sent.push(cmd); };
    const caught: Ack[] = [];
    const send = interceptAcks(client, (packet, next) => {
      caught.push(packet);
      next();
    });
    let read = 0;
    const handle = createRequire(createRequire(import.meta.url).resolve('mqtt'))('./lib/handlers').default as (client: unknown, packet: object, done: () => void) => void;
    handle(client, { cmd: 'publish', topic: 't', payload: Buffer.from('x'), qos: 1, messageId: 7 }, () => read++);
    handle(client, { cmd: 'publish', topic: 't', payload: Buffer.from('x'), qos: 2, messageId: 8 }, () => read++);
    handle(client, { cmd: 'publish', topic: 't', payload: Buffer.from('x'), qos: 0 }, () => read++);
    expect(caught.map(({ cmd, messageId }) => [cmd, messageId])).toEqual([['puback', 7], ['pubrec', 8]]);
    expect(read).toBe(3);
    expect(sent).toEqual([]);
    send(caught[0]!);
    expect(sent).toEqual(['puback']);
    expect(() => interceptAcks({} as never, () => undefined)).toThrow(/_sendPacket/);
  });
});

describe('options', () => {
  const options = { name: 'sensors', url: 'mqtt://h:1883', clientId: 'c', topics: [{ filter: 'a/#' }] };

  test.each([
    [{ topics: [] }, /names no topics/],
    [{ topics: [{ filter: 'a/#/b' }] }, /no topic filter/],
    [{ ack: 'on-journal' as const }, /needs a journal/],
    [{ receiveMaximum: 70_000 }, /receiveMaximum is 70000/],
    [{ url: 'nonsense' }, /mqtt:\/\/HOST:PORT/],
  ])('%j is refused', (change, message) => {
    expect(() => new MqttSource({ ...options, ...change })).toThrow(message);
  });

  test('no password in an error', async () => {
    const source = new MqttSource({ ...options, url: 'mqtt://user:hunter2@127.0.0.1:1', password: 'hunter3' });
    const error = await source.probe().then(() => undefined, (failure: unknown) => failure as Error);
    expect(`${error!.message} ${error!.stack}`).not.toMatch(/hunter/);
  });
});
