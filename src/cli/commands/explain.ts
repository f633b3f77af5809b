import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import type { Program } from '../../../dsl/typed.ts';
import { compile, CompileError, type Plan } from '../../compile/index.ts';
import { describeRule, renderCost, renderDot, renderMermaid, renderPlan, type RuleDescription } from '../../explain/index.ts';
import { parseParam, type ParamOverride } from '../arguments.ts';
import { CliError, EXIT, usageError } from '../errors.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { readParams } from '../params.ts';
import { checkRuleNames, loadProgram } from '../rule-files.ts';

type Format = 'text' | 'json' | 'dot' | 'mermaid';

interface ExplainOptions { readonly format: Format; readonly json?: boolean; readonly cost?: boolean; readonly param?: readonly ParamOverride[] }

/** `alcedo explain RULE [RULES…]`: how a rule is run. */
export function registerExplain(program: Command, io: Io): void {
  program.command('explain')
    .description('show how a rule is run: its automaton, what is read, where each condition is evaluated, and what it costs')
    .argument('<rule...>', 'names of rules, and the files or folders they are in (default: the current folder); files alone: all their rules')
    .addOption(new Option('--format <format>', 'of the plan').choices(['text', 'json', 'dot', 'mermaid']).default('text'))
    .option('--json', 'the same as --format json')
    .option('--cost', 'only what it costs')
    .option('--param <name=value>', 'explain it with this value of a param; again for more', parseParam)
    .addHelpText('after', `
Examples:
  alcedo explain rules/fraud/card-testing.cep
  alcedo explain CardTesting rules/ --cost
  alcedo explain CardTesting rules/ --format dot | dot -Tsvg > card-testing.svg
  alcedo explain CardTesting rules/ --format mermaid`)
    .action((args: string[], options: ExplainOptions) => explain(io, args, options));
}

async function explain(io: Io, args: readonly string[], options: ExplainOptions): Promise<void> {
  const paths = args.filter((arg) => existsSync(arg));
  const names = args.filter((arg) => !existsSync(arg));
  const missing = names.find((name) => !/^[A-Z]\w*$/.test(name));
  if (missing !== undefined) throw usageError(`"${missing}" is neither a file or folder nor the name of a rule.`);
  const { program } = await loadProgram(io, paths.length === 0 ? ['.'] : paths, options);
  checkRuleNames(program, names);
  const wanted = names.length === 0 ? program.rules.map((rule) => rule.name) : names;
  if (wanted.length === 0) throw new CliError('There is no rule in these files.');
  const params = readParams(program, options.param ?? []);
  // Each rule is planned alone, so that the plan tells what this rule reads; `mode off` is no hindrance.
  const shown: Program = { ...program, rules: program.rules.map((rule) => (rule.mode.kind === 'off' ? { ...rule, mode: { kind: 'live' } } : rule)) };
  const modes = new Map(program.rules.map((rule) => [rule.name, rule.mode.kind]));
  const descriptions = wanted.map((name) => {
    const plan = planOf(shown, name, params);
    const description = describeRule(plan, plan.rules[0]!);
    return modes.get(name) === 'off' ? { ...description, mode: 'off' } : description;
  });
  await write(io.stdout, render(io, descriptions, options));
}

function planOf(program: Program, name: string, params: ReturnType<typeof readParams>): Plan {
  try {
    return compile(program, { rules: [name], params });
  } catch (error) {
    if (error instanceof CompileError) throw new CliError(error.message, EXIT.usage);
    throw error;
  }
}

function render(io: Io, rules: readonly RuleDescription[], options: ExplainOptions): string {
  const { bold } = coloursFor(io, 'stdout');
  if (options.json === true || options.format === 'json') {
    const data = options.cost === true ? rules.map(({ rule, costs }) => ({ rule, costs })) : rules;
    return `${JSON.stringify(data.length === 1 ? data[0] : data, undefined, 2)}\n`;
  }
  if (options.format === 'dot') return rules.map(renderDot).join('');
  if (options.format === 'mermaid') return rules.map(renderMermaid).join('\n');
  return rules.map((rule) => (options.cost === true ? renderCost(rule, bold) : renderPlan(rule, bold))).join('\n');
}
