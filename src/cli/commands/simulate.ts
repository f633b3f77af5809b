import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { Argument, Option } from 'commander';
import type { Label, SimulatedEvent, Simulator } from '../../../simulators/index.ts';
import { DEFAULT_START, labelToJsonLine, simulators, toJsonLine, withDisorder } from '../../../simulators/index.ts';
import { parseDuration, parseTime } from '../arguments.ts';
import { positive, rate, speed, whole } from '../demo/units.ts';
import { CliError, fileProblem, usageError } from '../errors.ts';
import type { Io } from '../io.ts';

interface SimulateOptions {
  readonly seed: string;
  readonly rate: number;
  readonly for: number;
  readonly from: number;
  readonly speed: number;
  readonly disorder: number;
  readonly keys?: number;
  readonly incidents?: number;
  readonly out?: string;
  readonly labels?: string;
  readonly tables?: string;
}

/** Lines are written in pieces of about this many characters. */
const PIECE = 1 << 16;

/** `alcedo simulate NAME`: a simulator's events as JSON Lines, its labels to a file of their own. */
export function registerSimulate(program: Command, io: Io): void {
  const names = [...simulators.keys()];
  program
    .command('simulate')
    .description('write a simulated event stream as JSON Lines; the same options give the same bytes')
    .addArgument(new Argument('<name>', 'which simulator').choices(names))
    .addOption(new Option('--seed <seed>', 'any text or number').default('1'))
    .addOption(new Option('--rate <n/unit>', 'events per second, minute or hour of event time, e.g. 1000/s').default(100, '100/s').argParser(rate))
    .addOption(new Option('--for <duration>', 'span of event time, e.g. 1h').default(3_600_000, '1h').argParser(parseDuration))
    .addOption(new Option('--from <time>', 'event time of the beginning, ISO-8601').default(DEFAULT_START, new Date(DEFAULT_START).toISOString()).argParser(parseTime))
    .addOption(new Option('--speed <factor>', 'event time against the wall clock, e.g. 60x; max: as fast as it goes').default(Infinity, 'max').argParser(speed))
    .addOption(new Option('--disorder <duration>', 'hold up one event in five by up to this long; event times stay').default(0, '0s').argParser(parseDuration))
    .addOption(new Option('--keys <n>', 'how many customers or machines (default: what suits the rate)').argParser(whole))
    .addOption(new Option('--incidents <n>', 'one injected incident in n events, on average').default(1000).argParser(positive))
    .addOption(new Option('--out <file>', 'write the events there instead of standard output'))
    .addOption(new Option('--labels <file>', 'write what was injected there: kind, key, from, to, ids of the events'))
    .addOption(new Option('--tables <folder>', 'write the tables that the events refer to there, as NAME.csv'))
    .addHelpText('after', [
      '', 'Simulators:',
      ...[...simulators.values()].map((each) => `  ${each.name.padEnd(10)} ${each.description}`),
      '', 'Examples:',
      '  alcedo simulate payments --seed 7 --rate 1000/s --for 1h --out payments.jsonl --labels labels.jsonl',
      '  alcedo simulate ads --rate 10000/s --for 1m --tables . > ads.jsonl && alcedo run rules/ads --events ads.jsonl --table ads=ads.csv',
      '  alcedo simulate sensors --rate 20/s --for 10m --speed 60x | alcedo run rules/iot --events - --pretty',
    ].join('\n'))
    .action((name: string, options: SimulateOptions) => simulate(io, name, options));
}

async function simulate(io: Io, name: string, options: SimulateOptions): Promise<void> {
  const simulator = simulators.get(name)!; // commander has checked the choice
  if (options.tables !== undefined) writeTables(simulator, options, options.tables);
  const out = options.out === undefined ? new LineWriter(io.stdout, undefined) : new LineWriter(createWriteStream(options.out), options.out);
  const labels = options.labels === undefined ? undefined : new LineWriter(createWriteStream(options.labels), options.labels);
  let events: Iterable<SimulatedEvent> = simulator.events({
    seed: options.seed, rate: options.rate, start: options.from, duration: options.for,
    ...(options.keys === undefined ? {} : { keys: options.keys }),
    ...(options.incidents === undefined ? {} : { incidentEvery: options.incidents }),
    onLabel: (label: Label) => { labels?.add(labelToJsonLine(label)); },
  });
  if (options.disorder > 0) events = withDisorder(events, options.disorder, options.seed);

  const began = Date.now();
  let reached = options.from; // arrivals are paced by the newest event time, so that held-up events do not turn the clock back
  for (const event of events) {
    if (out.closed || io.interrupted.aborted) break;
    if (event.time > reached) {
      reached = event.time;
      const ahead = (reached - options.from) / options.speed - (Date.now() - began);
      if (ahead >= 10) {
        await out.flush();
        await delay(ahead, undefined, { signal: io.interrupted }).catch(() => {}); // an interrupt ends the wait and, above, the stream
      }
    }
    out.add(toJsonLine(event));
    if (out.isFull) await out.flush();
    if (labels?.isFull) await labels.flush();
  }
  await out.end();
  await labels?.end();
}

function writeTables(simulator: Simulator, { seed, keys }: SimulateOptions, folder: string): void {
  const tables = simulator.tables?.({ seed, ...(keys !== undefined && { keys }) });
  if (tables === undefined) throw usageError(`--tables: the events of "${simulator.name}" refer to no table.`);
  for (const [name, rows] of tables) {
    const path = join(folder, `${name}.csv`);
    const columns = Object.keys(rows[0] ?? {});
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, [columns.join(','), ...rows.map((row) => columns.map((column) => row[column]).join(',')), ''].join('\n'));
    } catch (error) {
      throw new CliError(`Cannot write "${path}": ${fileProblem(error) ?? String(error)}.`);
    }
  }
}

/** Writes lines in large pieces, waiting where the reader is slower. A reader that goes away (`| head`) ends the writing, without an error. */
class LineWriter {
  closed = false;
  private text = '';
  private failure: Error | undefined;
  private readonly stream: Writable;
  private readonly path: string | undefined;

  /** @param path the file behind the stream, which is closed at the end; undefined: standard output, which is not */
  constructor(stream: Writable, path: string | undefined) {
    this.stream = stream;
    this.path = path;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.closed = true;
      if (error.code !== 'EPIPE') this.failure = error;
    });
  }

  get isFull(): boolean {
    return this.text.length >= PIECE;
  }

  add(line: string): void {
    this.text += `${line}\n`;
  }

  /** Resolves when the stream has taken everything. @throws CliError where it cannot be written, e.g. a full disk */
  async flush(): Promise<void> {
    const { text } = this;
    this.text = '';
    if (!this.closed && text !== '') await new Promise<void>((resolve) => { this.stream.write(text, () => { resolve(); }); });
    this.check();
  }

  async end(): Promise<void> {
    await this.flush();
    if (this.path === undefined || this.closed) return;
    this.stream.end();
    await finished(this.stream).catch(() => {}); // the listener has the error
    this.check();
  }

  private check(): void {
    if (this.failure === undefined) return;
    throw new CliError(`Cannot write ${this.path === undefined ? 'standard output' : `"${this.path}"`}: ${fileProblem(this.failure) ?? this.failure.message}.`);
  }
}
