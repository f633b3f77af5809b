import { describe, expect, test } from '@jest/globals';
import { checkAgainstRules, fieldMapOf, isKeyedBy, paramsOf, rulesOf } from '../../../src/job/config/index.ts';
import { found, jobOf, load, programOf } from './support.ts';

const PROGRAM = programOf(`
param big: float = 100 in 1 .. 1000
param pause: duration = 10m
event Account { ts: time, account: string } time ts
event Login extends Account { device: string }
event Payment { ts: time, card: string, amount: float, merchant: string } time ts
event Exposure { ts: time, card: string } time ts

rule Large { by card match p within 1m p: Payment where amount > big alert fraud_alerts { card } emit Exposure { ts: p.ts, card } }
rule Shops { by merchant match a -> b within pause a: Payment b: Payment alert shop_alerts { merchant } }
rule All { match l within 1m l: Login alert fraud_alerts { device: l.device } }
rule Watched { by card match e within 1m e: Exposure alert watched { card } }
rule Trial { mode shadow by card match p within 1m p: Payment alert trials { card } }
rule Off { mode off by card match p within 1m p: Payment alert never { card } }
`);

const FILES = 'sources: { p: { file: p.jsonl } }';
const CHANNELS = 'channels: { fraud_alerts: { console: {} }, shop_alerts: { console: {} }, watched: { console: {} } }';

function check(more: string): string[] {
  const loaded = load(more);
  expect(loaded.problems).toEqual([]);
  return found({ problems: checkAgainstRules(loaded, PROGRAM) });
}

test('a job that fits its rules has no findings', () => {
  expect(check(`${FILES}\n${CHANNELS}`)).toEqual([]);
  expect(check('channels: { default: { console: {} } }')).toEqual([]);
});

describe('channels', () => {
  test('each that a rule alerts to has a sink; those of shadow rules and of rules that are off need none', () => {
    expect(check('channels: { fraud_alerts: { console: {} } }')).toEqual(['no-sink channels', 'no-sink channels']);
  });

  test('only those of the rules that are run', () => {
    expect(check('rules: { files: r, only: [Large] }\nchannels: { fraud_alerts: { console: {} } }')).toEqual([]);
  });

  test('a sink nobody alerts to is a warning, with the likely channel', () => {
    const loaded = load('channels: { fraud_alert: { console: {} }, default: { console: {} } }');
    expect(checkAgainstRules(loaded, PROGRAM)).toMatchObject([{ severity: 'warning', code: 'unused-channel', option: 'channels.fraud_alert', hint: 'did you mean "fraud_alerts"?' }]);
  });
});

describe('sources', () => {
  const KAFKA = `kafka: { brokers: a:1 }\nchannels: { default: { console: {} } }`;

  test('every type that is read comes from one, but for derived events', () => {
    expect(check('sources: { p: { file: p.jsonl, type: Payment } }')).toEqual(['no-source sources']);
    expect(check('sources: { p: { file: p.jsonl, type: Payment }, l: { file: l.jsonl, type: Login } }')).toEqual([]);
    expect(check(`${KAFKA}\nsources: { k: { kafka: { topics: [a, b], types: { a: Payment, b: Login } } } }`)).toEqual([]);
    expect(check(`${KAFKA}\nsources: { k: { kafka: { topics: [a, b], types: { a: Payment } } } }`)).toEqual([]);
    expect(check(`${KAFKA}\nsources: { k: { kafka: { topics: a, typeHeader: type }, type: Payment } }`)).toEqual([]);
  });

  test('types that are not declared are told where they are named', () => {
    expect(check('sources: { p: { file: p.jsonl, type: Paymnt }, all: { file: q.jsonl } }')).toEqual(['unknown-type sources.p.type']);
    expect(check(`${KAFKA}\nsources: { k: { kafka: { topics: [a, b], types: { a: Payment, b: Logon } } } }`)).toEqual(['no-source sources', 'unknown-type sources.k.kafka.types.b']);
    expect(check('mqtt: { url: "mqtt://x" }\nsources: { m: { mqtt: { topics: [a, { filter: b, type: X }] } } }')).toEqual(['unknown-type sources.m.mqtt.topics[1].type']);
    expect(check('sources: { h: { http: { types: [Payment, Logn] } }, all: { file: x } }')).toEqual(['unknown-type sources.h.http.types[1]']);
  });

  test('fields that are mapped exist, and subtypes have the names of their base', () => {
    expect(check('sources: { p: { file: p, map: { card: c, amout: a, Payment.crd: d, Paymet.card: e } } }')).toEqual([
      'unknown-field sources.p.map.amout', 'unknown-field sources.p.map."Payment.crd"', 'unknown-type sources.p.map."Paymet.card"']);
    const source = jobOf('sources: { p: { file: p, map: { ts: at, Account.account: acc, Login.ts: when } } }').sources.get('p')!;
    expect(fieldMapOf(source, PROGRAM)).toEqual(new Map([
      ['Account', new Map([['ts', 'at'], ['account', 'acc']])], ['Login', new Map([['ts', 'when'], ['account', 'acc']])],
      ['Payment', new Map([['ts', 'at']])], ['Exposure', new Map([['ts', 'at']])],
    ]));
  });

  test('rules that are not by what the topics are partitioned by are told', () => {
    const source = (field: string): string => `${KAFKA}\nsources: { k: { kafka: { topics: [a, b], partitionedBy: ${field}, types: { a: Payment, b: Login } } } }`;
    const option = 'sources.k.kafka.partitionedBy';
    expect(check(source('card'))).toEqual([`not-partitioned ${option}`, `not-partitioned ${option}`]);
    expect(check(source('crd'))).toEqual([`unknown-field ${option}`]);
    const large = PROGRAM.rules.find(({ name }) => name === 'Large')!;
    expect([isKeyedBy(PROGRAM, large, ['Payment'], 'card'), isKeyedBy(PROGRAM, large, ['Payment'], 'merchant')]).toEqual([true, false]);
  });
});

describe('params and names', () => {
  test('are those of the rules, inside their bounds', () => {
    expect(check(`rules: { files: r, params: { big: 5000, bigg: 1, pause: 10x }, only: [Large, Shop, Off] }\n${FILES}\n${CHANNELS}`)).toEqual([
      'wrong-value rules.params.big', 'unknown-param rules.params.bigg', 'wrong-value rules.params.pause', 'unknown-rule rules.only[1]', 'rule-off rules.only[2]',
      'unused-channel channels.shop_alerts', 'unused-channel channels.watched']);
  });

  test('are handed to the compiler as values of their types', () => {
    const job = jobOf('rules: { files: r, params: { big: 5, pause: 1h30m }, only: [Large, Off] }');
    expect(paramsOf(job, PROGRAM)).toEqual({ big: 5, pause: 5_400_000 });
    expect(rulesOf(job, PROGRAM).map(({ name }) => name)).toEqual(['Large']);
  });

  test('a place in the rules goes with the finding', () => {
    const [problem] = checkAgainstRules(load('channels: { shop_alerts: { console: {} }, watched: { console: {} } }'), PROGRAM);
    expect(problem).toMatchObject({ code: 'no-sink', span: { file: 'job.yaml' }, related: [{ span: { file: 'rules.cep' } }] });
  });
});
