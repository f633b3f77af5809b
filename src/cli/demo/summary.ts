import type { Colours } from '../colours.ts';
import { formatBytes, formatCount, formatDuration, plural, table } from '../format.ts';
import type { Score } from './scorecard.ts';

/** What a demo has come to. */
export interface Outcome {
  readonly scores: readonly Score[];
  /** Alerts read, by topic. */
  readonly topics: ReadonlyMap<string, number>;
  /** Events that the job took over MQTT. */
  readonly taken: number;
  readonly rejected: number;
  readonly late: number;
  /** ms of event time, and of real time. */
  readonly eventTime: number;
  readonly lasted: number;
  readonly checkpoints: number;
  /** ms from publishing to the committed alert, for half of the alerts; undefined: there were none. */
  readonly latency: number | undefined;
  /** bytes */
  readonly memory: number;
}

/** Alerts by rule, beside what was injected for each to find; then what it took. */
export function summary({ scores, topics, taken, rejected, late, eventTime, lasted, checkpoints, latency, memory }: Outcome, c: Colours): string {
  const rows = scores.map((score) => [
    score.rule, formatCount(score.alerts), score.judged ? formatCount(score.injected) : '–', score.judged ? formatCount(score.found) : '–',
  ]);
  const [header, ...lines] = table(['rule', 'alerts', 'injected', 'found'], rows).split('\n');
  const trouble = [[rejected, 'rejected'], [late, 'late']].filter(([count]) => count !== 0).map(([count, what]) => `; ${formatCount(count as number)} ${what}`).join('');
  return [
    c.bold(header!), ...lines, '',
    `${formatCount(taken)} events over MQTT, ${seconds(eventTime)} of event time in ${seconds(lasted)}${trouble}; `
      + `alerts committed: ${[...topics].map(([topic, count]) => `${formatCount(count)} to ${topic}`).join(', ')}.`,
    `${plural(checkpoints, 'checkpoint')}; ${latency === undefined ? '' : `publish to committed alert: p50 ${formatDuration(Math.round(latency))}; `}memory ${formatBytes(memory)}.`,
    c.dim('"injected" are the incidents the simulators had finished by then; the alerts beyond them are of incidents still under way, repeats, or a second rule on the same events.'),
    '',
    `Next: read ${c.bold('rules/fraud/card-testing.cep')}, write a rule from ${c.bold('docs/language.md')}, and run it with ${c.bold('npm run -s alcedo -- run')} over files, or ${c.bold('start')} over brokers (${c.bold('docs/configuration.md')}).`,
  ].join('\n');
}

function seconds(ms: number): string {
  return formatDuration(Math.round(ms / 1000) * 1000);
}
