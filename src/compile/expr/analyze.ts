import { children } from '../../../dsl/index.ts';
import type { Expr, Type } from '../../../dsl/typed.ts';

export type Aggregate = Expr & { kind: 'aggregate' };

/** What the value of an expression depends on. Sub-expressions of aggregates count too. */
export interface Dependencies {
  /** It reads the event being tested: a field or its time. */
  event: boolean;
  eventFields: Set<string>;
  eventTime: boolean;
  /** Every stage it names, in whatever way. */
  stages: Set<string>;
  /** Each once. */
  stageFields: { readonly stage: string; readonly field: string }[];
  stageTimes: Set<string>;
  prev: boolean;
  prevFields: Set<string>;
  /** Each aggregate once, by its canonical text. */
  aggregates: Aggregate[];
  key: boolean;
  keyParts: Set<number>;
  params: Set<string>;
  /** Of the event an enclosing aggregate looks at; not empty only for an aggregate or a part of one. */
  eachFields: Set<string>;
  eachTime: boolean;
  /** It reads match.id, match.from or match.to. */
  match: boolean;
}

export function dependsOn(expr: Expr): Dependencies {
  const found: Dependencies = {
    event: false, eventFields: new Set(), eventTime: false, stages: new Set(), stageFields: [], stageTimes: new Set(), prev: false,
    prevFields: new Set(), aggregates: [], key: false, keyParts: new Set(), params: new Set(), eachFields: new Set(), eachTime: false, match: false,
  };
  const seen = new Set<string>();
  const isNew = (text: string): boolean => !seen.has(text) && seen.add(text) !== undefined;
  const visit = (part: Expr): void => {
    switch (part.kind) {
      case 'eventField':
        found.event = true;
        found.eventFields.add(part.field);
        break;
      case 'eventTime':
        found.event = true;
        found.eventTime = true;
        break;
      case 'stageField':
        found.stages.add(part.stage);
        if (isNew(canonical(part))) found.stageFields.push({ stage: part.stage, field: part.field });
        break;
      case 'stageTime':
        found.stages.add(part.stage);
        found.stageTimes.add(part.stage);
        break;
      case 'prevField':
        found.prev = true;
        if (part.field !== undefined) found.prevFields.add(part.field);
        break;
      case 'aggregate':
        found.stages.add(part.stage);
        if (isNew(canonical(part))) found.aggregates.push(part);
        break;
      case 'keyField':
        found.key = true;
        found.keyParts.add(part.part);
        break;
      case 'param':
        found.params.add(part.name);
        break;
      case 'eachField':
        found.eachFields.add(part.field);
        break;
      case 'eachTime':
        found.eachTime = true;
        break;
      case 'matchInfo':
        found.match = true;
        break;
      default:
        break;
    }
    children(part).forEach(visit);
  };
  visit(expr);
  return found;
}

/**
 * A text that is equal for two expressions that are alike but for spans, the order of commutative operands, repeated conjuncts, and the
 * spelling of negations (`a > b` and `b < a`, `x not in l` and `not (x in l)`). Equal texts give equal values wherever the fields they
 * read mean the same. Params and fields stand in it by name, fields with their kind of type.
 */
export function canonical(expr: Expr): string {
  const list = (name: string, ...parts: readonly string[]): string => `(${[name, ...parts].join(' ')})`;
  const negated = (expr_: { readonly negated: boolean }, text: string): string => (expr_.negated ? list('not', text) : text);
  const quoted = JSON.stringify;
  switch (expr.kind) {
    case 'literal': return `${kindOf(expr.type)}${quoted(expr.value)}`;
    case 'param': return list('param', quoted(expr.name), kindOf(expr.type));
    case 'eventField': return list('event', quoted(expr.field), kindOf(expr.type));
    case 'eventTime': return '(eventTime)';
    case 'keyField': return list('key', String(expr.part), kindOf(expr.type));
    case 'stageField': return list('stage', quoted(expr.stage), quoted(expr.field), kindOf(expr.type));
    case 'stageTime': return list('timeOf', quoted(expr.stage));
    case 'prevField': return list('prev', quoted(expr.field ?? null), kindOf(expr.type));
    case 'aggregate':
      return list(expr.fn, quoted(expr.stage), expr.value === undefined ? '' : canonical(expr.value), expr.where === undefined ? '' : canonical(expr.where),
        expr.limit === undefined ? '' : String(expr.limit));
    case 'windowAggregate':
      return list(`window ${expr.fn}`, quoted(expr.input ?? null), expr.value === undefined ? '' : canonical(expr.value), expr.where === undefined ? '' : canonical(expr.where),
        expr.argument === undefined ? '' : String(expr.argument));
    case 'windowInfo': return list('window', expr.what);
    case 'lookup': return list('lookup', quoted(expr.table), canonical(expr.key), quoted(expr.column));
    case 'feature': return list('feature', quoted(expr.feature), ...expr.parts.map(String));
    case 'eachField': return list('each', quoted(expr.field), kindOf(expr.type));
    case 'eachTime': return '(eachTime)';
    case 'matchInfo': return list('match', expr.what);
    case 'lambdaParam': return list('lambda', String(expr.depth), kindOf(expr.type));
    case 'member': return list('member', canonical(expr.object), quoted(expr.field), kindOf(expr.type));
    case 'index': return list('index', canonical(expr.object), canonical(expr.index), kindOf(expr.type));
    case 'list': return list('list', kindOf(expr.type), ...expr.items.map(canonical));
    case 'not': return expr.operand.kind === 'compare' && expr.operand.op === '!='
      ? canonical({ ...expr.operand, op: '==' }) : list('not', canonical(expr.operand));
    case 'negate': return list('negate', canonical(expr.operand));
    case 'and': case 'or': return list(expr.kind, ...[...new Set(operands(expr.kind, expr).map(canonical))].sort());
    case '??': return list('??', canonical(expr.left), canonical(expr.right));
    case 'compare': {
      const left = canonical(expr.left);
      const right = canonical(expr.right);
      if (expr.op === '==') return list('==', ...[left, right].sort());
      if (expr.op === '!=') return list('not', list('==', ...[left, right].sort()));
      if (expr.op === '>') return list('<', right, left);
      if (expr.op === '>=') return list('<=', right, left);
      return list(expr.op, left, right);
    }
    case 'arith': {
      const both = [canonical(expr.left), canonical(expr.right)];
      return list(expr.op, ...(expr.op === '+' || expr.op === '*' ? both.sort() : both));
    }
    case 'in': return negated(expr, list('in', canonical(expr.value), canonical(expr.options)));
    case 'like': return negated(expr, list('like', canonical(expr.value), canonical(expr.pattern)));
    case 'matches': return negated(expr, list('matches', canonical(expr.value), quoted(expr.regex), expr.ignoreCase ? 'i' : ''));
    case 'between': return negated(expr, list('between', canonical(expr.value), canonical(expr.lo), canonical(expr.hi)));
    case 'isNull': return negated(expr, list('isNull', canonical(expr.value)));
    case 'if': return list('if', canonical(expr.cond), canonical(expr.then), canonical(expr.else));
    case 'call': return list('call', expr.fn, ...expr.args.map(canonical), ...(expr.lambda === undefined ? [] : [list('=>', canonical(expr.lambda))]));
  }
}

/** The operands of a chain of one of the associative conditions. */
function operands(kind: 'and' | 'or', expr: Expr): Expr[] {
  return expr.kind === kind ? [...operands(kind, expr.left), ...operands(kind, expr.right)] : [expr];
}

/** One letter per way of comparing and writing a value; two types of one kind are interchangeable in any expression. */
function kindOf(type: Type): string {
  switch (type.kind) {
    case 'int': case 'float': return 'n';
    case 'duration': return 'd';
    case 'time': return 't';
    case 'bool': return 'b';
    case 'string': case 'oneOf': return 's';
    case 'null': return '0';
    case 'list': return `[${kindOf(type.element.type)}]`;
    case 'record': return `{${type.fields.map((field) => `${JSON.stringify(field.name)}:${kindOf(field.type)}`).join(',')}}`;
  }
}
