/** Alerts for a person at a terminal: when, how bad, which rule, whose, what the author wanted to tell, and the events that led to it. */
import type { Alert, BoundEvent } from '../core/alert.ts';
import { severityPaint, type Colours } from './colours.ts';
import { formatDuration, isoTime, printable, shorten } from './format.ts';

/** At most this many events are shown of one stage: the first ones and the last. */
const SHOWN = 6;

/** The story of an alert, several lines without a last newline. `width` is the terminal's. */
export function alertStory(alert: Alert, c: Colours, width = 120): string {
  const paint = severityPaint(c, alert.severity);
  const title = alert.title === undefined || alert.title === alert.rule ? '' : `  ${alert.title}`;
  const key = describe(alert.key);
  const notes = [
    alert.kind === 'timeout' ? 'timed out' : '',
    alert.shadow ? 'shadow' : '',
    alert.suppressed > 0 ? `${alert.suppressed} suppressed before` : '',
    alert.dropped > 0 ? `${alert.dropped} dropped by keep: may be incomplete` : '',
  ].filter((note) => note !== '');
  const lines = [
    `${c.dim(isoTime(alert.at) ?? '')} ${paint(alert.severity.toUpperCase().padEnd(8))} ${c.bold(printable(alert.rule))}${printable(title)}`
      + `${key === '' ? '' : `  ${c.cyan(key)}`}${notes.length === 0 ? '' : `  ${c.yellow(`[${notes.join('; ')}]`)}`}`,
  ];
  // What the key has told already is not told again.
  const fields = describe(Object.fromEntries(Object.entries(alert.fields).filter(([name, value]) => !(name in alert.key) || alert.key[name] !== value)));
  if (fields !== '') lines.push(`    ${c.bold(shorten(fields, Math.max(40, width - 4)))}`);
  for (const { stage, events } of alert.events ?? []) {
    const name = printable(stage).padEnd(Math.max(0, ...(alert.events ?? []).map((other) => other.stage.length)));
    if (events.length === 0) {
      lines.push(`    ${c.dim(`${name}  –`)}`);
      continue;
    }
    const shown = events.length <= SHOWN ? [...events.keys()] : [0, 1, 2, events.length - 2, events.length - 1];
    shown.forEach((index, row) => {
      if (row > 0 && index !== shown[row - 1]! + 1) lines.push(c.dim(`    ${' '.repeat(name.length)}  … ${index - shown[row - 1]! - 1} more`));
      const event = events[index]!;
      const offset = (Number.isNaN(event.time) ? '' : `+${formatDuration(event.time - alert.from)}`).padEnd(9);
      const text = shorten(eventText(event), Math.max(40, width - name.length - 17));
      lines.push(`    ${row === 0 ? name : ' '.repeat(name.length)}  ${c.dim(offset)} ${printable(event.type)} ${c.dim(text)}`);
    });
  }
  return lines.join('\n');
}

/** `card: "c1", probes: 3`; null values are left out where others remain. */
function describe(values: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(values);
  const told = entries.filter(([, value]) => value !== null);
  return (told.length > 0 ? told : entries).map(([name, value]) => `${printable(name)}: ${printable(JSON.stringify(value) ?? 'null')}`).join(', ');
}

function eventText(event: BoundEvent): string {
  if (event.text === undefined) return `partition ${event.partition}, offset ${event.offset}`;
  try {
    const fields: unknown = JSON.parse(event.text);
    if (typeof fields === 'object' && fields !== null) {
      return Object.entries(fields)
        .filter(([name, value]) => name !== 'type' && value !== null)
        .map(([name, value]) => `${printable(name)}=${printable(typeof value === 'string' ? value : JSON.stringify(value))}`)
        .join(' ');
    }
  } catch {
    // Shown as it came in.
  }
  return printable(event.text);
}
