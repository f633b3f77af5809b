/** An alert as its JSON text says it, for showing it to a person. */
import type { Program } from '../../../dsl/typed.ts';
import type { Alert, BoundEvent } from '../../core/alert.ts';
import { takersOf } from '../../../dsl/index.ts';
import { isoTime } from '../../decode/index.ts';
import { fieldMapOf, type JobConfig } from '../../job/config/index.ts';

type Json = Readonly<Record<string, unknown>>;

/** Where an event's type and time stand in its text: the rules and the job file know. */
export interface EventReader {
  typeOf(event: Json, rule: string, stage: string): string;
  /** ms since the epoch; NaN: the text does not tell. */
  timeOf(event: Json, type: string): number;
}

/** undefined: it is no alert. */
export function alertFromJson(text: string, reader: EventReader): Alert | undefined {
  let json: Json | null;
  try {
    json = JSON.parse(text) as Json | null;
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null || typeof json['rule'] !== 'string' || typeof json['id'] !== 'string') return undefined;
  const { rule, to } = json;
  const timeAt = (name: string): number => timeOf(json[name]);
  return {
    id: json['id'], rule, channel: textOr(json['channel'], ''), kind: json['kind'] === 'timeout' ? 'timeout' : 'match', version: numberOr(json['version'], 1),
    title: typeof json['title'] === 'string' ? json['title'] : undefined, severity: textOr(json['severity'], 'medium'),
    tags: Array.isArray(json['tags']) ? json['tags'].map(String) : [], key: objectOr(json['key']),
    from: timeAt('from'), to: timeAt('to'), detected: timeAt('detected'), at: typeof to === 'string' ? timeAt('to') : timeAt('detected'),
    suppressed: numberOr(json['suppressed'], 0), dropped: numberOr(json['dropped'], 0), shadow: json['shadow'] === true, fields: objectOr(json['fields']),
    events: json['events'] === undefined ? undefined : Object.entries(objectOr(json['events'])).map(([stage, events]) => ({
      stage, events: (Array.isArray(events) ? events : []).map((event: unknown) => boundEvent(objectOr(event), rule, stage, reader)),
    })),
  };
}

/** A reference (evidence refs) holds these four and nothing else. */
function boundEvent(event: Json, rule: string, stage: string, reader: EventReader): BoundEvent {
  const isReference = Object.keys(event).join() === 'source,partition,offset,time';
  const type = reader.typeOf(event, rule, stage);
  return {
    text: isReference ? undefined : JSON.stringify(event), type, time: isReference ? timeOf(event['time']) : reader.timeOf(event, type),
    source: 0, partition: isReference ? numberOr(event['partition'], 0) : 0, offset: isReference ? numberOr(event['offset'], 0) : 0,
  };
}

/** `program` undefined: the rules are not known, and events tell only what stands in them. */
export function eventReader(job: JobConfig, program: Program | undefined): EventReader {
  const typeFields = new Set([...job.sources.values()].map(({ typeField }) => typeField));
  const renamed = [...job.sources.values()].map((source) => (program === undefined ? new Map<string, Map<string, string>>() : fieldMapOf(source, program)));
  const rules = new Map(program?.rules.map((rule) => [rule.name, rule]));
  return {
    typeOf(event, ruleName, stageName) {
      for (const field of typeFields) {
        const named = event[field];
        if (typeof named === 'string' && (program === undefined || program.events.has(named))) return named;
      }
      const rule = rules.get(ruleName);
      const taker = rule && takersOf(rule).find(({ name }) => name === stageName);
      return taker?.types.join('|') ?? '';
    },
    timeOf(event, type) {
      // Where a stage takes several types and the text does not say which: whichever has its time there.
      for (const name of type.split('|')) {
        const declared = program?.events.get(name);
        const field = declared?.fields.find((one) => one.name === declared.time);
        if (field === undefined) continue;
        const names = [...renamed.map((map) => map.get(name)?.get(field.name)), field.source, field.name];
        const found = names.find((one) => one !== undefined && one in event);
        const time = found === undefined ? NaN : timeOf(event[found]);
        if (!Number.isNaN(time)) return time;
      }
      return NaN;
    },
  };
}

/** A time as events write it: ms since 1970, or ISO 8601 (UTC where it names no zone). */
function timeOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return NaN;
  const bytes = new TextEncoder().encode(value);
  return isoTime(bytes, 0, bytes.length);
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function objectOr(value: unknown): Json {
  return typeof value === 'object' && value !== null ? value as Json : {};
}
