import { describe, expect, test } from '@jest/globals';
import { readJobText } from '../../../src/job/config/index.ts';
import { found, load, rendered } from './support.ts';

test('all errors of a file are told at once, in reading order, each with its place, line, option, what is allowed, and a likely fix', () => {
  const loaded = readJobText('job.yaml', `name: card fraud
rules: rules/
sources:
  payments:
    kafka: { topcs: [payments] }
    lateness: 5 sec
channels:
  fraud_alerts:
    kafka: alerts
log: { level: wran }
`, {});
  expect(rendered(loaded.problems, loaded.shownText)).toBe(`
job.yaml:1:7 error[wrong-value] "name": expected letters, digits, "_" and "-", at most 64, found "card fraud".
1 | name: card fraud
  |       ^^^^^^^^^^
job.yaml:5:5 error[missing-option] "sources.payments.kafka" lacks one of topics, pattern.
5 |     kafka: { topcs: [payments] }
  |     ^^^^^
job.yaml:5:14 error[unknown-option] There is no option "sources.payments.kafka.topcs".
5 |     kafka: { topcs: [payments] }
  |              ^^^^^
  hint: did you mean "topics"?
job.yaml:6:15 error[wrong-value] "sources.payments.lateness": expected a duration such as 250ms, 5s or 1h30m, found "5 sec".
6 |     lateness: 5 sec
  |               ^^^^^
  hint: there is no unit "sec"; units are ms, s, m, h, d
job.yaml:10:15 error[wrong-value] "log.level": expected debug, info, warn or error, found "wran".
10 | log: { level: wran }
   |               ^^^^
  hint: did you mean "warn"?
`.trim());
});

describe('an error', () => {
  test.each([
    ['an option that is not known', 'sinks: {}', 'unknown-option sinks'],
    ['an option given twice', 'flush: 1s\nflush: 2s', 'duplicate-option flush'],
    ['an option given twice below', 'http: { port: 1, port: 2 }', 'duplicate-option http.port'],
    ['an option without a value', 'flush:', 'wrong-type flush'],
    ['a number without its unit', 'flush: 10', 'wrong-value flush'],
    ['a duration out of its range', 'flush: 2m', 'out-of-range flush'],
    ['a number out of its range', 'http: { port: 70000 }', 'wrong-value http.port'],
    ['a part of a whole', 'http: { port: 1.5 }', 'wrong-type http.port', 'wrong-value http.port'],
    ['a number in place of text', 'mqtt: { url: "mqtt://x", username: 7 }', 'wrong-type mqtt.username'],
    ['a text in place of a flag', 'http: { enabled: yes }', 'wrong-type http.enabled'],
    ['a list in place of a section', 'log: [info]', 'wrong-type log'],
    ['a text in place of a section', 'log: info', 'wrong-type log'],
    ['a map in place of a value', 'flush: { ms: 1 }', 'wrong-type flush'],
    ['a URL of another protocol', 'mqtt: { url: "http://x" }', 'wrong-value mqtt.url'],
    ['a list that is empty', 'rules: []', 'wrong-value rules'],
    ['a name that is none', 'channels: { "a b": { console: {} } }', 'wrong-value channels."a b"'],
    ['a source without a kind', 'sources: { s: { lateness: 1s } }', 'missing-option sources.s'],
    ['a source of two kinds', 'sources: { s: { file: a, http: {} } }', 'conflict sources.s'],
    ['options that go together', 'redis: { sentinels: [a:1] }', 'missing-option redis'],
    ['options of which one is wanted', 'redis: { url: "redis://a", cluster: [a:1] }', 'conflict redis.cluster'],
    ['Kafka without brokers', 'channels: { a: { kafka: t } }', 'conflict channels.a.kafka'],
    ['MQTT without a broker', 'sources: { s: { mqtt: { topics: a } } }', 'missing-option sources.s.mqtt.connection'],
    ['an open server without a token', 'http: { host: 0.0.0.0 }', 'conflict http.host'],
    ['events for a server that is off', 'http: false\nsources: { s: { http: {} } }', 'conflict sources.s.http'],
    ['headers of what has none', 'sources: { s: { file: a, time: header x } }', 'conflict sources.s.time'],
    ['a transaction shorter than a checkpoint', 'kafka: { brokers: a:1, transactionTimeout: 20s }\nchannels: { a: { kafka: t } }', 'conflict kafka.transactionTimeout'],
    ['a regular expression that is none', 'kafka: { brokers: a:1 }\nsources: { s: { kafka: { pattern: "(" } } }', 'wrong-value sources.s.kafka.pattern'],
    ['a variable that is not set', 'http: { token: "${TOKEN}" }', 'no-variable http.token'],
    ['a variable without its end', 'http: { token: "${TOKEN" }', 'no-variable http.token'],
    ['a merge key', 'http:\n  <<: { port: 1 }', 'unknown-option http.<<', 'unknown-option http."<<"'],
    ['an anchor that is not there', 'flush: *other', 'yaml flush'],
  ])('%s', (_title, more, ...expected) => {
    const [first, ...others] = found(load(more));
    expect(expected).toContain(first);
    expect(others).toEqual([]);
  });

  test('a section that fails to say where the state is takes nothing with it', () => {
    expect(found(load('redis: { url: 5 }\nstate: { redis: {} }'))).toEqual(['wrong-type redis.url']);
  });

  test('a warning where state would be lost', () => {
    const loaded = load('kafka: { brokers: a:1 }\nchannels: { a: { kafka: t } }\nstate: { memory: {} }');
    expect([found(loaded), loaded.job !== undefined]).toEqual([['risk state.memory'], true]);
  });

  test('a file with nothing lacks what is required, and no more', () => {
    expect(found(readJobText('job.yaml', '', {}))).toEqual(['missing-option name', 'missing-option rules', 'missing-option sources', 'missing-option channels']);
  });

  test.each([
    ['a tab', 'log:\n\tlevel: info', 'YAML is indented by spaces'],
    ['an open quote', 'flush: "1s', 'Something is missing here'],
    ['a variable in braces without quotes', 'http: { token: ${TOKEN} }', 'Inside { } and [ ] a variable goes in quotes'],
    ['two documents', 'flush: 1s\n---\nother: y', 'one document'],
    ['an alias that contains itself', 'x: &a [*a]', 'holds too much'],
    ['an unknown tag', 'flush: !!duration 1s', 'no such YAML tag'],
  ])('of YAML itself: %s', (_title, more, message) => {
    const { problems } = load(more);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.message).toContain(message);
  });

  test('an alias bomb is refused soon', () => {
    const lines = ['x0: &x0 [a, b, c, d, e, f, g, h, i, j]', ...Array.from({ length: 9 }, (_, i) => `x${i + 1}: &x${i + 1} [${Array(10).fill(`*x${i}`).join(', ')}]`)];
    const before = process.cpuUsage();
    expect(found(load(lines.join('\n')))).toEqual([expect.stringMatching('^too-large')]);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000);
  });
});
