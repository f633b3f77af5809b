import { expect, test } from '@jest/globals';
import { diagnosticToJson } from '../../../dsl/index.ts';
import { readJobText, showYaml } from '../../../src/job/config/index.ts';
import { jobText, load, rendered } from './support.ts';

/** All that a person or a log may see of a job file. */
function visible(text: string, env: Readonly<Record<string, string>> = {}): string {
  const { problems, shown, shownText } = readJobText('job.yaml', text, env);
  const data = problems.map((problem) => diagnosticToJson(problem, () => shownText));
  return [rendered(problems, shownText), JSON.stringify(data), JSON.stringify(shown), shown === undefined ? '' : showYaml(shown)].join('\n');
}

const SECRETS = `
kafka: { brokers: a:1, sasl: { mechanism: plain, username: u, password: hunter2 } }
mqtt: { url: "mqtt://u:hunter2@broker", password: "\${MQTT}", tls: { passphrase: hunter2 } }
redis: { url: "rediss://u:hunter2@redis:6379/0?key=hunter2" }
channels:
  hook: { webhook: { url: "https://hooks.example.com/services/hunter2", headers: { authorization: "Bearer hunter2", x: hunter2 }, secret: hunter2 } }
sources: { s: { http: { token: hunter2 } } }
http: { token: "a\${HTTP}" }`;

test('the effective configuration shows that there is a secret, and not which', () => {
  const { shown, job } = load(SECRETS, { MQTT: 'hunter2', HTTP: 'hunter2' });
  expect(job?.kafka?.sasl?.password).toBe('hunter2');
  expect(job?.http.token).toBe('ahunter2');
  expect(visible(jobText(SECRETS), { MQTT: 'hunter2', HTTP: 'hunter2' })).not.toContain('hunter2');
  expect(shown).toMatchObject({
    kafka: { sasl: { password: '***' } }, mqtt: { url: 'mqtt://u:***@broker', password: '***', tls: { passphrase: '***' } }, redis: { url: 'rediss://u:***@redis:6379/0?key=***' },
    channels: { hook: { webhook: { url: 'https://hooks.example.com/***', headers: { authorization: '***', x: '***' }, secret: '***' } } },
    sources: { s: { http: { token: '***' } } }, http: { token: '***' },
  });
});

test('a value from the environment is shown where the option is no secret', () => {
  expect(load('log: { level: "${LEVEL}" }', { LEVEL: 'warn' }).shown).toMatchObject({ log: { level: 'warn' } });
});

test.each([
  ['an error on the same line', 'kafka: { brokers: a:1, sasl: { mechanism: plian, username: u, password: hunter2 } }'],
  ['a misspelt secret', 'http: { tokn: hunter2 }'],
  ['a secret under a name nobody knows', 'http: { hidden: hunter2 }'],
  ['a section with a misspelt name', 'kafka: { brokers: a:1, sassl: { password: hunter2 } }'],
  ['a secret given twice', 'http: { token: hunter2, token: hunter2x }'],
  ['a secret of the wrong type', 'http: { token: [hunter2] }'],
  ['a secret of a wrong form', 'channels: { a: { webhook: "ftp://hunter2" } }'],
  ['a second kind', 'channels: { a: { console: {}, webhook: { url: "https://hunter2" } } }'],
  ['a list in place of a section', 'kafka: { brokers: a:1, sasl: [plain, u, hunter2] }'],
  ['a text in place of a section', 'kafka: { brokers: a:1, sasl: "plain:u:hunter2" }'],
  ['a password in a URL of another protocol', 'mqtt: { url: "http://u:hunter2@x" }'],
  ['a file that is no YAML', 'http:\n  token: hunter2 }\n  password: "hunter2'],
  ['a variable that is no port', 'http: { port: "${PORT}" }'],
  ['a variable that is no choice', 'log: { level: "${PORT}" }'],
  ['a variable in a name', 'rules: { files: a, only: "${PORT}" }'],
  ['a default of a variable', 'http: { token: "${NONE:hunter2}", port: x }'],
])('no error shows a secret: %s', (_title, more) => {
  const loaded = load(more, { PORT: 'hunter2' });
  expect(loaded.problems.length).toBeGreaterThan(0);
  expect(visible(jobText(more), { PORT: 'hunter2' })).not.toContain('hunter2');
});

test('a line shows the name of a variable, so that one sees where a secret comes from', () => {
  const { problems, shownText } = load('http: { token: "${ALCEDO_TOKEN}", port: x }', { ALCEDO_TOKEN: 't' });
  expect(rendered(problems, shownText)).toContain('token: "${ALCEDO_TOKEN}"');
});
