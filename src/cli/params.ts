/** Values for params from the command line. */
import { InvalidArgumentError } from 'commander';
import type { Literal, Program, Type } from '../../dsl/typed.ts';
import { checkParam, ParamError } from '../compile/index.ts';
import { parseDuration, parseTime, type ParamOverride } from './arguments.ts';
import { usageError } from './errors.ts';
import { likely } from './rule-files.ts';

/** The overrides as values of their params' types, inside their bounds. @throws CliError (usage) */
export function readParams(program: Program, overrides: readonly ParamOverride[]): Record<string, Literal> {
  const values: Record<string, Literal> = {};
  for (const { name, text } of overrides) {
    const param = program.params.get(name);
    if (param === undefined) {
      const known = [...program.params.keys()];
      throw usageError(`There is no param "${name}".${likely(name, known)} Params here: ${known.join(', ') || 'none'}.`);
    }
    try {
      values[name] = checkParam(program, name, readLiteral(text, param.type));
    } catch (error) {
      if (error instanceof ParamError) throw usageError(error.message);
      if (error instanceof InvalidArgumentError || error instanceof SyntaxError) throw usageError(`Param "${name}": ${error.message}`);
      throw error;
    }
  }
  return values;
}

/** A value as a person types it: text needs no quotes, a duration is `10m`, a list or record is JSON. */
function readLiteral(text: string, type: Type): Literal {
  switch (type.kind) {
    case 'string':
    case 'oneOf': return /^".*"$/s.test(text) ? String(JSON.parse(text)) : text;
    case 'int':
    case 'float': {
      if (!/^[-+]?(\d[\d_]*(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text)) throw new InvalidArgumentError(`"${text}" is not a number.`);
      return Number(text.replaceAll('_', ''));
    }
    case 'bool': {
      if (text !== 'true' && text !== 'false') throw new InvalidArgumentError(`"${text}" is neither true nor false.`);
      return text === 'true';
    }
    case 'duration': return parseDuration(text);
    case 'time': return parseTime(text);
    case 'list':
    case 'record':
    case 'null': return JSON.parse(text) as Literal;
  }
}
