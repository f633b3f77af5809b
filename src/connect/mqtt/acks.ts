import type { MqttClient, Packet } from 'mqtt';

/** PUBACK or PUBREC. */
export interface Ack {
  readonly cmd: 'puback' | 'pubrec';
  readonly messageId: number;
}

type SendPacket = (this: MqttClient, packet: Packet, callback?: (error?: Error) => void, ...rest: unknown[]) => void;

/**
 * Puts acknowledgements of incoming messages into our hands: `onAck` gets each one in the order of the messages, and `next` lets the client read the
 * following message. Returns what sends an acknowledgement.
 *
 * mqtt.js has no public way to do this: what it offers (`handleMessage`, `customHandleAcks`) holds up all further messages until the acknowledgement is
 * sent. So its private `_sendPacket` is wrapped; throws where a version of mqtt.js has none.
 */
export function interceptAcks(client: MqttClient, onAck: (ack: Ack, next: () => void) => void): (ack: Ack) => void {
  const internals = client as unknown as { _sendPacket?: SendPacket; _trackIncomingQoS2Publish?: (messageId: number) => boolean; _incomingQoS2Ids?: Set<number> };
  const send = internals._sendPacket;
  const incoming = internals._incomingQoS2Ids;
  if (typeof send !== 'function' || typeof internals._trackIncomingQoS2Publish !== 'function' || incoming === undefined) {
    throw new Error('this version of the package mqtt has no MqttClient._sendPacket or _trackIncomingQoS2Publish, by which acknowledgements are held; install the version that this program names');
  }
  // mqtt.js ends the connection when more than receiveMaximum messages of QoS 2 are unacknowledged. mosquitto 2.0 sends more than that when a full window
  // opens again, so that it would never come to an end; what waits in memory is bounded by not reading on.
  internals._trackIncomingQoS2Publish = (messageId) => {
    incoming.add(messageId);
    return true;
  };
  internals._sendPacket = function intercepted(packet, callback, ...rest) {
    if (packet.cmd === 'puback' || packet.cmd === 'pubrec') onAck(packet as Ack, () => callback?.());
    else send.call(this, packet, callback, ...rest);
  };
  return (ack) => send.call(client, ack as Packet);
}

/** An acknowledgement that is owed. */
interface Held {
  readonly ack: Ack;
  /** Place of the message in the order of arrival. */
  readonly sequence: number;
  readonly fingerprint: string;
}

/**
 * The acknowledgements owed on the present connection, in order. `release` sends those of the messages before a place; none overtakes another. A lost
 * connection takes them all with it; the broker then sends the messages again under their old packet ids, and `recognise` tells that they are known.
 */
export class OwedAcks {
  readonly #send: (ack: Ack) => void;
  #held: Held[] = [];
  /** Index of the first one owed in #held. */
  #first = 0;
  #released = 0;
  /** Messages that were taken but not acknowledged when their connection went, by packet id. */
  readonly #taken = new Map<number, { readonly sequence: number; readonly fingerprint: string }>();

  constructor(send: (ack: Ack) => void) {
    this.#send = send;
  }

  get size(): number {
    return this.#held.length - this.#first;
  }

  /** `connected` false: the connection it belongs to is gone already. */
  owe(ack: Ack, sequence: number, fingerprint: string, connected: boolean): void {
    if (!connected) {
      this.#taken.set(ack.messageId, { sequence, fingerprint });
      return;
    }
    this.#held.push({ ack, sequence, fingerprint });
    this.#sendReleased();
  }

  /** Acknowledges the messages before this place in the order of arrival. */
  release(before: number): void {
    this.#released = Math.max(this.#released, before);
    this.#sendReleased();
  }

  /** The place of a message that was sent again and that we have had; undefined: it is new. Asked once for each message. */
  recognise(messageId: number, fingerprint: string): number | undefined {
    const taken = this.#taken.get(messageId);
    if (taken === undefined) return undefined;
    this.#taken.delete(messageId);
    return taken.fingerprint === fingerprint ? taken.sequence : undefined;
  }

  connectionLost(): void {
    for (let i = this.#first; i < this.#held.length; i++) {
      const { ack, sequence, fingerprint } = this.#held[i]!;
      this.#taken.set(ack.messageId, { sequence, fingerprint });
    }
    this.#held = [];
    this.#first = 0;
  }

  /** The broker knows nothing of us: packet ids mean new messages from now on. */
  sessionLost(): void {
    this.#taken.clear();
  }

  #sendReleased(): void {
    while (this.#first < this.#held.length && this.#held[this.#first]!.sequence < this.#released) this.#send(this.#held[this.#first++]!.ack);
    if (this.#first > 1024 && this.#first * 2 > this.#held.length) {
      this.#held.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
