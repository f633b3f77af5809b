/** How to reach Kafka, MQTT brokers and Redis. */
import { readFileSync } from 'node:fs';
import { choice, choiceOf, converted, duration, flag, list, own, parsed, path, section, text, url } from '../spec.ts';

/** Node's TLS options, with the files read. */
export interface TlsOptions {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly passphrase?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

const tls = converted({
  enabled: flag({ text: 'Whether the connection is encrypted.', default: true }),
  ca: path({ text: 'PEM file of the certificate authorities to trust. Default: those Node.js trusts.', examples: ['certs/ca.pem'] }),
  cert: path({ text: 'PEM file of the client certificate.', examples: ['certs/alcedo.pem'] }),
  key: path({ text: 'PEM file of its private key.', examples: ['certs/alcedo.key'] }),
  passphrase: text({ text: 'What the private key is encrypted with.', secret: true, examples: ['${KEY_PASSPHRASE}'] }),
  serverName: text({ text: 'The name the server must prove to have, where it is not the host in the address.' }),
  verify: flag({ text: 'Whether the certificate of the server is checked. Without it anybody on the way can read and change everything.', default: true }),
}, {
  text: 'Encryption: `true`, or the options below. Certificates and keys are files.', short: 'enabled', together: [['cert', 'key']], examples: [true, { ca: 'certs/ca.pem' }],
}, (options, fail): TlsOptions | undefined => {
  if (!options.enabled) return undefined;
  const read = (field: 'ca' | 'cert' | 'key'): Buffer | undefined => {
    const file = options[field];
    if (file === undefined) return undefined;
    try {
      return readFileSync(file);
    } catch (error) {
      fail(field, `cannot read the file (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`, 'unreadable');
      return undefined;
    }
  };
  const [ca, cert, key] = [read('ca'), read('cert'), read('key')];
  return {
    ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }),
    ...(options.passphrase !== undefined && { passphrase: options.passphrase }),
    ...(options.serverName !== undefined && { servername: options.serverName }),
    rejectUnauthorized: options.verify,
  };
});

const HOST_PORT = { pattern: /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, expects: 'an address such as broker-1:9092' };

export interface Address { readonly host: string; readonly port: number }

function addresses(what: string) {
  return list(parsed({ text: 'An address.' }, {
    ...HOST_PORT,
    convert: (written): Address => {
      const colon = written.lastIndexOf(':');
      return { host: written.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(written.slice(colon + 1)) };
    },
  }), { text: what, atLeast: 1 });
}

export const kafkaConnection = section({
  brokers: list(text({ text: 'The address of a broker.', ...HOST_PORT }), {
    text: 'Addresses of some brokers; they name the others.', required: true, atLeast: 1, examples: [['kafka-1:9092', 'kafka-2:9092']],
  }),
  adapter: choice(['kafkajs', 'platformatic', 'memory'], {
    text: 'The client: `kafkajs`; `platformatic` (@platformatic/kafka), which is faster; `memory`, an in-process log with Kafka\'s semantics that ends with the process, for trying things out.',
    default: 'kafkajs',
  }),
  clientId: text({ text: 'The name under which brokers log this client.', derived: { text: "the job's name", from: 'name', value: (name) => name } }),
  tls,
  sasl: section({
    mechanism: choice(['plain', 'scram-sha-256', 'scram-sha-512'], { text: 'How the password is proved.', required: true }),
    username: text({ text: 'The user.', required: true }),
    password: text({ text: 'The password.', required: true, secret: true, examples: ['${KAFKA_PASSWORD}'] }),
  }, { text: 'Who the job is to the brokers.' }),
  sessionTimeout: duration({ text: 'A process that the group has not heard of for so long loses its partitions to the others.', default: '30s', min: 1000, max: 1_800_000 }),
  transactionTimeout: duration({
    text: 'A transaction that is open for so long is aborted by the broker. It must be longer than a checkpoint takes, and at most what the broker allows (`transaction.max.timeout.ms`, 15 minutes).',
    default: '60s', min: 1000, max: 900_000,
  }),
  checkCrc: flag({ text: 'Whether what is read is held against its checksums. A batch that does not agree is read again from the last commit, never taken for events.', default: true }),
}, { text: 'The Kafka cluster of the job: its Kafka sources and sinks are all in it, because one transaction spans them.' });

export const mqttConnection = section({
  url: url({ text: 'Address of the broker.', protocols: ['mqtt', 'mqtts', 'ws', 'wss'], required: true, examples: ['mqtt://broker:1883', 'mqtts://broker:8883'] }),
  protocol: choiceOf({ 5: 5, '3.1.1': 4 }, { text: 'Version of MQTT.', default: 5 }),
  username: text({ text: 'The user.' }),
  password: text({ text: 'The password.', secret: true, examples: ['${MQTT_PASSWORD}'] }),
  tls,
  keepalive: duration({ text: 'Silence after which the connection is tried, in whole seconds.', default: '30s', min: 1000, max: 65_535_000 }),
  connectTimeout: duration({ text: 'Within this time a connection must stand; then another attempt follows.', default: '10s', min: 1 }),
}, { text: 'The MQTT broker of the sources and sinks that name none of their own.' });

export const ownMqttConnection = own(mqttConnection, 'mqtt', 'Another MQTT broker for this one.');

export const redisConnection = section({
  url: url({
    text: 'Address of a single server, with the number of the database behind it.', protocols: ['redis', 'rediss'], examples: ['redis://redis:6379/0', 'rediss://redis:6380'],
  }),
  sentinels: addresses('Addresses of the sentinels, which know the server.'),
  master: text({ text: 'The name under which the sentinels know the server.', examples: ['mymaster'] }),
  cluster: addresses('Addresses of some nodes of a Redis Cluster.'),
  username: text({ text: 'The user.' }),
  password: text({ text: 'The password.', secret: true, examples: ['${REDIS_PASSWORD}'] }),
  tls,
  connectTimeout: duration({ text: 'Within this time a connection must stand.', default: '10s', min: 1 }),
  commandTimeout: duration({ text: 'Within this time a command must be answered; then it counts as failed and is tried again.', default: '10s', min: 1 }),
}, {
  text: 'The Redis of the state and of the sinks that name none of their own.', oneOf: [['url', 'sentinels', 'cluster']], together: [['sentinels', 'master']],
});

export const ownRedisConnection = own(redisConnection, 'redis', 'Another Redis for this one.');
