/** Rows of tables from files, for a run over recorded events: read once, before the first event. */
import type { Program } from '../../../dsl/typed.ts';
import { tablesOf } from '../../compile/index.ts';
import { decodeRows, FileTable, TableSourceError } from '../../connect/tables/index.ts';
import type { TableInput } from '../arguments.ts';
import { CliError, EXIT, usageError } from '../errors.ts';
import { plural } from '../format.ts';
import { likely } from '../rule-files.ts';

export type TableRows = ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>;

/**
 * `rules`: names of the rules that are run. `warn` is told of rows that cannot be read and are left out. @throws CliError for a table that there is not, that is given
 * twice, that a rule reads and is not given, or whose file cannot be read as a whole
 */
export async function readTables(program: Program, inputs: readonly TableInput[], rules: ReadonlySet<string>, warn: (message: string) => Promise<void>): Promise<TableRows> {
  const names = inputs.map(({ name }) => name);
  for (const [i, name] of names.entries()) {
    if (!program.tables.has(name)) throw usageError(`--table: there is no table "${name}".${likely(name, program.tables.keys())} Declared: ${[...program.tables.keys()].join(', ') || 'none'}.`);
    if (names.indexOf(name) !== i) throw usageError(`--table: the table "${name}" is given twice.`);
  }
  for (const rule of program.rules.filter((one) => rules.has(one.name))) {
    const missing = tablesOf(program, rule).find((name) => !names.includes(name));
    if (missing !== undefined) throw usageError(`Rule "${rule.name}" reads the table "${missing}": say where its rows are (--table ${missing}=FILE), or run without the rule.`);
  }
  const read = new Map<string, readonly Readonly<Record<string, unknown>>[]>();
  for (const { name, path } of inputs) {
    const source = new FileTable({ path, poll: Infinity });
    try {
      const snapshot = await source.load();
      const { rows, rejected } = decodeRows(program.tables.get(name)!, snapshot.rows);
      const [first] = [...snapshot.rejected, ...rejected];
      const count = snapshot.rejected.length + rejected.length;
      if (first !== undefined) {
        const told = `${path}, ${first.where}: ${first.problem}`;
        if (rows.length === 0) throw new TableSourceError(`none of the ${plural(count, 'row')} can be read. ${told}.`);
        await warn(`Table "${name}": ${plural(count, 'row')} left out that cannot be read; the first: ${told}.`);
      }
      read.set(name, rows);
    } catch (error) {
      if (error instanceof TableSourceError) throw new CliError(`Table "${name}": ${error.message}`, EXIT.usage);
      throw error;
    }
  }
  return read;
}
