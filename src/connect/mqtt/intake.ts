import { crc32 } from 'node:zlib';
import type { IPublishPacket } from 'mqtt';
import { eventMaker, property, recordTime } from './fields.ts';
import type { MessageFacts, UserProperties } from './fields.ts';
import type { MqttSourceOptions, MqttTopic } from './options.ts';
import { filterMatches, plainFilter } from './topics.ts';

/** A message as the job will have it. */
export interface Message {
  readonly value: Uint8Array | null;
  /** ms since the epoch; NaN: none. */
  readonly time: number;
  readonly type: string | undefined;
  readonly topic: string;
  readonly properties: UserProperties | undefined;
}

const KNOWN_TOPICS = 10_000;

/** Makes events of messages as the options say. Throws for options that contradict themselves. */
export class Intake {
  readonly #topics: readonly (MqttTopic & { readonly plain: string })[];
  readonly #make: ReturnType<typeof eventMaker>;
  readonly #time: (message: MessageFacts) => number;
  /** Which of #topics takes a topic, -1 for none. */
  readonly #known = new Map<string, number>();

  constructor(options: MqttSourceOptions) {
    this.#topics = options.topics.map((topic) => ({ ...topic, plain: plainFilter(topic.filter) }));
    if (this.#topics.length === 0) throw new Error(`input ${options.name} names no topics`);
    this.#make = eventMaker(options.fields ?? {}, options.valueField);
    this.#time = recordTime(options.time ?? 'arrival');
  }

  /** undefined: no filter of the options takes its topic. */
  take(packet: IPublishPacket, received: number): Message | undefined {
    const { topic } = packet;
    const index = this.#indexOf(topic);
    if (index < 0) return undefined;
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    const properties = packet.properties?.userProperties as UserProperties | undefined;
    const facts: MessageFacts = { topic, retain: packet.retain, dup: packet.dup, qos: packet.qos, received, properties };
    return { value: this.#make(payload, facts), time: this.#time(facts), type: this.#topics[index]!.type, topic, properties };
  }

  #indexOf(topic: string): number {
    let index = this.#known.get(topic);
    if (index === undefined) {
      index = this.#topics.findIndex(({ plain }) => filterMatches(plain, topic));
      if (this.#known.size >= KNOWN_TOPICS) this.#known.clear();
      this.#known.set(topic, index);
    }
    return index;
  }
}

/** Tells whether a message that is sent again is the one that was had under its packet id. */
export function fingerprint(packet: IPublishPacket): string {
  return `${packet.qos} ${packet.payload.length} ${crc32(packet.payload)} ${packet.topic}`;
}

/** A user property, or the topic as `mqtt-topic`. */
export function messageHeader(message: Message, name: string): string | undefined {
  return property(message.properties, name) ?? (name === 'mqtt-topic' ? message.topic : undefined);
}

/** What a journal keeps beside the value. */
export function messageAttributes(message: Message, typeAttribute: string): Record<string, string> {
  const attributes: Record<string, string> = { 'mqtt-topic': message.topic };
  for (const name of Object.keys(message.properties ?? {})) attributes[name] = property(message.properties, name)!;
  delete attributes[typeAttribute];
  if (message.type !== undefined) attributes[typeAttribute] = message.type;
  return attributes;
}
