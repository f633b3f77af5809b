import { setTimeout as delay } from 'node:timers/promises';
import type { MemoryBroker } from '../../connect/kafka/index.ts';
import type { Log } from '../../connect/types.ts';
import type { JobStatus } from '../../job/index.ts';
import type { Colours } from '../colours.ts';
import { formatBytes, formatCount, formatDuration, plural, printable } from '../format.ts';
import { coloursFor, type Io } from '../io.ts';
import { alertFromJson, eventReader } from '../live/alert-from-json.ts';
import type { DemoJob } from './job-file.ts';
import { Latency } from './latency.ts';
import { Pipeline, takenBy } from './pipeline.ts';
import { Scorecard } from './scorecard.ts';
import { Screen } from './screen.ts';
import { checkpointsOf, Settling, watermarkOf } from './settling.ts';
import { tellAlert } from './story.ts';
import { summary, type Outcome } from './summary.ts';
import { DEMO_START, World } from './world.ts';

export interface DemoOptions {
  /** ms of real time; `Infinity`: until interrupted. */
  readonly for: number;
  /** Event time against the wall clock. */
  readonly speed: number;
  readonly seed: string;
  /** Where the alert topics are. Default: a log of the demo's own, which forgets what is old. */
  readonly topics?: MemoryBroker | undefined;
}

/** Real time between two turns: short enough that alerts seem to come at once. */
const TURN = 50;
/** Events of one turn: at a speed that needs more, event time falls behind. */
const MOST_A_TURN = 1000;

/**
 * Runs two simulators, an MQTT broker, a job over the rules that come with the project, and a subscriber to its topics in this process, and tells the
 * alerts as they are committed; then a summary. Leaves nothing behind. @throws CliError when a part fails
 */
export async function runDemo(io: Io, options: DemoOptions): Promise<void> {
  const c = coloursFor(io, 'stdout');
  const screen = new Screen(io.stdout);
  const { interrupted } = io;
  screen.print(`${c.bold('Alcedo')} watches a bank's payments and a factory's machines, ${options.speed} times as fast as life. Everything is in this process: simulators, MQTT broker, job, alert topics, subscriber.`);
  const alerts = new AlertTeller(screen, c);
  const pipeline = await Pipeline.start({ io, log: logTo(screen, c), topics: options.topics, onAlert: (json, job) => alerts.tell(json, job) });
  try {
    const outcome = await play(pipeline, alerts, screen, c, options, interrupted);
    screen.finish();
    screen.print(summary(outcome, c));
  } finally {
    screen.finish();
    await pipeline.close();
  }
}

async function play(pipeline: Pipeline, alerts: AlertTeller, screen: Screen, c: Colours, options: DemoOptions, interrupted: AbortSignal): Promise<Outcome> {
  const rules = pipeline.job.program.rules.map(({ name }) => name);
  const { scorecard, latency } = alerts.begin(rules);
  const world = new World(options.seed, (label) => { scorecard.label(label); });
  const settling = new Settling(pipeline.subscriber);
  screen.print(`\nSimulators (seed ${options.seed}) publish to MQTT on 127.0.0.1:${pipeline.port}. ${rules.length} rules read it as this job file says, with ${c.bold('alcedo start JOB.yaml')} for brokers of your own:\n`);
  screen.print(c.dim(pipeline.jobText.trimEnd().replace(/^(?=.)/gm, '  ')));
  screen.print(`\nWhat follows was committed to the topics ${[...pipeline.subscriber.counts.keys()].map((topic) => c.bold(topic)).join(' and ')}, and read from there. Ctrl-C ends with a summary.\n`);

  const began = performance.now();
  const elapsed = (): number => performance.now() - began;
  let now = DEMO_START;
  while (!interrupted.aborted && elapsed() < options.for) {
    const aim = Math.floor(DEMO_START + elapsed() * options.speed);
    const events = world.upTo(aim, MOST_A_TURN);
    const isBehind = events.length === MOST_A_TURN;
    now = isBehind ? events.at(-1)!.event.time : aim;
    latency.published(now, performance.now());
    await pipeline.publish(events);
    const status = pipeline.status();
    const settled = await settling.look(status);
    if (settled !== undefined) scorecard.settle(settled);
    screen.show(statusLine(now, scorecard.alerts, status, c, screen.width));
    if (!isBehind) await delay(TURN, undefined, { signal: interrupted }).catch(() => {}); // an interrupt ends the wait; the loop sees it
  }
  const lasted = elapsed();
  screen.show(c.dim('the job commits what it has taken …'));
  await pipeline.drain();
  const status = pipeline.status();
  const watermark = watermarkOf(status);
  if (watermark !== undefined) scorecard.settle(watermark);
  return {
    scores: scorecard.all, topics: pipeline.subscriber.counts, taken: takenBy(status), eventTime: now - DEMO_START, lasted,
    rejected: Object.values(status.rejected).reduce((sum, count) => sum + count, 0), late: status.late,
    checkpoints: checkpointsOf(status), latency: latency.median, memory: process.memoryUsage.rss(),
  };
}

/** Tells alerts as they are read from the topics, and counts them. */
class AlertTeller {
  readonly #screen: Screen;
  readonly #c: Colours;
  readonly #latency = new Latency();
  #scorecard = new Scorecard([]);
  #reader: ReturnType<typeof eventReader> | undefined;

  constructor(screen: Screen, c: Colours) {
    this.#screen = screen;
    this.#c = c;
  }

  begin(rules: readonly string[]): { readonly scorecard: Scorecard; readonly latency: Latency } {
    this.#scorecard = new Scorecard(rules);
    return { scorecard: this.#scorecard, latency: this.#latency };
  }

  async tell(json: string, { config, program }: DemoJob): Promise<void> {
    const read = performance.now();
    const alert = alertFromJson(json, this.#reader ??= eventReader(config, program));
    if (alert === undefined) throw new Error(`a record in an alert topic is no alert: ${json.slice(0, 200)}`);
    this.#latency.read(alert.at, read);
    this.#scorecard.alert(alert);
    this.#screen.print(`${tellAlert(alert, this.#c, this.#screen.width)}\n`);
    await this.#screen.written();
  }
}

function statusLine(now: number, alerts: number, status: JobStatus, c: Colours, width: number): string {
  const time = new Date(now).toISOString().slice(11, 19);
  const { tasks } = status;
  const state = tasks.reduce((sum, { stateBytes }) => sum + stateBytes, 0);
  const committed = Math.max(...tasks.map(({ checkpoint }) => checkpoint?.committed ?? -Infinity));
  const ago = Number.isFinite(committed) ? `   last checkpoint ${formatDuration(Math.max(0, Math.round((Date.now() - committed) / 10) * 10))} ago` : '';
  return c.dim(`${time}   ${formatCount(takenBy(status))} events over MQTT   ${plural(alerts, 'alert')}   state ${formatBytes(state)}${ago}`.slice(0, width - 1));
}

/** The job's warnings, among the alerts: nothing is hidden. */
function logTo(screen: Screen, c: Colours): Log {
  const tell = (fields: object, message: string): void => { screen.print(c.yellow(printable(`${message} ${JSON.stringify(fields)}`))); };
  const log: Log = { debug: () => undefined, info: () => undefined, warn: tell, error: tell, child: () => log };
  return log;
}
