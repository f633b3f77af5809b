import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { run } from './commands.ts';
import { exchange } from './exchange.ts';
import { findProgram, freePort, serverFolder, startServer, type Server } from './processes.ts';
import { startProxy, type Proxy } from './proxy.ts';

/** What is fetched when there is no KAFKA_HOME. The logger's version must be that of Kafka's slf4j-api. */
const KAFKA_VERSION = '4.4.0';
const SLF4J_VERSION = '1.7.36';

export interface KafkaOptions {
  /** More lines for server.properties. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** Clients reach the broker through a proxy that a test can cut; the broker reaches itself directly. */
  readonly proxy?: boolean | undefined;
  /** Clients must log in as alice with the password "wonderland" (SASL PLAIN). */
  readonly sasl?: boolean | undefined;
  /** Clients must speak TLS; the broker's own certificate is its authority. */
  readonly tls?: boolean | undefined;
  /** For measurements: the full JIT and 512 MB instead of a fast start. */
  readonly measuring?: boolean | undefined;
}

export interface KafkaServer extends Server {
  /** For clients: through the proxy where there is one. */
  readonly brokers: readonly string[];
  readonly proxy: Proxy | undefined;
  /** PEM of the certificate to trust, with TLS. */
  readonly ca: string | undefined;
}

/** Starts a Kafka broker (KRaft, one node) of its own: about 3 s, 200 MB. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const libraries = await kafkaLibraries();
  const template = await formattedTemplate(libraries);
  const folder = serverFolder('kafka');
  cpSync(join(template, 'data'), join(folder, 'data'), { recursive: true });
  const port = await freePort();
  const clientPort = await freePort();
  const ca = options.tls ? await makeCertificate(folder) : undefined;
  const proxy = options.proxy ? await startProxy(clientPort) : undefined;
  writeFileSync(join(folder, 'server.properties'), lines(serverProperties(folder, port, clientPort, await freePort(), proxy?.port, options)));
  const speed = options.measuring ? ['-Xmx512m'] : ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  try {
    const server = await startServer({
      name: 'Kafka', port, folder, command: javaProgram(),
      args: [...speed, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', join(libraries, '*'), 'kafka.Kafka', join(folder, 'server.properties')],
      ready: () => answersMetadata(port),
    });
    const reached = proxy?.port ?? (options.sasl || options.tls ? clientPort : port);
    return extend(server, { brokers: [`127.0.0.1:${reached}`], proxy, ca });
  } catch (error) {
    await proxy?.stop();
    throw error;
  }
}

function extend(server: Server, more: Pick<KafkaServer, 'brokers' | 'proxy' | 'ca'>): KafkaServer {
  return {
    ...more,
    host: server.host, port: server.port, folder: server.folder,
    get pid() { return server.pid; },
    kill: (signal) => server.kill(signal),
    restart: () => server.restart(),
    log: () => server.log(),
    async stop() {
      await server.stop();
      await more.proxy?.stop();
    },
  };
}

function serverProperties(folder: string, port: number, clientPort: number, controllerPort: number, proxyPort: number | undefined, options: KafkaOptions): Record<string, string> {
  const separate = options.proxy || options.sasl || options.tls;
  const security = options.sasl ? (options.tls ? 'SASL_SSL' : 'SASL_PLAINTEXT') : options.tls ? 'SSL' : 'PLAINTEXT';
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="wonderland" user_alice="wonderland";';
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'listeners': `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${separate ? `,CLIENTS://127.0.0.1:${clientPort}` : ''}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${separate ? `,CLIENTS://127.0.0.1:${proxyPort ?? clientPort}` : ''}`,
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENTS:${security}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    'log.cleaner.dedupe.buffer.size': '2097152',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'auto.create.topics.enable': 'false',
    // A broker that was killed is taken back only when its old session is over.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    ...(options.sasl ? {
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.clients.plain.sasl.jaas.config': login,
    } : {}),
    ...(options.tls ? { 'ssl.keystore.type': 'PKCS12', 'ssl.keystore.location': join(folder, 'keystore.p12'), 'ssl.keystore.password': 'wonderland' } : {}),
    ...options.properties,
  };
}

/** The folder with Kafka's jars: KAFKA_HOME's, else fetched once with Maven. */
async function kafkaLibraries(): Promise<string> {
  const home = process.env['KAFKA_HOME'];
  if (home !== undefined && home !== '') {
    const folder = existsSync(join(home, 'libs')) ? join(home, 'libs') : home;
    if (existsSync(folder) && kafkaJar(folder) !== undefined) return folder;
    throw new Error(`KAFKA_HOME is ${home}, but neither it nor its folder libs holds kafka_2.13-*.jar. Point it at an unpacked Kafka 4, or unset it.`);
  }
  javaProgram();
  return cached(`kafka-${KAFKA_VERSION}`, async (folder) => {
    const maven = findProgram('mvn');
    if (maven === undefined) throw new Error(missing('Maven'));
    writeFileSync(join(folder, 'pom.xml'), pom());
    await run(maven, ['-B', '-ntp', '-q', '-f', join(folder, 'pom.xml'), 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]);
    rmSync(join(folder, 'pom.xml'));
    if (kafkaJar(folder) === undefined) throw new Error(`Maven has copied no kafka_2.13 into ${folder}.`);
  });
}

/** A formatted, empty data folder: it names no port and no path, and formatting takes a JVM of its own, so it is made once per version. */
async function formattedTemplate(libraries: string): Promise<string> {
  const version = kafkaJar(libraries)!.replace(/\.jar$/, '');
  return cached(`template-${version}`, async (folder) => {
    const work = `${folder}.format`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    const file = join(work, 'server.properties');
    writeFileSync(file, lines(serverProperties(work, 19092, 19091, 19093, undefined, {})));
    await run(javaProgram(), ['-cp', join(libraries, '*'), 'kafka.tools.StorageTool', 'format', '-t', 'KYAEJ5ymQ5ij7Dqws7JzWw', '-c', file]);
    renameSync(join(work, 'data'), join(folder, 'data'));
    rmSync(work, { recursive: true, force: true });
  });
}

function kafkaJar(folder: string): string | undefined {
  return readdirSync(folder).find((file) => /^kafka_2\.13-\d[\d.]*\.jar$/.test(file));
}

/** A key and a certificate for 127.0.0.1 in the folder's keystore.p12; gives the certificate. */
async function makeCertificate(folder: string): Promise<string> {
  const store = ['-keystore', join(folder, 'keystore.p12'), '-storetype', 'PKCS12', '-storepass', 'wonderland', '-alias', 'broker'];
  const keytool = javaProgram('keytool');
  await run(keytool, ['-genkeypair', ...store, '-keyalg', 'EC', '-dname', 'CN=localhost', '-ext', 'SAN=IP:127.0.0.1,DNS:localhost', '-validity', '30']);
  const certificate = await run(keytool, ['-exportcert', '-rfc', ...store]);
  return certificate.slice(certificate.indexOf('-----BEGIN'));
}

function javaProgram(name = 'java'): string {
  const home = process.env['JAVA_HOME'];
  const java = home !== undefined && existsSync(join(home, 'bin', name)) ? join(home, 'bin', name) : findProgram(name);
  if (java === undefined) throw new Error(missing('Java'));
  return java;
}

function missing(what: string): string {
  return `The tests against a real Kafka need ${what}, which is not on the PATH: apt-get install maven openjdk-17-jre-headless (or set KAFKA_HOME to an unpacked Kafka 4). ` +
    'npm run test:unit needs none of it.';
}

function pom(): string {
  const dependency = (group: string, artifact: string, version: string): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  return '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>' +
    '<groupId>alcedo</groupId><artifactId>test-kafka</artifactId><version>1</version><packaging>pom</packaging><dependencies>' +
    `${dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION)}${dependency('org.slf4j', 'slf4j-simple', SLF4J_VERSION)}</dependencies></project>`;
}

const lines = (properties: Record<string, string>): string => Object.entries(properties).map(([key, value]) => `${key}=${value}\n`).join('');

/** Whether the broker counts itself as alive: a Metadata request (version 0) answers with at least one broker. Its log would not do: KAFKA_HOME has a logger of its own. */
async function answersMetadata(port: number): Promise<boolean> {
  const request = Buffer.alloc(20);
  request.writeInt32BE(16, 0);
  request.writeInt16BE(3, 4); // Metadata
  request.writeInt16BE(0, 6);
  request.writeInt32BE(1, 8);
  request.writeInt16BE(2, 12);
  request.write('ok', 14);
  request.writeInt32BE(0, 16); // all topics
  const answer = Buffer.from(await exchange(port, request, 'latin1'), 'latin1');
  return answer.length >= 12 && answer.readInt32BE(8) > 0;
}
