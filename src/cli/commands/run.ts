import { writeFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import type { Literal, Program } from '../../../dsl/typed.ts';
import { compile, CompileError, type Plan } from '../../compile/index.ts';
import {
  collect, parseCount, parseDuration, parseEvents, parseMappings, parseParam, parseTable, parseTime, type EventsInput, type FieldMapping, type ParamOverride,
  type TableInput,
} from '../arguments.ts';
import { CliError, EXIT, fileProblem, usageError } from '../errors.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { fieldMapOf } from '../map-fields.ts';
import { readParams } from '../params.ts';
import { checkRuleNames, likely, loadProgram } from '../rule-files.ts';
import { runJob } from '../run/job.ts';
import { readTables } from '../run/tables.ts';
import { renderSummary, summarize, type RunSummary } from '../run/summary.ts';

interface RunOptions {
  readonly events: readonly EventsInput[];
  readonly typeField: string;
  readonly map?: readonly FieldMapping[];
  readonly param?: readonly ParamOverride[];
  readonly table?: readonly TableInput[];
  readonly rule?: readonly string[];
  readonly lateness: number;
  readonly from?: number;
  readonly to?: number;
  readonly limit?: number;
  readonly alerts?: string;
  readonly pretty?: boolean;
  readonly late?: string;
  readonly rejects?: string;
  readonly summary?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** `alcedo run RULES… --events FILE`: rules over recorded events. */
export function registerRun(program: Command, io: Io): void {
  program.command('run')
    .description('run rules over events from files or standard input; alerts come out as JSON Lines')
    .argument('<rules...>', 'rule files, or folders with .cep files')
    .addOption(new Option('-e, --events <[Type=]file>', 'JSON Lines or CSV, also .gz and .zst; - is standard input; again for more inputs, merged by event time')
      .argParser(parseEvents).makeOptionMandatory())
    .option('--type-field <name>', "the field that names a line's event type", 'type')
    .option('--map <Type.field=name>', 'read a field from another name in the data; with commas or again for more', parseMappings)
    .option('--param <name=value>', 'override a param inside its bounds; again for more', parseParam)
    .option('--table <name=file>', 'rows of a table: CSV, JSON Lines or a JSON array, also .gz and .zst; again for more', parseTable)
    .option('--rule <name>', 'run only this rule; with commas or again for more', collect)
    .addOption(new Option('--lateness <duration>', 'how far out of order events may come').argParser(parseDuration).default(0, '0s'))
    .option('--from <time>', 'take events at or after this event time', parseTime)
    .option('--to <time>', 'take events before this event time', parseTime)
    .option('--limit <n>', 'take at most n events', parseCount)
    .option('--alerts <file>', 'write the alerts there instead of standard output')
    .option('--pretty', 'alerts for people: who, what, and the events that led to it')
    .option('--late <file>', 'write events that came too late there, as they came in')
    .option('--rejects <file>', 'write what did not decode there: reason, source, line and text as JSON Lines')
    .option('--summary <file>', 'write the summary there as JSON')
    .option('--json', 'the summary on standard error as JSON')
    .option('-q, --quiet', 'no summary on standard error')
    .addHelpText('after', `
Alerts go to standard output, the summary to standard error. Times are UTC unless they name a zone.
A line's field "type" names its event type (--type-field); it may be missing where the rules declare one type only. With --events Type=FILE every line
of that file is of that type, whatever it says.
Ends with 0 when the input was read to its end, whatever it held; 1 when an input or output failed; 2 for wrong usage or rules with errors.

Examples:
  alcedo run rules/fraud --events payments.jsonl
  alcedo run rules/fraud --events payments.jsonl.zst --pretty --rule CardTesting
  alcedo run velocity.cep --events Payment=tx.csv.gz --map Payment.card=customer_id,Payment.at=ts --alerts alerts.jsonl
  alcedo run rules/ --events Payment=pay.csv --events Login=logins.jsonl --lateness 5s --late late.jsonl --rejects rejects.jsonl
  alcedo run rules/ --events payments.jsonl --table merchants=merchants.csv
  alcedo simulate payments --for 10m | alcedo run rules/fraud --events - --param ceiling=750 | jq .fields`)
    .action((paths: string[], options: RunOptions) => run(io, paths, options));
}

async function run(io: Io, paths: readonly string[], options: RunOptions): Promise<void> {
  if (options.events.filter(({ path }) => path === '-').length > 1) throw usageError('Standard input ("-") can be read as one input only.');
  if (options.from !== undefined && options.to !== undefined && options.from >= options.to) throw usageError('--from lies at or after --to: no event can be between.');
  const { program } = await loadProgram(io, paths);
  const map = fieldMapOf(program, options.map ?? []);
  checkRuleNames(program, options.rule ?? []);
  for (const { type } of options.events) {
    if (type !== undefined && !program.events.has(type)) {
      throw usageError(`--events: there is no event type "${type}".${likely(type, program.events.keys())} Declared: ${[...program.events.keys()].join(', ') || 'none'}.`);
    }
  }
  const params = readParams(program, options.param ?? []);
  const plan = compilePlan(program, params, options.rule);
  const tables = await readTables(program, options.table ?? [], new Set(plan.rules.map(({ rule }) => rule.name)), (message) => write(io.stderr, `${message}\n`));
  const figures = await runJob(io, plan, {
    tables,
    inputs: options.events,
    map,
    typeField: options.typeField,
    lateness: options.lateness,
    from: options.from,
    to: options.to,
    limit: options.limit,
    pretty: options.pretty === true,
    alerts: options.alerts,
    late: options.late,
    rejects: options.rejects,
  });
  const summary = summarize(figures);
  if (summary.interrupted) io.fail(EXIT.interrupted);
  await tell(io, summary, options);
  if (summary.failure !== null) throw new CliError(`${summary.failure}. What came before was run; the rest was not read.`);
}

function compilePlan(program: Program, params: Readonly<Record<string, Literal>>, rules: readonly string[] | undefined): Plan {
  try {
    return compile(program, { params, rules });
  } catch (error) {
    if (error instanceof CompileError) throw new CliError(error.message, EXIT.usage);
    throw error;
  }
}

async function tell(io: Io, summary: RunSummary, options: RunOptions): Promise<void> {
  if (options.summary !== undefined) {
    try {
      writeFileSync(options.summary, `${JSON.stringify(summary, undefined, 2)}\n`);
    } catch (error) {
      throw new CliError(`Cannot write "${options.summary}": ${fileProblem(error) ?? String(error)}. The alerts are written.`);
    }
  }
  if (options.json === true) await write(io.stderr, `${JSON.stringify(summary)}\n`);
  else if (options.quiet !== true) await write(io.stderr, renderSummary(summary, coloursFor(io, 'stderr')));
}
