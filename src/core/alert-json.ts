/** Alerts as JSON, exactly as section 5 of the language describes them. */
import type { Alert, BoundEvent } from '../core/alert.ts';
import { isoTime } from './iso-time.ts';

/**
 * One alert as one line of JSON, without the newline. Bound events stand in it byte for byte as they came in (numbers keep all their digits);
 * under `evidence refs` they are references, under `evidence none` there is no `events`. `names` gives the name of each source.
 */
export function alertToJson(alert: Alert, names: readonly string[] = []): string {
  const head = {
    id: alert.id,
    rule: alert.rule,
    version: alert.version,
    title: alert.title ?? null,
    severity: alert.severity,
    tags: alert.tags,
    channel: alert.channel,
    kind: alert.kind,
    key: alert.key,
    from: isoTime(alert.from),
    to: isoTime(alert.to),
    detected: isoTime(alert.detected),
    suppressed: alert.suppressed,
    ...(alert.dropped > 0 ? { dropped: alert.dropped } : {}),
    ...(alert.shadow ? { shadow: true } : {}),
    ...(alert.final === undefined ? {} : { final: alert.final }),
    fields: alert.fields,
  };
  const text = JSON.stringify(head);
  if (alert.events === undefined) return text;
  const stages = alert.events.map(({ stage, events }) =>
    `${JSON.stringify(stage)}:[${events.map((event) => boundEventToJson(event, names)).join(',')}]`);
  return `${text.slice(0, -1)},"events":{${stages.join(',')}}}`;
}

function boundEventToJson(event: BoundEvent, names: readonly string[]): string {
  if (event.text !== undefined) return oneLine(event.text);
  return JSON.stringify({
    source: names[event.source] ?? event.source, partition: event.partition, offset: event.offset, time: isoTime(event.time),
  });
}

/** An alert is one line: a line break in an event's text (which JSON allows between its parts only) becomes a space. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, ' ') : text;
}
