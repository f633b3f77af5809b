import type { JournalOptions } from '../journal/index.ts';

/** How to reach an MQTT broker. */
export interface MqttConnection {
  /** `mqtt://host:1883`, `mqtts://host:8883`, `ws://…`, `wss://…` */
  readonly url: string;
  /** 5, or 4 for MQTT 3.1.1. Default 5. */
  readonly protocol?: 4 | 5 | undefined;
  readonly username?: string | undefined;
  /** Never logged. */
  readonly password?: string | undefined;
  /** Node's TLS options (`ca`, `cert`, `key`, `rejectUnauthorized`, …), handed to the client as they are. */
  readonly tls?: object | undefined;
  /** Seconds of silence after which the connection is tried. Default 30. */
  readonly keepalive?: number | undefined;
  /** ms in which a connection must stand. Default 10,000. */
  readonly connectTimeout?: number | undefined;
}

export type Qos = 0 | 1 | 2;

/**
 * When a QoS 1 or 2 message is acknowledged, and so what may be lost:
 * - `on-checkpoint`: when a checkpoint that covers it is committed. Nothing is lost by a crash; what is not yet covered comes again.
 * - `on-journal`: when it is in the job's journal. Nothing is lost as long as the journal's disk is there (with `fsync` by interval: a power cut loses
 *   what came since the last forced write).
 * - `on-receive`: at once. A crash loses everything since the last committed checkpoint.
 * QoS 0 messages are lost whenever the job is not connected, in every mode, and by a crash unless they are in the journal.
 */
export type AckMode = 'on-checkpoint' | 'on-journal' | 'on-receive';

export interface MqttTopic {
  /** A topic filter, with `+` and `#`; `$share/GROUP/FILTER` shares it among the clients of the group. */
  readonly filter: string;
  /** Event type of its messages. Default: the value's type field, or the input's type, says it. */
  readonly type?: string | undefined;
  /** Default 1. */
  readonly qos?: Qos | undefined;
}

/**
 * Where a field that is put into the event comes from:
 * `topic` (all of it), `topic N` (its Nth level, from 1; from the end where N is negative), `property NAME` (an MQTT 5 user property),
 * `retained`, `duplicate` (booleans: the message's marks), `qos`, `received` (ms since the epoch, this machine's clock).
 */
export type FieldOrigin = string;

export interface MqttSourceOptions extends MqttConnection {
  /** Name of the input; its stream is called `NAME/0`. */
  readonly name: string;
  /** Task the input belongs to. Default 0. */
  readonly task?: number | undefined;
  /** Identity of the session at the broker: the same at each start, unique among all clients of the broker. */
  readonly clientId: string;
  readonly topics: readonly MqttTopic[];
  /** Default `on-checkpoint`; with protocol 4 and a journal `on-journal`, because brokers leave 3.1.1 clients a window of about 20 messages. */
  readonly ack?: AckMode | undefined;
  /** Wanted with `on-journal`. */
  readonly journal?: JournalOptions | undefined;
  /** ms for which the broker keeps the session, and what comes in it, while the job is away (MQTT 5). Default 86,400,000: one day. */
  readonly sessionExpiry?: number | undefined;
  /** Unacknowledged messages the broker may send ahead, 1 to 65,535 (MQTT 5). Default 2,000. */
  readonly receiveMaximum?: number | undefined;
  /** With protocol 4: the broker's own window of unacknowledged messages (mosquitto: `max_inflight_messages`). Default 20. */
  readonly window?: number | undefined;
  /** Fields put into each event, by name; they stand in place of fields of that name in the message. */
  readonly fields?: Readonly<Record<string, FieldOrigin>> | undefined;
  /** For messages that are not JSON objects (`21.5`, `on`): the field that their value becomes. Default: they are rejected. */
  readonly valueField?: string | undefined;
  /** The record's own time: `arrival`, or `property NAME` (ms since the epoch, or ISO 8601). Default `arrival`. */
  readonly time?: string | undefined;
  /** Retained messages at subscription (MQTT 5): `always`, `new` (only for a subscription that was not there), `never`. Default `new`. */
  readonly retained?: 'always' | 'new' | 'never' | undefined;
  /** Messages that may wait in memory for the job, before the source stops reading. Default 10,000. */
  readonly bufferMessages?: number | undefined;
  /** Bytes of them. Default 33,554,432. */
  readonly bufferBytes?: number | undefined;
}

export interface MqttSinkOptions extends MqttConnection {
  readonly name: string;
  /** Unique among all clients of the broker. Default: one made at each start. */
  readonly clientId?: string | undefined;
  /**
   * Topic of an alert: text with `{channel}`, `{rule}`, `{key}`, `{id}` or `{HEADER}`. What is put in has `/`, `+`, `#` and `%` percent-encoded, so that
   * it stays one level. Default `alerts/{channel}/{rule}`.
   */
  readonly topic?: string | undefined;
  /** Default 1. */
  readonly qos?: Qos | undefined;
  /** Default false. */
  readonly retain?: boolean | undefined;
  /** ms after which the broker drops what no subscriber took (MQTT 5). Default: never. */
  readonly expiry?: number | undefined;
  /** Alerts that may be under way unacknowledged. Default 100; never more than the broker allows, and with QoS 2 at most 20. */
  readonly inFlight?: number | undefined;
}
