/** A job's status for a person: what it does, what it waits for, what was saved, what it found. */
import type { Colours } from '../colours.ts';
import { formatBytes, formatCount, formatDuration, isoTime, plural, printable, table } from '../format.ts';
import type { ToldStatus } from './ask-job.ts';

type ToldTask = ToldStatus['tasks'][number];

const OUTLETS: Readonly<Record<string, string>> = { ' late': 'late events', ' rejects': 'rejects', ' shadow': 'shadow alerts' };

/** Lines without the last newline. `now`: the clock, ms. */
export function statusText(status: ToldStatus, c: Colours, now: number): string {
  const parts = [
    head(status, c, now),
    section(c, 'Tasks', ['task', 'watermark', 'behind', 'events', 'keys', 'state', 'waiting', 'checkpoint', 'age', 'written', 'failures'], status.tasks.map((task) => taskRow(task, now))),
    section(c, 'Streams', ['task', 'stream', 'offset', 'lag', 'last event', 'note'], streamRows(status)),
    ...waits(status, c, now),
    ...(status.tables === undefined || status.tables.length === 0 ? [] : [tables(status.tables, c, now)]),
    section(c, 'Rules', ['rule', 'events', 'alerts', 'timed out', 'suppressed', 'dropped'], status.rules.map((rule) =>
      [printable(rule.rule), ...[rule.events, rule.alerts, rule.timedOut, rule.suppressed, rule.dropped].map(count)])),
    counts(status, c),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function head({ job, state, started, restarts, failure }: ToldStatus, c: Colours, now: number): string {
  const paint = state === 'running' ? c.green : state === 'failed' ? c.red : c.yellow;
  const since = started === null ? '' : `, started ${formatDuration(whole(now - started))} ago`;
  const line = `${c.bold(printable(job))}: ${paint(state)}${since}, ${restarts === 0 ? 'no restarts' : plural(restarts ?? 0, 'restart')}`;
  return failure === undefined || failure === null ? line : `${line}\n${c.red(printable(failure))}`;
}

function taskRow(task: ToldTask, now: number): string[] {
  const { watermark, checkpoint } = task;
  // Undefined before the first event; null, which stands for infinity, when all input is over.
  const reached = watermark === undefined ? ['–', '–'] : watermark === null ? ['input over', '–'] : [isoTime(watermark) ?? '–', `${formatDuration(whole(now - watermark))}`];
  const saved = checkpoint === undefined ? ['–', '–', '–', '–']
    : [String(checkpoint.number), checkpoint.committed === null ? '–' : formatDuration(whole(now - checkpoint.committed)), formatBytes(checkpoint.bytes ?? 0), count(checkpoint.failures)];
  return [String(task.task), ...reached, count(task.events), count(task.keys), formatBytes(task.stateBytes ?? 0), count(task.waiting), ...saved];
}

function streamRows(status: ToldStatus): string[][] {
  const known = new Map(status.sources.flatMap(({ streams }) => streams.map((stream) => [stream.stream, stream] as const)));
  const rows = status.tasks.flatMap(({ task, streams }) => streams.map(({ stream, offset, largest, idle, holds }) => {
    const source = known.get(stream);
    known.delete(stream);
    const notes = [source?.connected === false ? 'not connected' : '', holds ? 'holds the watermark' : '', idle ? 'idle' : ''].filter((note) => note !== '');
    return [String(task), printable(stream), count(offset), lag(source?.lag), typeof largest === 'number' ? isoTime(largest) ?? '–' : '–', notes.join(', ')];
  }));
  for (const { stream, lag: behind, connected } of known.values()) rows.push(['–', printable(stream), '–', lag(behind), '–', connected ? '' : 'not connected']);
  return rows;
}

/** Why silence is silence: which stream a task waits for. */
function waits(status: ToldStatus, c: Colours, now: number): string[] {
  const lines = status.tasks.flatMap(({ task, streams }) => {
    const live = streams.filter(({ idle }) => !idle);
    const holders = streams.filter(({ holds }) => holds);
    if (holders.length === 0 || live.length < 2) return [];
    const told = holders.map(({ stream, largest }) => `${printable(stream)} (${typeof largest === 'number' ? `last event ${isoTime(largest)}, ${formatDuration(whole(now - largest))} ago` : 'no event yet'})`);
    return [`Task ${task} waits for ${told.join(' and ')}.`];
  });
  return lines.length === 0 ? [] : [c.dim(lines.join('\n'))];
}

function tables(told: NonNullable<ToldStatus['tables']>, c: Colours, now: number): string {
  const rows = told.map((one) => [
    printable(one.table), printable(one.from), count(one.rows), count(one.rejected), typeof one.asOf === 'number' ? formatDuration(whole(now - one.asOf)) : '–', count(one.changes), count(one.failures),
  ]);
  const errors = told.flatMap(({ table: name, error }) => (typeof error === 'string' ? [c.yellow(`${printable(name)}: ${printable(error)}`)] : []));
  return [section(c, 'Tables', ['table', 'from', 'rows', 'rejected', 'age', 'changes', 'failures'], rows), ...errors].join('\n');
}

function counts({ sent, rejected, late }: ToldStatus, c: Colours): string {
  const of = (counted: Readonly<Record<string, number | null>>): string =>
    Object.entries(counted).map(([name, value]) => `${OUTLETS[name] ?? printable(name)} ${count(value)}`).join(', ') || 'nothing';
  return [`${c.bold('Sent')}  ${of(sent)}`, `${c.bold('Late')}  ${count(late)}`, `${c.bold('Rejected')}  ${of(rejected)}`].join('\n');
}

function section(c: Colours, title: string, header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return `${c.bold(title)}  none`;
  const [first, ...rest] = table(header, rows).split('\n');
  return [c.bold(title), `  ${c.dim(first!)}`, ...rest.map((line) => `  ${line}`)].join('\n');
}

function count(value: number | null): string {
  return value === null ? '–' : formatCount(value);
}

function lag(value: number | null | undefined): string {
  return value === undefined || value === null ? '–' : formatCount(value);
}

/** A span in ms as far as people care: whole seconds from one second on; clocks that differ make none negative. */
function whole(ms: number): number {
  const span = Math.max(0, ms);
  return span < 1000 ? Math.round(span) : Math.round(span / 1000) * 1000;
}
