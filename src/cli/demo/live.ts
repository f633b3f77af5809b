import { setTimeout as delay } from 'node:timers/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from '../../compile/index.ts';
import type { Alert } from '../../core/alert.ts';
import { makeDecoder } from '../../decode/index.ts';
import { Engine, type EngineStats } from '../../engine/index.ts';
import { formatBytes, formatCount, formatDuration, table } from '../format.ts';
import { coloursFor, type Io } from '../io.ts';
import type { Colours } from '../colours.ts';
import { loadProgram } from '../rule-files.ts';
import { Scorecard } from './scorecard.ts';
import { Screen } from './screen.ts';
import { tellAlert } from './story.ts';
import { DEMO_START, World } from './world.ts';

export interface DemoOptions {
  /** ms of real time; `Infinity`: until interrupted. */
  readonly for: number;
  /** Event time against the wall clock. */
  readonly speed: number;
  readonly seed: string;
}

/** Real time between two turns: short enough that alerts seem to come at once. */
const TURN = 100;

/** What the demo has done so far. */
interface Progress {
  events: number;
  rejected: number;
  /** ms of real time spent decoding and matching. */
  busy: number;
  /** Event time reached. */
  now: number;
}

/** Runs two simulators against the rules that come with the project, in this process, and tells the alerts as they come; then a summary. */
export async function runDemo(io: Io, options: DemoOptions): Promise<void> {
  const c = coloursFor(io, 'stdout');
  const screen = new Screen(io.stdout);
  const folder = rulesFolder();
  const { program } = await loadProgram(io, [join(folder, 'fraud'), join(folder, 'iot')]);
  const rules = program.rules.map((rule) => rule.name);
  const scorecard = new Scorecard(rules);
  const pending: Alert[] = [];
  const engine = new Engine(compile(program), { onAlert: (alert: Alert) => { pending.push(alert); } });
  const decoder = makeDecoder(engine.schema, engine.strings, { typeField: 'type' });
  const batch = engine.newBatch();
  const world = new World(options.seed, (label) => { scorecard.label(label); });
  const progress: Progress = { events: 0, rejected: 0, busy: 0, now: DEMO_START };
  const encoder = new TextEncoder();

  screen.print(`${c.bold('Alcedo')} watches a bank's payments and a factory's machines, ${options.speed} times as fast as life: ${rules.length} rules, no service, no network.`);
  screen.print(c.dim(`Everything is simulated here (seed ${options.seed}); the rules are those in rules/fraud and rules/iot. Ctrl-C ends with a summary.\n`));

  const began = performance.now();
  const elapsed = (): number => performance.now() - began;
  while (!io.interrupted.aborted && elapsed() < options.for) {
    progress.now = Math.floor(DEMO_START + elapsed() * options.speed);
    const lines = encoder.encode(world.upTo(progress.now));
    const started = performance.now();
    for (let at = 0; at < lines.length;) {
      batch.count = 0;
      at = decoder.decodeLines(lines, at, lines.length, batch, () => { progress.rejected++; });
      progress.events += batch.count;
      engine.push(batch);
    }
    engine.advance(progress.now);
    progress.busy += performance.now() - started;

    for (const alert of pending) {
      scorecard.alert(alert);
      screen.print(`${tellAlert(alert, c, screen.width)}\n`);
    }
    pending.length = 0;
    scorecard.settle(progress.now);
    screen.show(statusLine(progress, scorecard.alerts, engine.stats(), c, screen.width));
    await delay(TURN, undefined, { signal: io.interrupted }).catch(() => {}); // an interrupt ends the wait; the loop sees it
  }
  screen.finish();
  screen.print(summary(progress, scorecard, elapsed(), c));
}

function statusLine(progress: Progress, alerts: number, stats: EngineStats, c: Colours, width: number): string {
  const time = new Date(progress.now).toISOString().slice(11, 19);
  const openRuns = stats.rules.reduce((sum, rule) => sum + rule.openRuns, 0);
  const text = `${time}   ${formatCount(progress.events)} events   ${formatCount(openRuns)} open runs   ${formatCount(alerts)} alerts`
    + `   matching has taken ${formatDuration(Math.round(progress.busy))}`;
  return c.dim(text.slice(0, width - 1));
}

/** Alerts by rule, beside what was injected for each to find; then what it took. */
function summary(progress: Progress, scorecard: Scorecard, elapsed: number, c: Colours): string {
  const rows = scorecard.all.map((score) => [
    score.rule, formatCount(score.alerts), score.judged ? formatCount(score.injected) : '–', score.judged ? formatCount(score.found) : '–',
  ]);
  const [header, ...lines] = table(['rule', 'alerts', 'injected', 'found'], rows).split('\n');
  return [
    c.bold(header!), ...lines, '',
    `${formatCount(progress.events)} events over ${formatDuration(Math.round((progress.now - DEMO_START) / 1000) * 1000)} of event time`
      + ` in ${formatDuration(Math.round(elapsed / 1000) * 1000)}; ${formatCount(scorecard.alerts)} alerts${progress.rejected > 0 ? `; ${formatCount(progress.rejected)} rejected` : ''}.`,
    `Decoding and matching took ${formatDuration(Math.round(progress.busy))} of that; memory ${formatBytes(process.memoryUsage.rss())}.`,
    c.dim('"injected" are the incidents the simulators had finished by then; the alerts beyond them are of incidents still under way, repeats, or a second rule on the same events.'),
    '',
    `Next: read ${c.bold('rules/fraud/card-testing.cep')}, write a rule from ${c.bold('docs/language.md')}, and run it with ${c.bold('npm run -s alcedo -- run')}.`,
  ].join('\n');
}

/** The folder of the rules that come with the project: beside the sources, and beside the folder of the build. */
function rulesFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'rules', 'fraud', 'events.cep'))) return join(folder, 'rules');
    if (folder === dirname(folder)) throw new Error('the folder "rules" is missing from this installation');
  }
}
