import { Buffer, isUtf8 } from 'node:buffer';
import type { FieldOrigin } from './options.ts';

/** A message as far as fields are made of it. */
export interface MessageFacts {
  readonly topic: string;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly qos: number;
  /** ms since the epoch */
  readonly received: number;
  readonly properties: UserProperties | undefined;
}

/** MQTT 5 user properties; a name may come several times. */
export type UserProperties = Readonly<Record<string, string | readonly string[]>>;

/** JSON text of a field's value; undefined: the message has none. */
type FieldText = (message: MessageFacts) => string | undefined;

const OPEN = 0x7b;
const CLOSE = 0x7d;

/** The first value of a user property. */
export function property(properties: UserProperties | undefined, name: string): string | undefined {
  if (properties === undefined || !Object.hasOwn(properties, name)) return undefined;
  const value = properties[name]!;
  return typeof value === 'string' ? value : value[0];
}

function fieldText(name: string, origin: FieldOrigin): FieldText {
  const words = /^(\S+)(?: (.+))?$/.exec(origin.trim());
  const argument = words?.[2];
  switch (argument === undefined ? words?.[1] : `${words![1]} …`) {
    case 'topic': return ({ topic }) => JSON.stringify(topic);
    case 'retained': return ({ retain }) => String(retain);
    case 'duplicate': return ({ dup }) => String(dup);
    case 'qos': return ({ qos }) => String(qos);
    case 'received': return ({ received }) => String(received);
    case 'property …': return ({ properties }) => {
      const value = property(properties, argument!);
      return value === undefined ? undefined : JSON.stringify(value);
    };
    case 'topic …': {
      const level = Number(argument);
      if (Number.isInteger(level) && level !== 0) {
        return ({ topic }) => {
          const value = topic.split('/').at(level > 0 ? level - 1 : level);
          return value === undefined ? undefined : JSON.stringify(value);
        };
      }
    }
  }
  throw new Error(`field "${name}" cannot come from "${origin}"; it may come from: topic, topic N (level N, from 1; from the end: -1), property NAME, retained, duplicate, qos, received`);
}

/** Makes the event's JSON text of a message: its own object, with the fields behind its own, so that they win over fields of the same name. */
export function eventMaker(fields: Readonly<Record<string, FieldOrigin>>, valueField: string | undefined): (payload: Buffer, message: MessageFacts) => Uint8Array | null {
  const makers = Object.entries(fields).map(([name, origin]) => ({ key: `${JSON.stringify(name)}:`, text: fieldText(name, origin) }));
  const valueKey = valueField === undefined ? undefined : `${JSON.stringify(valueField)}:`;
  return (payload, message) => {
    if (payload.length === 0) return null;
    let from = 0;
    let to = payload.length;
    while (from < to && isSpace(payload[from]!)) from++;
    while (to > from && isSpace(payload[to - 1]!)) to--;
    const isObject = to - from >= 2 && payload[from] === OPEN && payload[to - 1] === CLOSE;
    if (!isObject && (valueKey === undefined || !isUtf8(payload))) return payload;
    let added = '';
    for (const { key, text } of makers) {
      const value = text(message);
      if (value !== undefined) added += `,${key}${value}`;
    }
    if (!isObject) return Buffer.from(`{${valueKey}${asJson(payload.toString('utf8', from, to))}${added}}`);
    if (added === '') return payload;
    let last = to - 2;
    while (last > from && isSpace(payload[last]!)) last--;
    return Buffer.concat([payload.subarray(from, to - 1), Buffer.from(`${last === from ? added.slice(1) : added}}`)]);
  };
}

/** JSON as it stands, other text as a JSON string. */
function asJson(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}

/** The record's time by the option: ms since the epoch, NaN where the message has none. */
export function recordTime(option: string): (message: MessageFacts) => number {
  if (option === 'arrival') return ({ received }) => received;
  const name = /^property (.+)$/.exec(option.trim())?.[1];
  if (name === undefined) throw new Error(`time cannot come from "${option}"; it may come from: arrival, property NAME`);
  return ({ properties }) => {
    const text = property(properties, name);
    if (text === undefined) return NaN;
    if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
    return /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text) ? Date.parse(text) : NaN;
  };
}
