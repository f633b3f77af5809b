import type { IClientOptions, IPublishPacket, ISubscriptionMap, MqttClient } from 'mqtt';
import type { Log, Source, SourceHost, StreamStatus } from '../types.ts';
import { interceptAcks, OwedAcks } from './acks.ts';
import type { Ack } from './acks.ts';
import { clientOptions, closeClient, describeError, openClient, safeUrl, tryConnection } from './connection.ts';
import { DirectDelivery, JournalDelivery } from './delivery.ts';
import type { Delivery } from './delivery.ts';
import { fingerprint, Intake } from './intake.ts';
import type { AckMode, MqttSourceOptions } from './options.ts';
import { plainFilter } from './topics.ts';

const DAY = 86_400_000;
const WINDOW_SHARE = 0.75;
const SUBSCRIBE_RETRY = 5_000;
const RETAIN_HANDLING = { always: 0, new: 1, never: 2 } as const;

/**
 * Events from an MQTT broker (3.1.1 and 5). MQTT cannot replay, so what a crash loses is a matter of when messages are acknowledged; see `AckMode`:
 *
 * | ack | a crash of the job loses | comes again |
 * | --- | --- | --- |
 * | `on-checkpoint` | nothing of QoS 1 and 2 | what the last committed checkpoint does not cover |
 * | `on-journal` | nothing of QoS 1 and 2 while the journal's disk lives | what was not in the journal |
 * | `on-receive` | what came since the last committed checkpoint | nothing |
 *
 * What comes again may have been had before: an event is counted once for event types declared `once within`, else at least once. A lost connection
 * alone makes no repeats as far as the broker marks what it sends again (DUP), which is asked of brokers. Nothing is kept for the job while it is away
 * longer than `sessionExpiry`, or by a broker that loses its sessions in a restart.
 *
 * Acknowledgements go out in the order of the messages. While the job does not take records, up to `bufferMessages` wait in memory; then nothing is
 * read from the broker.
 */
export class MqttSource implements Source {
  readonly name: string;
  readonly #options: MqttSourceOptions;
  readonly #task: number;
  readonly #stream: string;
  readonly #mode: AckMode;
  /** Messages that the broker sends ahead of their acknowledgement. */
  readonly #window: number;
  readonly #intake: Intake;
  readonly #delivery: Delivery;
  #host: SourceHost | undefined;
  #log: Log | undefined;
  #client: MqttClient | undefined;
  #acks: OwedAcks | undefined;
  /** The message the client is handling: the next acknowledgement is its. */
  #current = { sequence: 0, fingerprint: '' };
  /** Continuations of the client's reading, while it is stopped. */
  #held: (() => void)[] = [];
  #heldTimer: NodeJS.Timeout | undefined;
  #askedCheckpoint = false;
  #subscribed = false;
  #resubscribeTimer: NodeJS.Timeout | undefined;
  #strays = 0;
  #stopping = false;

  constructor(options: MqttSourceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#task = options.task ?? 0;
    this.#stream = `${options.name}/0`;
    const protocol = options.protocol ?? 5;
    this.#mode = options.ack ?? (protocol === 4 && options.journal !== undefined ? 'on-journal' : 'on-checkpoint');
    this.#window = protocol === 5 ? options.receiveMaximum ?? 2_000 : options.window ?? 20;
    if (!Number.isInteger(this.#window) || this.#window < 1 || this.#window > 65_535) {
      throw new Error(`input ${options.name}: receiveMaximum is ${this.#window}; it must be a whole number from 1 to 65,535`);
    }
    safeUrl(options.url);
    this.#intake = new Intake(options);
    if (this.#mode !== 'on-journal') {
      this.#delivery = new DirectDelivery(this.#stream, this.#task);
    } else {
      if (options.journal === undefined) throw new Error(`input ${options.name}: ack on-journal needs a journal: give journal.directory`);
      this.#delivery = new JournalDelivery(this.#stream, this.#task, options.journal);
    }
  }

  async start(host: SourceHost): Promise<void> {
    this.#host = host;
    this.#log = host.log;
    await this.#delivery.start(host);
    // A session that is there already begins to send at once: everything has to stand before the client connects.
    const client = this.#client = openClient(this.#options, this.#clientOptions(), host.log);
    this.#acks = new OwedAcks(interceptAcks(client, (ack, next) => this.#onAck(ack, next)));
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'publish') this.#onPublish(packet);
    });
    client.handleMessage = (packet, next) => {
      // The others come by way of their acknowledgement.
      if ((packet as IPublishPacket).qos === 0) this.#readOn(() => next());
      else next();
    };
    client.on('connect', ({ sessionPresent }) => this.#onConnect(sessionPresent));
    client.on('close', () => this.#acks!.connectionLost());
    this.#delivery.run(
      (before) => this.#acks!.release(this.#mode === 'on-receive' ? Infinity : before),
      () => {
        this.#wakeReading();
        this.#askCheckpoint();
      },
    );
    if (this.#mode === 'on-receive') this.#acks.release(Infinity);
  }

  async committed(task: number, offsets: ReadonlyMap<string, number>): Promise<void> {
    if (task !== this.#task) return;
    this.#askedCheckpoint = false;
    await this.#delivery.committed(offsets);
    this.#askCheckpoint();
  }

  async pause(): Promise<void> {
    this.#delivery.pause();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#resubscribeTimer);
    clearInterval(this.#heldTimer);
    this.#delivery.pause();
    if (this.#client !== undefined) await closeClient(this.#client);
    await this.#delivery.stop();
  }

  status(): readonly StreamStatus[] {
    return [{ ...this.#delivery.status(), connected: this.#client?.connected === true && this.#subscribed }];
  }

  async probe(): Promise<readonly string[]> {
    const option = `sources.${this.name}`;
    const client = await tryConnection(this.#options, `${this.#options.clientId}-probe`, option);
    try {
      const found = [`connected to ${safeUrl(this.#options.url)} with MQTT ${this.#protocol === 5 ? '5' : '3.1.1'}`];
      for (const { filter, qos = 1 } of this.#options.topics) {
        // Without its group, lest the probe takes messages from the others of it.
        const plain = plainFilter(filter);
        const [granted] = await client.subscribeAsync(plain, { qos, ...(this.#protocol === 5 && { rh: 2 as const }) }).catch((error: unknown) => {
          throw new Error(`the broker refuses the subscription to ${plain}: ${describeError(error as Error)}. See ${option}.topics and the broker's access rules for ${this.#options.username ?? 'clients without a user name'}.`, { cause: error });
        });
        if (granted === undefined || granted.qos >= 128) throw new Error(`the broker refuses the subscription to ${plain}. See ${option}.topics and the broker's access rules.`);
        found.push(`may read ${plain} with QoS ${granted.qos}${granted.qos < qos ? ` (asked for: ${qos})` : ''}`);
      }
      return found;
    } finally {
      await closeClient(client);
    }
  }

  get #protocol(): 4 | 5 {
    return this.#options.protocol ?? 5;
  }

  #clientOptions(): IClientOptions {
    const common = clientOptions(this.#options, this.#options.clientId);
    if (this.#protocol === 4) return { ...common, clean: false };
    const properties = { receiveMaximum: this.#window, sessionExpiryInterval: Math.ceil((this.#options.sessionExpiry ?? DAY) / 1_000) };
    return { ...common, clean: false, properties };
  }

  #onConnect(sessionPresent: boolean): void {
    const first = !this.#subscribed;
    if (!sessionPresent) {
      this.#acks!.sessionLost();
      const resumed = !first || (this.#delivery instanceof DirectDelivery && this.#delivery.resumed);
      if (resumed) {
        this.#log!.warn({ broker: safeUrl(this.#options.url), clientId: this.#options.clientId },
          'the MQTT broker has no session of this client any more: what was published while it was away, or was not yet acknowledged, does not come. See sessionExpiry, and the broker\'s persistence.');
      }
    }
    if (first || !sessionPresent) void this.#subscribe();
  }

  async #subscribe(): Promise<void> {
    const rh = RETAIN_HANDLING[this.#options.retained ?? 'new'];
    const map: ISubscriptionMap = {};
    for (const { filter, qos = 1 } of this.#options.topics) map[filter] = { qos, ...(this.#protocol === 5 && { rh }) };
    try {
      const grants = await this.#client!.subscribeAsync(map);
      const refused = grants.filter(({ qos }) => qos >= 128);
      if (refused.length > 0) throw new Error(`no access to ${refused.map(({ topic }) => topic).join(', ')}`);
      for (const { topic, qos } of grants) {
        if (qos < map[topic]!.qos) this.#log!.warn({ topic, asked: map[topic]!.qos, granted: qos }, 'the MQTT broker grants a lower QoS than was asked for: with 0, messages are lost while the job is not connected');
      }
      this.#subscribed = true;
    } catch (error) {
      if (this.#stopping || !this.#client!.connected) return;
      const topics = this.#options.topics.map(({ filter }) => filter);
      const failure = new Error(`input ${this.name}: the MQTT broker refuses the subscription to ${topics.join(', ')}: ${describeError(error as Error)}. See sources.${this.name}.topics and the broker's access rules.`, { cause: error });
      if (!this.#subscribed) {
        this.#host!.failed(failure);
        return;
      }
      this.#log!.error({ topics, error: failure.message, retryIn: SUBSCRIBE_RETRY }, 'the MQTT subscription was refused after a reconnect; trying again');
      this.#resubscribeTimer = setTimeout(() => {
        if (this.#client!.connected) void this.#subscribe();
      }, SUBSCRIBE_RETRY);
    }
  }

  #onPublish(packet: IPublishPacket): void {
    const print = packet.qos === 0 ? '' : fingerprint(packet);
    const known = packet.qos === 0 ? undefined : this.#acks!.recognise(packet.messageId!, print);
    // The mark is asked for too: a new message may have the number and the contents of an old one that the broker dropped.
    if (known !== undefined && packet.dup) {
      this.#current = { sequence: known, fingerprint: print };
      return;
    }
    this.#current = { sequence: this.#delivery.next, fingerprint: print };
    const message = this.#intake.take(packet, Date.now());
    if (message === undefined) {
      // An older job's subscription that the session still holds. Nothing has to be committed for it to be acknowledged.
      this.#current = { sequence: -1, fingerprint: print };
      if (this.#strays++ === 0) this.#log!.warn({ topic: packet.topic, clientId: this.#options.clientId }, 'a message came that no topic of the input takes; it and others are dropped. The session holds an old subscription: unsubscribe it, or use another clientId.');
      return;
    }
    this.#delivery.add(message);
  }

  #onAck(ack: Ack, next: () => void): void {
    const { sequence, fingerprint: print } = this.#current;
    this.#acks!.owe(ack, sequence, print, this.#client!.connected);
    this.#askCheckpoint();
    this.#readOn(next);
  }

  /** The window is nearly full: without a checkpoint the broker would soon stop sending. */
  #askCheckpoint(): void {
    if (this.#mode !== 'on-checkpoint' || this.#askedCheckpoint || this.#delivery.uncommitted === 0) return;
    const owed = this.#acks!.size;
    if (owed < this.#window * WINDOW_SHARE) return;
    this.#askedCheckpoint = true;
    this.#host!.checkpointSoon(this.#task, `${owed} of ${this.#window} MQTT messages that may be unacknowledged wait for a checkpoint`);
  }

  /** Lets the client read the next message, when there is room for it. */
  #readOn(next: () => void): void {
    if (!this.#overfull()) {
      next();
      return;
    }
    this.#held.push(next);
    if (this.#heldTimer !== undefined) return;
    // The broker's answers to pings lie unread behind the messages: the connection is kept up from this side.
    this.#heldTimer = setInterval(() => {
      if (!this.#client!.connected) return;
      this.#client!.sendPing();
      this.#client!.reschedulePing(true);
    }, (this.#options.keepalive ?? 30) * 400);
  }

  #wakeReading(): void {
    if (this.#held.length === 0 || this.#overfull()) return;
    clearInterval(this.#heldTimer);
    this.#heldTimer = undefined;
    for (const next of this.#held.splice(0)) next();
  }

  #overfull(): boolean {
    const { bufferMessages = 10_000, bufferBytes = 1 << 25 } = this.#options;
    return this.#delivery.waiting >= bufferMessages || this.#delivery.waitingBytes >= bufferBytes;
  }
}
