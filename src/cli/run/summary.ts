/** What a run did: per rule and in all, as data and as text; and, where nothing came of it, why. */
import type { PatternRule } from '../../../dsl/typed.ts';
import { typesRead, type Plan } from '../../compile/index.ts';
import type { EngineStats, RuleStats } from '../../engine/index.ts';
import type { Colours } from '../colours.ts';
import { formatBytes, formatCount, formatDuration, isoTime, plural, printable, table } from '../format.ts';

/** Rejected events of one reason, with what was wrong with the first of them. */
export interface RejectCount { readonly reason: string; count: number; readonly first: string }

/** All that the summary is made from. */
export interface RunFigures {
  readonly plan: Plan;
  readonly stats: EngineStats;
  /** Open runs per rule when the input ended, before the end of time closed those with a bound. */
  readonly openRuns: ReadonlyMap<string, number>;
  /** Bytes of state when the input ended. */
  readonly stateBytes: number;
  readonly inputs: readonly string[];
  readonly rejects: ReadonlyMap<string, RejectCount>;
  /** Events outside --from and --to. */
  readonly outside: number;
  /** Alerts of rules in shadow mode: counted, not written. */
  readonly shadow: number;
  readonly byType: ReadonlyMap<string, number>;
  readonly firstTime: number | undefined;
  readonly lastTime: number | undefined;
  /** ms of real time. */
  readonly elapsed: number;
  readonly interrupted: boolean;
  /** Why the input could not be read to its end, where it could not. */
  readonly failure: string | undefined;
  readonly typeField: string;
}

export interface RunSummary {
  readonly events: number;
  readonly alerts: number;
  readonly shadowAlerts: number;
  readonly late: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly rejects: readonly { readonly reason: string; readonly count: number; readonly first: string }[];
  readonly outside: number;
  readonly types: Readonly<Record<string, number>>;
  readonly from: string | null;
  readonly to: string | null;
  readonly inputs: readonly string[];
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** The largest the process has been, bytes. */
  readonly memory: number;
  /** State of the engine at the end of the input, bytes. */
  readonly state: number;
  readonly interrupted: boolean;
  readonly failure: string | null;
  readonly rules: readonly RuleSummary[];
  /** What the person should know: why nothing came, what is incomplete. */
  readonly notes: readonly string[];
}

export interface RuleSummary {
  readonly rule: string;
  readonly events: number;
  readonly alerts: number;
  readonly openRuns: number;
  /** Null for rules without `on timeout`: nobody counts. */
  readonly timedOut: number | null;
  readonly dropped: number;
  readonly suppressed: number;
  readonly nullKeys: number;
}

export function summarize(figures: RunFigures): RunSummary {
  const { stats, rejects, elapsed } = figures;
  const rejected = [...rejects.values()].reduce((sum, reject) => sum + reject.count, 0);
  const rules = stats.rules.map((rule): RuleSummary => ({
    rule: rule.name, events: rule.events, alerts: rule.alerts, openRuns: figures.openRuns.get(rule.name) ?? 0,
    timedOut: figures.plan.rules.find((plan) => plan.rule.name === rule.name)?.hasTimeout === true ? rule.timedOut : null, dropped: rule.dropped, suppressed: rule.suppressed, nullKeys: rule.nullKeys,
  }));
  const seconds = elapsed / 1000;
  return {
    events: stats.events,
    alerts: rules.reduce((sum, rule) => sum + rule.alerts, 0),
    shadowAlerts: figures.shadow,
    late: stats.late,
    duplicates: stats.duplicates,
    rejected,
    rejects: [...rejects.values()].sort((a, b) => b.count - a.count).map(({ reason, count, first }) => ({ reason, count, first })),
    outside: figures.outside,
    types: Object.fromEntries(figures.byType),
    from: figures.firstTime === undefined ? null : isoTime(figures.firstTime),
    to: figures.lastTime === undefined ? null : isoTime(figures.lastTime),
    inputs: figures.inputs,
    seconds: Math.round(seconds * 1000) / 1000,
    eventsPerSecond: seconds > 0 ? Math.round(stats.events / seconds) : 0,
    memory: process.resourceUsage().maxRSS * 1024,
    state: figures.stateBytes,
    interrupted: figures.interrupted,
    failure: figures.failure ?? null,
    rules,
    notes: notes(figures, rejected),
  };
}

function notes(figures: RunFigures, rejected: number): string[] {
  const { stats, plan, byType } = figures;
  const found: string[] = [];
  if (figures.interrupted) found.push('Interrupted: the input was not read to its end, and what still waited for time to pass was not reported.');
  if (figures.failure !== undefined) found.push('The input was not read to its end, and what still waited for time to pass was not reported.');
  if (plan.rules.length === 0) found.push('There is no rule to run: every rule is `mode off`, or the files declare none.');
  if (stats.events === 0) found.push(nothingRead(figures, rejected));
  else {
    for (const rule of stats.rules) {
      const note = ruleNote(rule, figures);
      if (note !== undefined) found.push(note);
    }
  }
  // Also by way of a feature, or of the elements of its lists.
  const read = new Set(plan.rules.flatMap(({ rule }) => [...typesRead(plan.program, rule)]));
  const unused = [...byType.keys()].filter((type) => !read.has(type));
  if (unused.length > 0 && stats.events > 0) {
    found.push(`No rule reads ${unused.map((type) => `${type} (${plural(byType.get(type)!, 'event')})`).join(', ')}.`);
  }
  if (stats.late > 0) {
    found.push(`${plural(stats.late, 'event')} came late and ${stats.late === 1 ? 'was' : 'were'} kept off the patterns; --lateness 5s waits for such, --late FILE keeps them.`);
  }
  if (stats.derivedRejected > 0) found.push(`${plural(stats.derivedRejected, 'derived event')} lacked a required field and was dropped: see the fields of \`emit\`.`);
  return found;
}

/** Why no event at all reached the rules. */
function nothingRead(figures: RunFigures, rejected: number): string {
  const most = [...figures.rejects.values()].sort((a, b) => b.count - a.count)[0];
  if (most === undefined) {
    if (figures.outside > 0) return `All ${plural(figures.outside, 'event')} lie outside --from and --to.`;
    if (figures.stats.late > 0) return 'Every event was late.';
    return `There was no event in ${figures.inputs.join(', ')}.`;
  }
  const declared = [...figures.plan.program.events.keys()].join(', ');
  const advice = most.reason === 'unknown-type' || most.reason === 'missing-type'
    ? ` The field "${figures.typeField}" of a line names its event type (another: --type-field); declared are ${declared}. --events ${mostRead(figures)}=FILE says that all of a file is one type.`
    : most.reason === 'missing-field' ? ' --map Type.field=name reads a field from another name.' : '';
  return `No event could be used: ${formatCount(most.count)} of ${formatCount(rejected)} were rejected as ${most.reason}, the first because ${printable(most.first)}.${advice}`;
}

/** The type that most of the rules read. */
function mostRead({ plan }: RunFigures): string {
  const counts = new Map<string, number>();
  for (const { rule } of plan.rules) for (const type of rule.sees.keys()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].reduce<readonly [string, number]>((most, each) => (each[1] > most[1] ? each : most), ['Type', 0])[0];
}

/** Why a rule reported nothing, where the figures tell. */
function ruleNote(stats: RuleStats, figures: RunFigures): string | undefined {
  const plan = figures.plan.rules.find(({ rule }) => rule.name === stats.name);
  if (plan === undefined || stats.alerts > 0 || stats.suppressed > 0) return undefined;
  const { rule } = plan;
  if (rule.outputs.every((output) => output.kind === 'emit')) return undefined;
  if (stats.events === 0) return `${rule.name} saw no event: it reads ${[...rule.sees.keys()].join(', ')}, and the input held none that it lets in.`;
  if (stats.nullKeys >= stats.events) {
    return `${rule.name} saw no event: in all ${plural(stats.events, 'event')} a part of its key (${rule.key.map((part) => part.name).join(', ')}) is null.`;
  }
  const open = figures.openRuns.get(rule.name) ?? 0;
  if (plan.kind === 'window') return `${rule.name} reported nothing: ${rule.having === undefined ? 'no window had an event and ended' : '`having` was true of no window when it was read'}.`;
  const head = `${rule.name} reported nothing: ${open === 0 ? 'no run was' : plural(open, 'run')} open at the end`;
  if (!plan.hasTimeout && isBounded(plan.rule)) return `${head}; runs whose time was up before are not counted (\`on timeout\` reports them).`;
  if (open > 0 || stats.timedOut > 0 || stats.dropped > 0) return `${head}, ${formatCount(stats.timedOut)} timed out.`;
  const first = [...new Set(plan.automaton.starts.map((edge) => plan.automaton.positions[edge.to]!.stage))].filter((stage) => stage !== undefined);
  return `${head} and none timed out${first.length === 0 ? '' : `, so most likely no event satisfies its first step (${first.join(', ')})`}.`;
}

function isBounded({ match }: PatternRule): boolean {
  return match.within !== undefined || match.session !== undefined || match.gap !== undefined
    || [...match.stages.values()].some((stage) => stage.within !== undefined);
}

/** The summary for a terminal, with a newline at the end. */
export function renderSummary(summary: RunSummary, c: Colours): string {
  const columns: readonly (readonly [string, (rule: RuleSummary) => number | null])[] = [
    ['events', (rule) => rule.events], ['alerts', (rule) => rule.alerts], ['open runs', (rule) => rule.openRuns], ['timed out', (rule) => rule.timedOut],
    ['dropped', (rule) => rule.dropped], ['suppressed', (rule) => rule.suppressed], ['null keys', (rule) => rule.nullKeys],
  ];
  const always = new Set(['events', 'alerts', 'open runs', 'timed out', 'dropped']);
  const shown = columns.filter(([name, value]) => always.has(name) || summary.rules.some((rule) => (value(rule) ?? 0) > 0));
  const rows = summary.rules.map((rule) => [rule.rule, ...shown.map(([, value]) => value(rule) === null ? '–' : formatCount(value(rule)!))]);
  const [header = '', ...lines] = table(['rule', ...shown.map(([name]) => name)], rows).split('\n');
  const extras = [
    summary.late > 0 ? `${formatCount(summary.late)} late` : 'none late',
    summary.rejected > 0 ? `${formatCount(summary.rejected)} rejected` : 'none rejected',
    summary.duplicates > 0 ? `${formatCount(summary.duplicates)} repeated` : '',
    summary.outside > 0 ? `${formatCount(summary.outside)} outside --from and --to` : '',
    summary.shadowAlerts > 0 ? `${formatCount(summary.shadowAlerts)} alerts in shadow` : '',
  ].filter((text) => text !== '');
  const text = [
    ...(rows.length === 0 ? [] : [c.bold(header), ...lines, '']),
    `${plural(summary.events, 'event')} in ${formatDuration(Math.round(summary.seconds * 1000))} (${formatCount(summary.eventsPerSecond)}/s)`
      + ` from ${summary.inputs.map(printable).join(', ')}; ${extras.join(', ')}; memory ${formatBytes(summary.memory)}, of it state ${formatBytes(summary.state)}`,
    ...summary.rejects.map(({ reason, count, first }) => c.dim(`  ${formatCount(count)} ${reason}: ${printable(first)}`)),
    ...summary.notes.map((note) => c.yellow(note)),
  ];
  return `${text.join('\n')}\n`;
}
