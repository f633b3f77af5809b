import type { Alert, BoundEvent } from '../../core/alert.ts';
import { severityPaint, type Colours } from '../colours.ts';
import { printable, shorten } from '../format.ts';

/** Events shown of one stage: where there are more, the first two and the last. */
const SHOWN = 4;

/**
 * An alert as the demo tells it: how bad, which rule, whose; what it means; then the events that led to it, each at its distance from the
 * first, and what the rule's author wanted to know. Several lines, the last one without a newline. `width` is the terminal's.
 */
export function tellAlert(alert: Alert, c: Colours, width: number): string {
  const paint = severityPaint(c, alert.severity);
  const bar = c.enabled ? `${paint('▌')} ` : '';
  const key = Object.values(alert.key).map((part) => shown(part)).join(' ');
  const clock = timeOfDay(alert.at);
  const head = `${alert.severity.toUpperCase().padEnd(8)}  ${printable(alert.rule)}  ${key}`;
  const gap = ' '.repeat(Math.max(2, Math.min(width, 100) - head.length - clock.length - 3));
  const lines = [
    `${paint(alert.severity.toUpperCase().padEnd(8))}  ${c.bold(printable(alert.rule))}  ${c.bold(c.cyan(key))}${gap}${c.dim(clock)}`,
    ...(alert.title === undefined ? [] : [printable(alert.title)]),
    ...story(alert, c, width - 4).map((line) => `  ${line}`),
  ];
  return lines.map((line) => bar + line).join('\n');
}

function story(alert: Alert, c: Colours, width: number): string[] {
  const lines: string[] = [];
  const stages = (alert.events ?? []).filter((stage) => stage.events.length > 0);
  const nameWidth = Math.max(0, ...stages.map(({ stage }) => stage.length));
  let latest = -Infinity;
  // A repeated group binds its stages in turns; they are told in the order they happened.
  const bound = stages.flatMap(({ stage, events }) => events.map((event, index) => ({ stage, event, index, of: events.length })));
  const told = bound.sort((a, b) => a.event.time - b.event.time);
  let previous: string | undefined;
  let skipped = 0;
  for (const { stage, event, index, of } of told) {
    latest = Math.max(latest, event.time);
    if (of > SHOWN && index >= 2 && index < of - 1) {
      skipped++;
      continue;
    }
    if (skipped > 0) {
      lines.push(c.dim(`${' '.repeat(nameWidth)}  … ${skipped} more`));
      skipped = 0;
    }
    const name = stage === previous ? ' '.repeat(nameWidth) : printable(stage).padEnd(nameWidth);
    previous = stage;
    const text = shorten(eventText(event, alert), Math.max(30, width - nameWidth - 14 - event.type.length));
    lines.push(`${name}  ${c.dim(distance(event.time - alert.from).padEnd(8))} ${printable(event.type)}  ${c.dim(text)}`);
  }
  if (alert.at > latest && stages.length > 0) {
    lines.push(`${' '.repeat(nameWidth)}  ${c.dim(distance(alert.at - alert.from).padEnd(8))} ${c.yellow('time is up')}`);
  }
  const fields = Object.entries(alert.fields).filter(([name, value]) => value !== null && !(name in alert.key));
  if (fields.length > 0) lines.push(`${c.dim('→')} ${fields.map(([name, value]) => `${printable(name)} ${c.bold(shown(value))}`).join(c.dim(' · '))}`);
  if (alert.suppressed > 0) lines.push(c.dim(`${alert.suppressed} more were held back by the rule's limit`));
  return lines;
}

/** The event's fields that tell something new: not its type, id, time, or what is in the alert's key. */
function eventText(event: BoundEvent, alert: Alert): string {
  if (event.text === undefined) return '';
  let fields: unknown;
  try {
    fields = JSON.parse(event.text);
  } catch {
    return printable(event.text);
  }
  return Object.entries(fields as Record<string, unknown>)
    .filter(([name, value]) => !['type', 'ts', 'tx_id', 'event_id', 'lat', 'lon'].includes(name) && !(name in alert.key) && value !== null)
    .map(([name, value]) => `${printable(name)} ${shown(value)}`).join(' · ');
}

function shown(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 100) / 100);
  if (typeof value !== 'string') return printable(JSON.stringify(value) ?? 'null');
  return printable(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? timeOfDay(Date.parse(value)) : value);
}

function timeOfDay(time: number): string {
  return new Date(time).toISOString().slice(11, 19);
}

/** `0s`, `+4.2s`, `+1m40s`: as exact as a reader cares for. */
function distance(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 10_000) return `+${Math.round(ms / 100) / 10}s`;
  const seconds = Math.round(ms / 1000);
  const parts = [[Math.floor(seconds / 3600), 'h'], [Math.floor(seconds / 60) % 60, 'm'], [seconds % 60, 's']] as const;
  return `+${parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join('')}`;
}
