import { parseFile, type ParsedFile } from '../../../dsl/index.ts';
import type { Clause, Declaration, Expr, Pattern, RuleDecl } from '../../../dsl/ast.ts';

/** Parses a text that must be without errors. */
export function parseClean(text: string): ParsedFile['file'] {
  const { file, diagnostics: all } = parseFile('a.cep', text);
  const diagnostics = all.filter((one) => one.severity === 'error');
  if (diagnostics.length > 0) throw new Error(`unexpected: ${diagnostics.map((one) => `${one.code} ${one.message} at '${text.slice(one.span.start, one.span.end)}'`).join('; ')}\nin ${text}`);
  return file;
}

/** A tree without its places: what two texts that mean the same have in common. */
export function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !/^(?:span|arrowSpan|modeSpan|pathSpan)$/.test(key)).map(([key, part]) => [key, bare(part)]));
}

export function declarationsOf(text: string): unknown {
  return bare(parseClean(text).declarations);
}

export function ruleOf(body: string): RuleDecl {
  return parseClean(`rule R { ${body} }`).declarations[0] as Declaration & { kind: 'rule' };
}

export function clauseOf<Kind extends Clause['kind']>(body: string, kind: Kind): Clause & { kind: Kind } {
  return ruleOf(body).clauses.find((clause) => clause.kind === kind) as Clause & { kind: Kind };
}

export function exprOf(text: string): Expr {
  return clauseOf(`having ${text}`, 'having').cond;
}

/** An expression with all its parentheses, as (a + (b * c)): how it was read. */
export function readAs(text: string): string {
  return show(exprOf(text));
}

function show(expr: Expr): string {
  const not = (negated: boolean): string => (negated ? 'not ' : '');
  switch (expr.kind) {
    case 'number': case 'duration': return expr.raw;
    case 'string': return JSON.stringify(expr.value);
    case 'bool': return String(expr.value);
    case 'null': return 'null';
    case 'regex': return `/${expr.source}/${expr.ignoreCase ? 'i' : ''}`;
    case 'name': return expr.name;
    case 'list': return `[${expr.items.map(show).join(', ')}]`;
    case 'record': return `{${expr.fields.map((field) => `${field.name.text}: ${field.value === undefined ? '' : show(field.value)}`).join(', ')}}`;
    case 'member': return `${show(expr.object)}.${expr.name.text}`;
    case 'index': return `${show(expr.object)}[${show(expr.index)}]`;
    case 'call': return `${expr.callee.text}(${expr.args.map((argument) => {
      switch (argument.kind) {
        case 'value': return show(argument.value) + (argument.where === undefined ? '' : ` where ${show(argument.where)}`);
        case 'where': return `where ${show(argument.where)}`;
        case 'lambda': return `${argument.param.text} => ${show(argument.body)}`;
      }
    }).join(', ')})`;
    case 'unary': return `(${expr.op} ${show(expr.operand)})`;
    case 'binary': return `(${show(expr.left)} ${expr.op} ${show(expr.right)})`;
    case 'in': return `(${show(expr.value)} ${not(expr.negated)}in ${show(expr.options)})`;
    case 'like': case 'matches': return `(${show(expr.value)} ${not(expr.negated)}${expr.kind} ${show(expr.pattern)})`;
    case 'between': return `(${show(expr.value)} ${not(expr.negated)}between ${show(expr.lo)} and ${show(expr.hi)})`;
    case 'isNull': return `(${show(expr.value)} is ${not(expr.negated)}null)`;
    case 'if': return `(if ${show(expr.cond)} then ${show(expr.then)} else ${show(expr.else)})`;
    case 'paren': return show(expr.inner);
  }
}

const ARROWS = { followed: '->', any: '->>', next: '=>' } as const;

/** A pattern with all its parentheses: how it was read. */
export function showPattern(pattern: Pattern): string {
  switch (pattern.kind) {
    case 'stageRef': return pattern.name.text;
    case 'sequence': return `(${pattern.items.map((item) => (item.arrow === undefined ? '' : `${ARROWS[item.arrow]} `) + showPattern(item.pattern)).join(' ')})`;
    case 'or': case 'and': return `(${pattern.operands.map(showPattern).join(` ${pattern.kind} `)})`;
    case 'not': return `not ${showPattern(pattern.inner)}${pattern.for === undefined ? '' : ` for ${show(pattern.for)}`}`;
    case 'quantified': {
      const counts = pattern.quantifier !== '{}' ? pattern.quantifier
        : `{${show(pattern.min!)}${pattern.exact === true ? '' : `,${pattern.max === undefined ? '' : show(pattern.max)}`}}`;
      return showPattern(pattern.inner) + counts + [pattern.iteration, pattern.greedy ? 'greedy' : undefined, pattern.lazy ? 'lazy' : undefined].filter((word) => word !== undefined).map((word) => ` ${word}`).join('');
    }
  }
}

/** How `match …` was read. */
export function matchAs(text: string): string {
  return showPattern(clauseOf(`match ${text}`, 'match').pattern);
}

/** Every finding as `code 'place' message`, in order. */
export function findings(text: string): string[] {
  return parseFile('a.cep', text).diagnostics.map((one) => `${one.code} '${text.slice(one.span.start, one.span.end)}' ${one.message}`);
}
