import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadJob, readJobText } from '../../../src/job/config/index.ts';
import { printDuration, printSize, readDuration, readSize, readTime, unitHint } from '../../../src/job/config/units.ts';
import { jobOf, jobText, load, found } from './support.ts';

describe('units', () => {
  test.each([['0', 0], ['250ms', 250], ['5s', 5000], ['1.5s', 1500], ['1h30m', 5_400_000], ['7d', 604_800_000]])('%s is a duration', (text, ms) => {
    expect(readDuration(text)).toBe(ms);
  });

  test.each([['0', 0], ['512B', 512], ['10kB', 10_000], ['64MiB', 67_108_864], ['1.5GiB', 1_610_612_736]])('%s is a size', (text, bytes) => {
    expect(readSize(text)).toBe(bytes);
  });

  test.each(['', '5', '5 s', '-5s', 's', '5S', '5sec', 'never'])('"%s" is no duration', (text) => {
    expect(readDuration(text)).toBeUndefined();
  });

  test('what is printed is read as the same', () => {
    for (const ms of [0, 1, 999, 1000, 61_000, 90_061_001, 604_800_000]) expect(readDuration(printDuration(ms))).toBe(ms);
    for (const bytes of [0, 1, 1000, 1024, 1536, 67_108_864, 10_000_000]) expect(readSize(printSize(bytes))).toBe(bytes);
    expect([printDuration(5_400_000), printSize(67_108_864), printSize(10_000_000)]).toEqual(['1h30m', '64MiB', '10MB']);
  });

  test('a unit that is missing or unknown is told', () => {
    expect(unitHint('duration', '5')).toMatch('the unit is missing: ms, s, m, h, d');
    expect(unitHint('size', '5 Mb')).toMatch('there is no unit "Mb"');
    expect(unitHint('duration', '5 s')).toBe('no space before the unit');
  });

  test('a time is a date, or a date and a time with its zone', () => {
    expect(readTime('2026-04-01')).toBe(Date.UTC(2026, 3, 1));
    expect(readTime('2026-04-01T12:30:00+02:00')).toBe(Date.UTC(2026, 3, 1, 10, 30));
    expect(readTime('2026-04-01T12:30:00')).toBeNaN();
    expect(readTime('2026-02-30')).toBeNaN();
  });
});

describe('a job', () => {
  test('has the defaults of what is left out', () => {
    const job = jobOf();
    expect(job).toMatchObject({
      name: 'fraud', data: 'data/fraud', flush: 10, rules: { files: ['rules/'] },
      state: { kind: 'sqlite', options: { path: 'data/fraud/state.sqlite' }, checkpoint: { interval: 1000, timeout: 30_000, retain: 3 } },
      http: { enabled: true, host: '127.0.0.1', port: 7070 }, log: { level: 'info', format: 'json' }, shutdown: { deadline: 30_000 },
    });
    expect([job.kafka, job.late, job.http.token]).toEqual([undefined, undefined, undefined]);
    expect(job.sources.get('payments')).toMatchObject({
      kind: 'file', options: { path: 'payments.jsonl', follow: false }, typeField: 'type', time: { kind: 'field' }, lateness: 0, idle: 30_000, ahead: 'never',
    });
  });

  test('is read with everything given', () => {
    const job = jobOf(`
kafka: { brokers: [a:9092, "[::1]:9093"], adapter: platformatic, sasl: { mechanism: plain, username: u, password: p }, transactionTimeout: 2m }
redis: { sentinels: [s1:26379, s2:26379], master: m }
mqtt: { url: "mqtts://broker:8883", protocol: 3.1.1 }
sources:
  payments:
    kafka: { topics: [payments, refunds], partitionedBy: card, start: 2026-04-01T00:00:00Z, isolation: uncommitted, types: { payments: Payment, refunds: Refund } }
    map: { card: customer_id, Refund.at: ts }
    time: header x-time
    lateness: 2m30s
    idle: never
  plant: { mqtt: { topics: ["a/+", { filter: b/#, qos: 2, type: Door }], ack: on-journal, journal: { fsync: 100ms, maxBytes: 2GiB } } }
channels:
  fraud_alerts: { kafka: { topic: "alerts.{channel}", create: { partitions: 3, config: { retention.ms: "1000" } } } }
  ops: { webhook: { url: "https://ops/x", headers: { authorization: "Bearer x" } } }
  screen: { console: stderr }
state: { redis: { client: redis }, checkpoint: { interval: 100ms, fullEvery: 10 } }
late: { file: late.jsonl }
shutdown: 1m`);
    expect(job.kafka).toMatchObject({ brokers: ['a:9092', '[::1]:9093'], adapter: 'platformatic', clientId: 'fraud', transactionTimeout: 120_000 });
    expect(job.sources.get('payments')).toMatchObject({
      kind: 'kafka', time: { kind: 'header', name: 'x-time' }, lateness: 150_000, idle: 'never', ahead: 300_000,
      options: { start: Date.UTC(2026, 3, 1), isolation: 'read_uncommitted', types: new Map([['payments', 'Payment'], ['refunds', 'Refund']]) },
    });
    expect(job.sources.get('plant')).toMatchObject({
      options: {
        connection: { url: 'mqtts://broker:8883', protocol: 4 }, ack: 'on-journal', journal: { fsync: 100, maxBytes: 2 ** 31 },
        topics: [{ filter: 'a/+', qos: 1 }, { filter: 'b/#', qos: 2, type: 'Door' }],
      },
    });
    expect(job.state).toMatchObject({
      kind: 'redis', options: { client: 'redis', prefix: 'alcedo:fraud', connection: { sentinels: [{ host: 's1', port: 26_379 }, { host: 's2', port: 26_379 }], master: 'm' } },
      checkpoint: { interval: 100, fullEvery: 10 },
    });
    expect(job.channels.get('screen')).toMatchObject({ kind: 'console', options: { to: 'stderr' } });
    expect(job.shutdown.deadline).toBe(60_000);
  });

  test('takes short forms for the sections that have one', () => {
    expect(jobOf('rules: a.cep').rules.files).toEqual(['a.cep']);
    expect(jobOf('rules: [a.cep, b]').rules.files).toEqual(['a.cep', 'b']);
    expect(jobOf('rules: { files: a.cep, only: X }').rules).toMatchObject({ files: ['a.cep'], only: ['X'] });
    expect(jobOf('http: false').http.enabled).toBe(false);
    expect(jobOf('state: { checkpoint: 5s }').state).toMatchObject({ kind: 'sqlite', checkpoint: { interval: 5000 } });
    expect(jobOf('state:\n  memory:').state.kind).toBe('memory');
  });

  test('takes a part of the file again by an alias', () => {
    const job = jobOf('channels:\n  a: &sink { file: a.jsonl }\n  b: *sink\nlate: *sink');
    expect([job.channels.get('b'), job.late]).toMatchObject([{ kind: 'file', options: { path: 'a.jsonl' } }, { kind: 'file', options: { path: 'a.jsonl' } }]);
  });

  test('has its relative paths from the folder of the file', () => {
    const { job } = readJobText('/etc/alcedo/job.yaml', jobText('rules: [rules, /opt/rules]\nstate: { directory: {} }'), {});
    expect(job?.rules.files).toEqual(['/etc/alcedo/rules', '/opt/rules']);
    expect(job?.data).toBe('/etc/alcedo/data/fraud');
    expect(job?.state.options).toEqual({ path: '/etc/alcedo/data/fraud/state' });
  });
});

describe('environment variables', () => {
  test('stand for text, numbers, flags, durations and choices', () => {
    const job = jobOf(`
http: { port: "\${PORT}", enabled: "\${ON}", token: "a\${T}b" }
flush: "\${FLUSH:25ms}"
log: { level: "\${LEVEL:debug}", format: "\${EMPTY:pretty}" }`, { PORT: '81', ON: 'true', T: '${X}', EMPTY: '' });
    expect(job).toMatchObject({ http: { port: 81, enabled: true, token: 'a${X}b' }, flush: 25, log: { level: 'debug', format: 'pretty' } });
  });

  test('$${ is the characters themselves', () => {
    expect(jobOf('sources: { s: { file: "a$${b}" } }').sources.get('s')).toMatchObject({ options: { path: 'a${b}' } });
  });

  test('an option with an empty default is left out where the variable is not set', () => {
    expect(jobOf('http: { token: "${TOKEN:}" }').http.token).toBeUndefined();
    expect(jobOf('http: { token: "${TOKEN:}" }', { TOKEN: 't' }).http.token).toBe('t');
  });
});

describe('files', () => {
  let folder: string;
  beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'alcedo-config-')); });
  afterAll(() => { rmSync(folder, { recursive: true }); });

  test('certificates are read, and one that is not there is told', () => {
    writeFileSync(join(folder, 'ca.pem'), 'authority');
    writeFileSync(join(folder, 'rules.cep'), '');
    const write = (tls: string): string => {
      const file = join(folder, 'job.yaml');
      writeFileSync(file, jobText(`rules: rules.cep\nkafka: { brokers: a:1, tls: ${tls} }`));
      return file;
    };
    expect(loadJob(write('{ ca: ca.pem, serverName: kafka }'), {}).job?.kafka?.tls).toEqual({ ca: Buffer.from('authority'), servername: 'kafka', rejectUnauthorized: true });
    expect(loadJob(write('true'), {}).job?.kafka?.tls).toEqual({ rejectUnauthorized: true });
    expect(loadJob(write('false'), {}).job).toMatchObject({ kafka: { tls: undefined } });
    expect(found(loadJob(write('{ ca: other.pem }'), {}))).toEqual(['unreadable kafka.tls.ca']);
  });

  test('a job file or rules that are not there', () => {
    expect(loadJob(join(folder, 'none.yaml'), {}).problems.map(({ message }) => message)).toEqual(['Cannot read the job file: there is no such file.']);
    const file = join(folder, 'other.yaml');
    writeFileSync(file, jobText('rules: nowhere'));
    expect(found(loadJob(file, {}))).toEqual(['unreadable rules']);
  });
});

test('what is sound in a file with errors is there for further checks', () => {
  const loaded = load('flush: 5');
  expect(loaded.job).toBeUndefined();
  expect(loaded.rules).toMatchObject({ files: ['rules/'] });
});
