import type { Command } from 'commander';
import { isLost, renderRule, type Change } from '../../engine/index.ts';
import { openStore } from '../../state/stores/index.ts';
import { CliError, EXIT } from '../errors.ts';
import { plural, printable } from '../format.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { checkJobFile, renderJob } from '../job-file.ts';
import { placeOf, withStore, type OpenStore } from '../live/job-store.ts';

interface PlanOptions { readonly json?: boolean }

/** `alcedo plan JOB.yaml`: what becomes of the state of a job under the rules as they are now. It only reads. */
export function registerPlan(program: Command, io: Io, open: OpenStore = openStore): void {
  program.command('plan')
    .description('say what becomes of the open runs of a job under its rules as they are now, before it is started with them')
    .argument('<job>', 'a job file')
    .option('--json', 'as JSON')
    .addHelpText('after', `
Reads the newest checkpoint of each task and changes nothing; the job may be running meanwhile, under the rules it had.
Runs go on under other literals, params, durations, conditions, titles and alert fields, and with stages added at the end. Where they cannot, the rule
starts fresh, and the job only starts when it is told to let them end under the old rule (state.onChange: drain) or to let go of them (fresh).
Ends with 0 when no runs are lost; with 1 when some are, or the store cannot be read; with 2 for errors in the job file or the rules.

Examples:
  alcedo plan card-fraud.yaml && alcedo start card-fraud.yaml
  alcedo plan card-fraud.yaml --json | jq '.rules[] | select(.what == "fresh")'`)
    .action((path: string, options: PlanOptions) => plan(io, path, options, open));
}

async function plan(io: Io, path: string, options: PlanOptions, open: OpenStore): Promise<void> {
  const checked = checkJobFile(io, path);
  if (checked.diagnostics.some(({ severity }) => severity === 'error')) await write(io.stderr, renderJob(checked, checked.diagnostics, io, 'stderr'));
  if (checked.sound === undefined) throw new CliError(`${path} has errors; nothing was looked at.`, EXIT.usage);
  const { job, program } = checked.sound;
  const [{ planChange, summed }, { makeLog }] = await Promise.all([import('../../job/index.ts'), import('../../job/log.ts')]);
  await withStore(io, path, job, open, async (store) => {
    const tasks = await planChange(job, program, store, makeLog({ level: 'error', format: 'pretty' }));
    const change = summed(tasks);
    const isSame = tasks.every((task) => task.change === undefined);
    const lost = change.rules.some(isLost);
    if (lost) io.fail(EXIT.failed);
    if (options.json === true) {
      await write(io.stdout, `${JSON.stringify({
        ok: !lost, job: job.name, place: placeOf(job), changed: !isSame, rules: change.rules, notes: change.notes,
        tasks: tasks.map(({ task, checkpoint, change: own }) => ({ task, checkpoint, rules: own?.rules ?? null })),
      }, undefined, 2)}\n`);
      return;
    }
    const c = coloursFor(io, 'stdout');
    await write(io.stdout, `State of ${c.bold(job.name)} in ${placeOf(job)}: ${plural(tasks.length, 'task')}${tasks.length === 0 ? '' : `, checkpoint ${Math.max(...tasks.map(({ checkpoint }) => checkpoint))}`}\n`);
    if (tasks.length === 0) await write(io.stdout, 'There is no state yet: every rule begins with the first events.\n');
    else if (isSame) await write(io.stdout, c.green('The rules are those that made the state: all runs go on.\n'));
    else await write(io.stdout, render(change, tasks.find(({ cannotDrain }) => cannotDrain !== undefined)?.cannotDrain, io));
  });
}

function render(change: Change, cannotDrain: string | undefined, io: Io): string {
  const c = coloursFor(io, 'stdout');
  const lines = change.rules.map((rule) => `${isLost(rule) ? c.red('loses  ') : rule.what === 'goes on' ? c.green('keeps  ') : rule.what === 'drains' ? c.green('drains ') : '       '}${printable(renderRule(rule))}\n`);
  const notes = change.notes.map((note) => `${c.yellow('note   ')}${printable(note)}\n`);
  const lost = change.rules.filter(isLost);
  const open = (['run', 'window'] as const).map((of) => [of, lost.reduce((sum, rule) => sum + (rule.of === of ? rule.runs : 0), 0)] as const).filter(([of, n]) => n > 0 || (of === 'run' && lost.every((rule) => rule.runs === 0)));
  const verdict = lost.length === 0 ? c.green('Nothing that is open is lost.') : c.red(`${plural(lost.length, 'rule')} would lose ${open.map(([of, n]) => plural(n, `open ${of}`)).join(' and ')}: the job starts only with state.onChange: ${cannotDrain === undefined && open.some(([, n]) => n > 0) ? 'drain (they end under the old rules) or fresh (they are lost)' : 'fresh'}.${cannotDrain === undefined ? '' : ` ${cannotDrain}`}`);
  return `${lines.join('')}${notes.join('')}${verdict}\n`;
}
