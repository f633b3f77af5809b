/** Runs one test of a rule file through decoder, compiler and engine, as events from outside would go. */
import type { Alert } from '../../core/alert.ts';
import type { Batch } from '../../core/batch.ts';
import type { Strings } from '../../core/strings.ts';
import type { EventType, Field, FieldType, Program, Test } from '../../../dsl/typed.ts';
import { compile, type Plan } from '../../compile/index.ts';
import { Expander, makeDecoder, type Decoder } from '../../decode/index.ts';
import { Engine, type WindowReading } from '../../engine/index.ts';
import { printInstant, type SeenEvent } from '../../explain/index.ts';

/** Every test starts at this time: rules that read the hour or the day of the week give the same answer whenever a test is run. */
export const TEST_START = Date.UTC(2026, 0, 1);

/** ms; longer than any two times are apart. */
const ANY_TIME = 2 * 8.64e15;

/** One thing that came out of the rules under test. */
export interface TestResult {
  readonly what: 'alert' | 'timeout' | 'emit';
  readonly rule: string;
  /** For emit: the event type. */
  readonly type?: string;
  /** Event time, ms after the test's start. */
  readonly at: number;
  /** What an `expect` can ask for: key and fields; of an alert also `severity`, `channel`, `suppressed` and `final` where no field is called so. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Names of the values that a failure shows: key and fields. */
  readonly shown: readonly string[];
}

export interface TestRun {
  readonly plan: Plan;
  readonly results: readonly TestResult[];
  /** The events as the rules saw them, derived ones after their cause: for the search for the nearest run. */
  readonly events: readonly SeenEvent[];
  /** Event time up to which the test went, ms since the epoch; Infinity: to the end. */
  readonly end: number;
  /** What went wrong with the test's own events: not decoded, or late after an `@time` that moved the watermark past them. */
  readonly problems: readonly string[];
  /** Runs the test once more, and tells of each window that a rule reads. */
  readonly readWindows: (onReading: (reading: WindowReading) => void) => void;
}

/**
 * The results of a test in the order in which they came. Events may be written in any order: the engine puts them into that of event time;
 * only an `@time` alone moves the watermark before the end. A test that ends with one ends there, so that it can say what has not happened yet;
 * any other ends like an input, with the end of time. Rules under test run whatever their `mode`.
 */
export function runTest(program: Program, test: Test): TestRun {
  return { ...play(program, test), readWindows: (onReading) => { play(program, test, onReading); } };
}

function play(program: Program, test: Test, onReading?: (reading: WindowReading) => void): Omit<TestRun, 'readWindows'> {
  const tested: Program = {
    ...program,
    rules: program.rules.map((rule) => (test.rules.includes(rule.name) ? { ...rule, mode: { kind: 'live' } } : rule)),
  };
  const plan = compile(tested, { params: Object.fromEntries(test.params), rules: test.rules });
  const results: TestResult[] = [];
  const seen: SeenEvent[] = [];
  const problems: string[] = [];
  const times = test.steps.map((step) => step.at);
  const engine = new Engine(plan, {
    onAlert: (alert) => { results.push(fromAlert(alert)); },
    onDerived: (derived) => {
      results.push({
        what: 'emit', rule: derived.rule, type: derived.type, at: derived.at - TEST_START, values: derived.fields, shown: Object.keys(derived.fields),
      });
      const type = program.events.get(derived.type);
      if (type !== undefined) seen.push(asSeen(type, derived.at, derived.fields));
    },
    // As wide as the test: no event is late by another event, only by an `@time` alone.
    // Events made of lists have times of their own.
    lateness: plan.each.length > 0 ? ANY_TIME : times.length === 0 ? 0 : Math.max(...times) - Math.min(...times),
    onLate: (batch, row) => { problems.push(`the event ${printInstant(batch.time[row]! - TEST_START)} came after the watermark had passed it: it is late, and no rule sees it`); },
    now: () => TEST_START,
    onReading,
  });
  for (const [name, rows] of test.tables) {
    const { columns } = program.tables.get(name)!;
    engine.setTable(name, rows.map((row) => Object.fromEntries(columns.map((column) => [column.name, plainValue(column, row[column.name] ?? null)]))));
  }
  const decoders = new Map<string, Decoder>();
  const expander = new Expander(plan.each, {
    schema: engine.schema, strings: engine.strings, tables: engine.tables,
    onReject: (reject, row) => { problems.push(`the event ${printInstant(batch.time[row]! - TEST_START)}: ${reject.message}`); },
  });
  let now = TEST_START;
  const batch = engine.newBatch(1);
  test.steps.forEach((step, index) => {
    now = TEST_START + step.at;
    if (step.kind === 'advance') {
      engine.advance(now);
      return;
    }
    const type = program.events.get(step.type)!;
    let decoder = decoders.get(step.type);
    if (decoder === undefined) {
      decoder = makeDecoder(engine.schema, engine.strings, { defaultType: step.type, ingestTime: () => now });
      decoders.set(step.type, decoder);
    }
    const bytes = new TextEncoder().encode(JSON.stringify(encodeEvent(type, now, step.fields)));
    batch.bytes = bytes;
    batch.count = 1;
    batch.offset[0] = index + 1;
    const reject = decoder.decode(bytes, 0, bytes.length, batch, 0);
    if (reject !== undefined) {
      problems.push(`the event ${printInstant(step.at)} is rejected: ${reject.message}`);
      return;
    }
    seen.push(asSeen(type, now, step.fields));
    const events = expander.expand(batch);
    for (let row = 1; row < events.count; row++) seen.push(asMade(program.events.get(engine.schema.types[events.type[row]!]!.name)!, events, row, plan, engine.strings));
    engine.push(events);
  });
  const last = test.steps.at(-1);
  const end = last?.kind === 'advance' ? TEST_START + last.at : Infinity;
  if (end === Infinity) engine.advance(end);
  const ordered = seen.map((event, index) => ({ event, index })).sort((a, b) => a.event.time - b.event.time || a.index - b.index);
  return { plan, results, events: ordered.map(({ event }) => event), end, problems };
}

function fromAlert(alert: Alert): TestResult {
  const values = { severity: alert.severity, channel: alert.channel, suppressed: alert.suppressed, ...(alert.final !== undefined && { final: alert.final }), ...alert.key, ...alert.fields };
  return {
    what: alert.kind === 'timeout' ? 'timeout' : 'alert',
    rule: alert.rule,
    at: alert.at - TEST_START,
    values,
    shown: [...new Set([...Object.keys(alert.key), ...Object.keys(alert.fields)])],
  };
}

/** The event as a source would send it: fields under their names in the data, event time as ISO-8601 text. */
function encodeEvent(type: EventType, time: number, fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (const field of type.fields) {
    if (field.name === type.time) data[field.source] = new Date(time).toISOString();
    else if (fields[field.name] !== undefined && fields[field.name] !== null) data[field.source] = encodeValue(field, fields[field.name]);
  }
  return data;
}

function encodeValue({ type }: FieldType, value: unknown): unknown {
  // A time given as a duration counts from the test's start.
  if (type.kind === 'time' && typeof value === 'number') return new Date(TEST_START + value).toISOString();
  if (type.kind === 'list' && Array.isArray(value)) return value.map((item) => encodeValue(type.element, item));
  if (type.kind === 'record' && typeof value === 'object' && value !== null) {
    const record = value as Record<string, unknown>;
    return Object.fromEntries(type.fields.map((field): [string, unknown] => [field.source, encodeValue(field, record[field.name] ?? null)]));
  }
  return value;
}

function asSeen(type: EventType, time: number, fields: Readonly<Record<string, unknown>>): SeenEvent {
  const plain: Record<string, unknown> = {};
  for (const field of type.fields) plain[field.name] = field.name === type.time ? time : plainValue(field, fields[field.name] ?? null);
  return { type: type.name, time, fields: plain };
}

/** An event that was made of an element of a list. */
function asMade(type: EventType, batch: Batch, row: number, plan: Plan, strings: Strings): SeenEvent {
  const slots = plan.fields[batch.type[row]!]!;
  const plain: Record<string, unknown> = {};
  for (const field of type.fields) {
    const slot = slots.get(field.name)?.slot;
    const value = slot === undefined ? NaN : batch.columns[slot]![row]!;
    plain[field.name] = Number.isNaN(value) ? null : plainOf(field, value, strings);
  }
  return { type: type.name, time: batch.time[row]!, fields: plain };
}

function plainOf({ type }: FieldType, value: number, strings: Strings): unknown {
  switch (type.kind) {
    case 'string': case 'oneOf': return strings.text(value);
    case 'list': case 'record': return JSON.parse(strings.text(value));
    case 'bool': return value === 1;
    default: return value;
  }
}

/** A field's value as expressions see it: times in ms; a number is one given as a duration after the test's start. */
function plainValue({ type }: Pick<Field, 'type'>, value: unknown): unknown {
  if (type.kind !== 'time') return value;
  return typeof value === 'string' ? Date.parse(value) : typeof value === 'number' ? TEST_START + value : null;
}
